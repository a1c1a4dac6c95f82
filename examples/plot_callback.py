"""
==========================
A callback of your own
==========================

Underneath is a skorch net, with skorch's callbacks: they see every epoch, and every
batch if they ask for it. What they record stands in ``history_``.
"""

# %%
# This one measures how far the weights of each layer move in an epoch, relative to how
# large they are.
import matplotlib.pyplot as plt
import torch
from skorch.callbacks import Callback

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28


class RelativeSteps(Callback):
    """Record by how much the weights of every layer change in an epoch."""

    def on_epoch_begin(self, net, **kwargs):
        self.before = [weights.clone() for weights in self._weights(net)]

    def on_epoch_end(self, net, **kwargs):
        for i, weights in enumerate(self._weights(net)):
            step = (weights - self.before[i]).norm() / self.before[i].norm()
            net.history.record(f"step_{i}", float(step))

    def _weights(self, net):
        layers = (torch.nn.Conv2d, torch.nn.Linear)
        modules = net.module_.modules()
        return [m.weight.detach() for m in modules if isinstance(m, layers)]


# %%
# Callbacks are a parameter like any other; skorch's own go into the same list.
X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier(max_epochs=15, callbacks=[RelativeSteps()], random_state=0)
clf.fit(X_train, y_train)

# %%
# Under the one-cycle schedule the steps follow the rate: up, and down to nothing.
_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
names = ["first convolution", "second convolution", "dense layer", "logits"]
for i, name in enumerate(names):
    ax.plot(range(1, 16), clf.history_[:, f"step_{i}"], label=name)
ax.set(xlabel="epoch", ylabel="change of the weights, relative", yscale="log")
ax.legend()
plt.show()
