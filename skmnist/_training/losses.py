"""What the training makes small: cross-entropy, or a function of the user's."""

import torch
from torch.nn import functional as F


class Loss:
    """The loss of every image, and the weighted sum of those of a batch.

    Parameters
    ----------
    loss : "cross_entropy" or callable
        A callable takes logits of shape (n, n_classes) and class indices of shape
        (n,), and returns n losses.
    label_smoothing : float
        The share of a target that is spread over all classes; of cross-entropy alone.
    owner : str
        The name of the estimator, for errors.
    """

    def __init__(self, loss, label_smoothing, owner):
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.owner = owner

    @property
    def is_own(self):
        """Whether it is a function of the user's."""
        return not isinstance(self.loss, str)

    @property
    def advice(self):
        """What else to look at where the training diverges."""
        if not self.is_own:
            return ""
        return f" Or {self.loss!r} is not finite for logits of some size."

    def rows(self, logits, targets):
        """One loss for each image, in nats."""
        if self.is_own:
            losses = self.loss(logits, targets)
            self._check_shape(losses, targets)
            return losses
        return F.cross_entropy(
            logits, targets, reduction="none", label_smoothing=self.label_smoothing
        )

    def sum(self, logits, targets, weights=None):
        """The weighted sum of the images' losses."""
        if weights is not None:
            losses = self.rows(logits, targets)
            return losses @ weights.to(losses.dtype)
        if self.is_own:
            return self.rows(logits, targets).sum()
        return F.cross_entropy(
            logits, targets, reduction="sum", label_smoothing=self.label_smoothing
        )

    def check(self, n_classes, device, dtype):
        """Try a function of the user's on two images of which nothing is known.

        Raises
        ------
        ValueError
            For one that fails, or does not give two finite losses with gradients.
        """
        if not self.is_own:
            return
        if self.label_smoothing:
            raise ValueError(
                f"The 'label_smoothing' parameter of {self.owner} must be 0 or "
                "'auto' with a 'loss' of your own, which smooths itself. Got "
                f"{self.label_smoothing} instead."
            )
        logits = torch.zeros(2, n_classes, device=device, dtype=dtype)
        logits.requires_grad_()
        targets = torch.arange(2, device=device)
        try:
            losses = self.loss(logits, targets)
        except Exception as error:
            raise ValueError(
                f"The 'loss' parameter of {self.owner} must take logits of shape (n, "
                f"{n_classes}) and class indices of shape (n,). {self.loss!r} failed "
                f"with n=2: {type(error).__name__}: {error}"
            ) from error
        self._check_shape(losses, targets)
        if not losses.requires_grad:
            raise ValueError(
                f"The 'loss' parameter of {self.owner} must return losses that can be "
                "differentiated. Those of "
                f"{self.loss!r} do not depend on the logits, or are cut off from them."
            )
        if not losses.isfinite().all():
            raise ValueError(
                f"The 'loss' parameter of {self.owner} must return finite losses. Got "
                f"{losses.tolist()} for logits of 0 instead."
            )

    def _check_shape(self, losses, targets):
        if not isinstance(losses, torch.Tensor) or losses.shape != targets.shape:
            came = getattr(losses, "shape", None)
            came = f"a {type(losses).__name__}" if came is None else tuple(came)
            raise ValueError(
                f"The 'loss' parameter of {self.owner} must return one loss for each "
                f"image, a tensor of shape {tuple(targets.shape)}. Got {came} instead. "
                'Take no mean (reduction="none"): weights are multiplied first.'
            )
