"""
==================
A search by Optuna
==================

A grid spends as much on hopeless corners as on good ones. Optuna's ``OptunaSearchCV``
(``pip install optuna-integration``) proposes each candidate from what the earlier ones
scored, and takes any estimator that keeps to scikit-learn's contract.
"""

# %%
# Rate and decay are drawn from ranges, on logarithmic scales. The first ten
# candidates are random, the others where the good ones were.
import warnings

import matplotlib.pyplot as plt
import optuna
from optuna.distributions import FloatDistribution
from optuna_integration import OptunaSearchCV

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

optuna.logging.set_verbosity(optuna.logging.WARNING)
# It says that it is experimental, and uses what Optuna 5 deprecates.
warnings.filterwarnings("ignore", message=".*(OptunaSearchCV|optuna)")
X_train, X_test, y_train, y_test = load_digits28(split=True)
search = OptunaSearchCV(
    MLPClassifier((32,), max_epochs=5, random_state=0),
    {
        "lr": FloatDistribution(1e-4, 1, log=True),
        "weight_decay": FloatDistribution(1e-4, 10, log=True),
    },
    cv=3,
    n_trials=40,
    random_state=0,
).fit(X_train, y_train)
print(f"best of {len(search.trials_)}: {100 * search.best_score_:.1f} %, with")
for name, value in search.best_params_.items():
    print(f"    {name} = {value:.2g}")

# %%
# Every trial as a point, the later the larger: they gather where it is bright.
trials = search.trials_dataframe()
_, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
points = ax.scatter(
    trials["params_lr"],
    trials["params_weight_decay"],
    c=100 * trials["value"],
    s=20 + 3 * trials["number"],
    edgecolors="black",
    linewidths=0.5,
)
ax.set(xscale="log", yscale="log", xlabel="lr", ylabel="weight_decay")
ax.figure.colorbar(points, label="mean accuracy of 3 folds (%)")

# %%
# What comes out is the best candidate, trained on all training images.
print(f"accuracy on the test images: {100 * search.score(X_test, y_test):.1f} %")
plt.show()
