"""Callbacks that keep what they see of a training, or do something to it."""

import torch
from skorch.callbacks import Callback


class Start(Callback):
    """Keeps what a training starts from, and asks for no batch hooks."""

    def on_train_begin(self, net, **kwargs):
        self.weights = [w.detach().clone() for w in net.module_.parameters()]
        self.generator = torch.Generator()
        self.generator.set_state(net._generator.get_state())


class Recorder(Callback):
    """Keeps the calls of all hooks, in order."""

    def __init__(self):
        self.calls = []

    def _record(hook):
        def method(self, net, training=None, **kwargs):
            mode = net.module_.training if hook == "on_batch_end" else None
            self.calls.append((hook, len(net.history), training, mode))

        return method

    on_train_begin = _record("on_train_begin")
    on_epoch_begin = _record("on_epoch_begin")
    on_batch_begin = _record("on_batch_begin")
    on_grad_computed = _record("on_grad_computed")
    on_batch_end = _record("on_batch_end")
    on_epoch_end = _record("on_epoch_end")
    on_train_end = _record("on_train_end")


class Rates(Callback):
    """Keeps the learning rate of every step."""

    def __init__(self):
        self.rates = []

    def on_batch_begin(self, net, training, **kwargs):
        if training:
            self.rates.append(net.optimizer_.param_groups[0]["lr"])


class Act(Callback):
    """Does something at the second call of one hook (the first of on_train_...)."""

    def __init__(self, hook, action):
        self.left = 1 if hook.startswith("on_train") else 2
        self.action = action
        setattr(self, hook, self._act)

    def _act(self, net, **kwargs):
        self.left -= 1
        if self.left == 0:
            self.action()

    # Named in the class, where the net looks for batch hooks.
    def on_batch_begin(self, net, **kwargs):
        pass


HOOKS = [
    *("on_train_begin", "on_epoch_begin", "on_batch_begin", "on_grad_computed"),
    *("on_batch_end", "on_epoch_end", "on_train_end"),
]


def fail():
    raise ValueError("a callback's own error")
