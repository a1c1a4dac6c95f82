"""
=================
Your own callback
=================

The network is trained by skorch, so skorch's callbacks work: they are called in every
epoch, and in every batch if they have a method for that. What they record is stored in
``history_``.
"""

# %%
# This callback measures by how much the weights of each layer change in an epoch,
# relative to their size.
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
# ``callbacks`` is a parameter like any other. skorch's own callbacks go into the same
# list.
X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier(max_epochs=15, callbacks=[RelativeSteps()], random_state=0)
clf.fit(X_train, y_train)

# %%
# Under the one-cycle schedule, the changes follow the learning rate: they grow, then
# shrink to almost nothing.
_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
names = ["first convolution", "second convolution", "dense layer", "logits"]
for i, name in enumerate(names):
    ax.plot(range(1, 16), clf.history_[:, f"step_{i}"], label=name)
ax.set(xlabel="epoch", ylabel="change of the weights, relative", yscale="log")
ax.legend()
plt.show()
