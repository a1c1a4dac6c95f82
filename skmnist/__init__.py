"""Image classifiers for scikit-learn, trained by PyTorch.

Public names are loaded when they are first used (SPEC 1), so that importing the
package costs next to nothing and imports no torch.
"""

import lazy_loader

__version__ = "0.1.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "displays", "model_selection", "persistence", "recipes"],
    submod_attrs={
        "_convnet": ["ConvLayer", "ConvNetClassifier"],
        "_linear": ["LinearClassifier"],
        "_mlp": ["MLPClassifier"],
    },
)
