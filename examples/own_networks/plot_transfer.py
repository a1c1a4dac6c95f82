"""
===========
New classes
===========

``transform`` gives the activations before the last layer: what a network has learned of
some classes, for another classifier that learns others.
"""

# %%
# Two networks see zeros to fours only: one with a hidden layer after its convolutions,
# and one whose last layer is given the convolutions' maps.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28

X_train, X_test, y_train, y_test = load_digits28(split=True)
old = y_train < 5
hidden = ConvNetClassifier(max_epochs=15, random_state=0)
hidden.fit(X_train[old], y_train[old])
maps = ConvNetClassifier(hidden_layer_sizes=(), max_epochs=15, random_state=0)
maps.fit(X_train[old], y_train[old])
print(len(hidden.get_feature_names_out()), len(maps.get_feature_names_out()))

# %%
# Fives to nines are then told apart from these activations and, for comparison, from
# their pixels. What is in a `FrozenEstimator` is not trained again.
features = {
    "the convolutions' maps": FrozenEstimator(maps),
    "the hidden layer": FrozenEstimator(hidden),
    "pixels": FunctionTransformer(lambda X: X.reshape(len(X), -1)),
}
new, n_images = y_test >= 5, [5, 10, 20, 50, 100]
_, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, step in features.items():
    scores = []
    for n in n_images:
        rows = np.concatenate([np.flatnonzero(y_train == k)[:n] for k in range(5, 10)])
        pipe = make_pipeline(step, StandardScaler(), LogisticRegression(C=0.1))
        pipe.fit(X_train[rows], y_train[rows])
        scores.append(pipe.score(X_test[new], y_test[new]))
    print(f"{name:<23}", *(f"{score:7.1%}" for score in scores))
    ax.plot(n_images, [100 * score for score in scores], marker="o", label=name)
ax.set(xlabel="images of each new class", ylabel="accuracy on new classes (%)")
ax.set(xscale="log", xticks=n_images, xticklabels=n_images)
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# With five or ten images of each class the maps tell no more than the pixels, with
# twenty or more they do. The hidden layer tells less: it has kept
# what zeros to fours differ in, and dropped the rest. What a network can pass on grows
# with the classes and images that it has seen.
