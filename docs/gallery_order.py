"""The order of the groups and their examples: first things first, not by length."""

from pathlib import Path

GROUPS = {
    "first_steps": ["first_classifier", "comparison"],
    "looking": ["mistakes", "filters", "saliency", "displays"],
    "training": ["early_stopping", "augmentation", "class_weight", "learning_curve"],
    "searching": ["search", "optuna_search", "pca_pipeline", "reports"],
    "using": [
        "own_images",
        "phone_picture",
        "folder",
        "draw",
        "saved_model",
        "calibration",
    ],
    "own_networks": ["own_network", "focal_loss", "callback", "transfer"],
}


def group_order(folder):
    """The place of a group."""
    return list(GROUPS).index(Path(folder).name)


class GalleryOrder:
    """The key of an example: its place in its group; what is new comes last."""

    def __init__(self, folder):
        self.names = GROUPS.get(Path(folder).name, [])

    def __call__(self, name):
        """Place and name."""
        stem = Path(name).stem.removeprefix("plot_")
        place = self.names.index(stem) if stem in self.names else len(self.names)
        return (place, stem)
