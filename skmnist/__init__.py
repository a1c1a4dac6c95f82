"""Image classifiers for scikit-learn, trained by PyTorch.

Public names are loaded when they are first used (SPEC 1), so that importing the
package costs next to nothing and imports no torch.
"""

import sys

import lazy_loader

from skmnist._versions import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "displays", "model_selection", "persistence", "recipes"],
    submod_attrs={
        "_estimators.convnet": ["ConvLayer", "ConvNetClassifier"],
        "_estimators.linear": ["LinearClassifier"],
        "_estimators.mlp": ["MLPClassifier"],
        "_estimators.module": ["ModuleClassifier"],
    },
)

# Pickles and skops files of 0.1.0.dev0 name the modules that the estimators were in.
for _module in ("_convnet", "_linear", "_mlp"):
    sys.modules[f"{__name__}.{_module}"] = sys.modules[__name__]
