"""What callbacks ask of a training, checked before it begins."""

from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import ReduceLROnPlateau


def check_callbacks(callbacks, schedule, validated, owner):
    """Refuse callbacks that could not do their work in a training.

    Parameters
    ----------
    callbacks : list of (name, callback)
    schedule : str or None
        The learning-rate schedule of the training.
    validated : bool
        Whether there are images to validate on.
    owner : str
        The name of the estimator, for errors.

    Raises
    ------
    ValueError
        For skorch's LRScheduler beside a schedule, which would take turns in setting
        the rate; and for one that monitors a figure of a validation without any.
    """
    for name, callback in callbacks:
        if isinstance(callback, LRScheduler) and schedule is not None:
            raise ValueError(
                f"The 'lr_schedule' parameter of {owner} must be None beside the "
                f"callback {name}, which sets the learning rate itself. Got "
                f"{schedule!r} instead."
            )
    if not validated:
        missing = _figures_of_a_validation([callback for _, callback in callbacks])
        for name, callback in callbacks:
            if _monitored(callback) in missing:
                raise missing_figure(name, callback)


def missing_figure(name, callback):
    """The error for a callback that monitors what is not recorded."""
    return ValueError(
        f"The callback {name} monitors {callback.monitor!r}, which is not recorded. "
        "Figures that begin with 'valid' need images to validate on: pass X_val and "
        "y_val to fit, set early_stopping=True, or monitor 'train_loss'."
    )


def _monitored(callback):
    if isinstance(callback, LRScheduler):
        policy = callback.policy_
        if not (isinstance(policy, type) and issubclass(policy, ReduceLROnPlateau)):
            return None
    figure = getattr(callback, "monitor", None)
    return figure if isinstance(figure, str) else None


def _figures_of_a_validation(callbacks):
    """What is certain not to be recorded without a validation."""
    homes = {type(callback).__module__.split(".")[0] for callback in callbacks}
    if not homes <= {"skorch", "skmnist"}:
        # A callback of the user's may record what it likes.
        return set()
    scores = [callback for callback in callbacks if hasattr(callback, "on_train")]
    names = {_score_name(score) for score in scores if not score.on_train}
    names |= {"valid_loss", "valid_acc", "valid_batch_count"}
    names -= {_score_name(score) for score in scores if score.on_train}
    return names | {f"{name}_best" for name in names}


def _score_name(score):
    # PassthroughScoring has the one, the others have the other.
    return getattr(score, "name_", score.name)
