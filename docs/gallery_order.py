"""The order of the examples: first things first, not by their length."""

from pathlib import Path

ORDER = [
    "first_classifier",
    "comparison",
    "mistakes",
    "filters",
    "displays",
    "early_stopping",
    "augmentation",
    "class_weight",
    "focal_loss",
    "calibration",
    "learning_curve",
    "pca_pipeline",
    "search",
    "optuna_search",
    "saved_model",
    "own_images",
    "callback",
    "own_network",
    "transfer",
    "reports",
]


class GalleryOrder:
    """The key of an example: its place in ORDER; what is new comes last."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        """Place and name."""
        stem = Path(name).stem.removeprefix("plot_")
        return (ORDER.index(stem) if stem in ORDER else len(ORDER), stem)
