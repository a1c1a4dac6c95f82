"""A module in evaluation mode beside the one that is trained."""

import copy


def any_in_training(module):
    """Whether a module or one of its layers is in training mode."""
    # module.modules() does the same, in 8 of the 70 µs of a prediction for one image.
    return module.training or any(
        any_in_training(child)
        for child in module._modules.values()
        if child is not None
    )


def in_evaluation(module):
    """A module of the same weights and hooks that is in evaluation mode throughout."""
    twin = copy.copy(module)
    twin.training = False
    twin._modules = {
        name: None if child is None else in_evaluation(child)
        for name, child in module._modules.items()
    }
    return twin
