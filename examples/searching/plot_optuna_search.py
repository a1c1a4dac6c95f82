"""
====================
A search with Optuna
====================

A grid search spends as much time on hopeless candidates as on good ones. Optuna's
``OptunaSearchCV`` (``pip install optuna-integration``) chooses each candidate from the
scores of the earlier ones. It works with any estimator that follows scikit-learn's
conventions.
"""

# %%
# Learning rate and weight decay are drawn from ranges, on logarithmic scales. The first
# ten candidates are random; the others are chosen near the good ones.
import warnings

import matplotlib.pyplot as plt
import optuna
from optuna.distributions import FloatDistribution
from optuna_integration import OptunaSearchCV
from sklearn.exceptions import ConvergenceWarning

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

optuna.logging.set_verbosity(optuna.logging.WARNING)
# It warns that it is experimental, and uses features that Optuna 5 deprecates.
warnings.filterwarnings("ignore", message=".*(OptunaSearchCV|optuna)")
# Some rates are too high to learn anything with, as the search is to find out.
warnings.filterwarnings("ignore", category=ConvergenceWarning)
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
# Each point is a trial; later ones are larger. They gather where the scores are high.
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
# The result is the best candidate, refitted on all training images.
print(f"accuracy on the test images: {100 * search.score(X_test, y_test):.1f} %")
plt.show()
