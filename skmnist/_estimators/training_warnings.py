"""What a training that ended well in form may have gone wrong in."""

import math

from sklearn.exceptions import ConvergenceWarning

from skmnist._training.optimizers import SCHEDULES_BY_STEP
from skmnist._warn import warn

# Steps of the optimiser that show something of a network, and that max_epochs="auto"
# gives few images at least. Measured on 100 to 5,000 images of MNIST
# (docs/decisions.md).
LEAST_STEPS = 50

# Of a learning rate: what is below it has come down.
LOW = 0.1


def warn_of_training(estimator, n_epochs):
    """Warn of a network that learned nothing, and of an end at a high learning rate.

    Parameters
    ----------
    estimator : fitted network
    n_epochs : int
        How many it was to be trained.
    """
    losses = estimator.loss_curve_
    chance = math.log(len(estimator.classes_))
    own_loss = not isinstance(estimator.loss, str)
    n_steps = sum(row.get("train_batch_count", 0) for row in estimator.history_)
    tried = len(losses) > 1 and n_steps >= LEAST_STEPS
    if tried and losses[-1] >= chance and not own_loss:
        warn(
            f"The network has learned nothing: after epoch {len(losses)} the loss is "
            f"{losses[-1]:.4g}, and {chance:.4g} is that of guessing. Most likely the "
            f"learning rate is too high or too low: try another lr (it is "
            f"{estimator.lr:g}). Or the images say nothing of the labels.",
            ConvergenceWarning,
        )
    stopped = estimator.early_stopping and len(estimator.net_.history) < n_epochs
    rate = estimator.net_.optimizer_.param_groups[0]["lr"]
    by_step = estimator.lr_schedule in SCHEDULES_BY_STEP
    if stopped and by_step and rate > LOW * estimator.lr:
        warn(
            f"The training stopped early, after epoch {len(losses)} of {n_epochs}, "
            f"when the learning rate of lr_schedule={estimator.lr_schedule!r} had not "
            "come down yet, which costs accuracy. With early_stopping=True, set "
            "lr_schedule='plateau' or None."
        )
