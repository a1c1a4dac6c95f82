"""The figures of an epoch in skorch's history, and whether they are the best so far."""


def record_pass(history, prefix, n_batches, loss, accuracy):
    """Record the figures of a pass over the training or the validation images."""
    history.record(f"{prefix}_batch_count", n_batches)
    _record(history, f"{prefix}_loss", loss, lower_is_better=True)
    _record(history, f"{prefix}_acc", accuracy)


def last(history, key, default=None):
    """A figure of the last epoch, if it has that."""
    return history[-1].get(key, default)


def _record(history, key, value, lower_is_better=False):
    name, sign = f"{key}_best", 1 if lower_is_better else -1
    # The last best one stands near the end: a long stream is not read through.
    best = next((row[key] for row in reversed(history) if row.get(name)), None)
    history.record(key, value)
    history.record(name, best is None or sign * value < sign * best)
