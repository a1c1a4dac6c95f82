"""scikit-learn's callbacks hear of every epoch."""

from skorch.callbacks import Callback


class EpochTasks(Callback):
    """Make a task of each epoch in scikit-learn's tree of tasks.

    What `sklearn.callback` offers (progress bars, scores) follows that tree through
    searches and pipelines down to the tasks that an estimator tells it of.

    Parameters
    ----------
    owner : estimator
        What the callbacks are set on.
    fit_task : sklearn.callback.CallbackContext
        The task that the epochs are part of.
    data : dict
        What the callbacks are given at either end of an epoch: X, y, metadata. It is
        let go of after the training.
    """

    def __init__(self, owner, fit_task, data):
        self.owner = owner
        self.fit_task = fit_task
        self.data = data
        self.task_ = None

    def on_epoch_begin(self, net, **kwargs):
        """Begin a task."""
        self.task_ = self.fit_task.subcontext("epoch")
        self.task_.call_on_fit_task_begin(estimator=self.owner, **self.data)

    def on_epoch_end(self, net, **kwargs):
        """End it; a callback may ask for the end of the training."""
        if self._end_task():
            net.stop_requested_ = True

    def on_train_end(self, net, **kwargs):
        """End a task that was broken off; let go of all that would be kept alive."""
        if self.task_ is not None:
            self._end_task()
        self.owner = self.fit_task = None
        self.data = {}

    def _end_task(self):
        task, self.task_ = self.task_, None
        return task.call_on_fit_task_end(
            estimator=self.owner,
            **self.data,
            # A copy of the owner as it is now can predict; it needs no more than that.
            reconstruction_attributes={},
        )
