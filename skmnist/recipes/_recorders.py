"""Callbacks that record what the reports show and a history does not hold.

Those for studies also say which curves they make from a history (by name, a list of
losses in nats or of accuracies as fractions of 1, point by point), and which
parameters the number of points depends on.
"""

from skorch.callbacks import Callback


class TrainingAccuracy(Callback):
    """Record the accuracy on the training images after every epoch.

    After the epoch and without dropout or augmentation, unlike a mean over the
    epoch's own batches.
    """

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        """Score the epoch."""
        net.history.record("train_acc_after", accuracy(net, dataset_train))


class EpochCurves(Callback):
    """The accuracy after every epoch, which a history has."""

    x_label = "Epoch"
    first = 1
    depend_on = ("max_epochs",)

    def curves(self, history):
        """Read the curves of a fit."""
        return {"valid_accuracy": history[:, "valid_acc"]}


class CurvesBeforeEpochs(Callback):
    """Accuracies before every epoch, so that the first are the untrained network's."""

    x_label = "Epochs trained"
    first = 0
    depend_on = ("max_epochs",)

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Score the network that the epoch begins with."""
        net.history.record("train_acc_before", accuracy(net, dataset_train))
        net.history.record("valid_acc_before", accuracy(net, dataset_valid))

    def curves(self, history):
        """Read the curves of a fit."""
        return {
            "train_accuracy": history[:, "train_acc_before"],
            "valid_accuracy": history[:, "valid_acc_before"],
        }


class StepCurves(Callback):
    """Loss and accuracy of every batch, as it was when it was trained on."""

    x_label = "Step"
    first = 1
    depend_on = ("max_epochs", "batch_size")

    def on_batch_end(self, net, batch=None, training=None, y_pred=None, **kwargs):
        """Score the batch; its loss is in the history already."""
        if training:
            right = y_pred.argmax(1) == batch[1]
            net.history.record_batch("train_acc", right.double().mean().item())

    def curves(self, history):
        """Read the curves of a fit, one epoch after the other."""
        batches = [
            batch
            for epoch in history
            for batch in epoch["batches"]
            if "train_acc" in batch
        ]
        return {
            "train_loss": [batch["train_loss"] for batch in batches],
            "train_accuracy": [batch["train_acc"] for batch in batches],
        }


def accuracy(net, dataset):
    """The accuracy of a net on a dataset, as a fraction of 1."""
    images, rows = dataset.images, dataset.rows
    images = images if rows is None else images[rows]
    right = net._logits(images).argmax(1) == dataset.targets
    return right.double().mean().item()
