"""A module in evaluation mode beside the one that is trained."""

import copy


def any_in_training(module):
    """Whether a module or one of its layers is in training mode."""
    # module.modules() does the same in three times the time, which is a tenth of what a
    # small network takes for one image.
    if module.training:
        return True
    for child in module._modules.values():
        if child is not None and any_in_training(child):
            return True
    return False


def in_evaluation(module):
    """A module of the same weights and hooks that is in evaluation mode throughout."""
    twin = copy.copy(module)
    twin.training = False
    twin._modules = {
        name: None if child is None else in_evaluation(child)
        for name, child in module._modules.items()
    }
    return twin
