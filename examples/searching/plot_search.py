"""
=============================
A search from start to finish
=============================

Which learning rate, how much weight decay, how many units? scikit-learn has the tools
to find out; ``skmnist.model_selection`` adds a grid search that trains its candidates
together.
"""

# %%
# First learning rate and weight decay, on a coarse grid. The sixteen candidates of each
# fold have the same layers, so they are trained as one stack of networks.
import matplotlib.pyplot as plt

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import ParameterSweepDisplay
from skmnist.model_selection import BatchedGridSearchCV

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = MLPClassifier((64,), max_epochs=8, random_state=0)
grid = {"lr": [1e-3, 3e-3, 1e-2, 3e-2], "weight_decay": [0, 1e-1, 1, 10]}
search = BatchedGridSearchCV(clf, grid, cv=3).fit(X_train, y_train)
print(f"best of {len(search.cv_results_['params'])}: {search.best_params_}")
ParameterSweepDisplay.from_search(search)

# %%
# Then learning rates drawn from a distribution around the best one.
from scipy.stats import loguniform
from sklearn.model_selection import RandomizedSearchCV

around = loguniform(search.best_params_["lr"] / 2, search.best_params_["lr"] * 2)
search = RandomizedSearchCV(
    search.best_estimator_, {"lr": around}, n_iter=6, cv=3, n_jobs=2, random_state=0
).fit(X_train, y_train)
print(f"best rate drawn: {search.best_params_['lr']:.4f}")

# %%
# Layers are parameter values like any other. Successive halving trains all candidates
# for two epochs, and the best third for six.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV

search = HalvingGridSearchCV(
    search.best_estimator_,
    {"hidden_layer_sizes": [(), (16,), (32,), (64,), (128,), (64, 32)]},
    resource="max_epochs",
    min_resources=2,
    max_resources=6,
    cv=3,
    n_jobs=2,
).fit(X_train, y_train)
print(f"layers: {search.best_params_['hidden_layer_sizes']}")
print(f"epochs of the rounds: {search.n_resources_}")

# %%
# The best candidate was refitted on all training images. The test images have not been
# used until now.
print(f"accuracy on the test images: {100 * search.score(X_test, y_test):.1f} %")
plt.show()
