"""
===========================
How many images are enough?
===========================

scikit-learn's ``LearningCurveDisplay`` trains on growing parts of the data. If the
score on held-out images is still rising at the end, more images would help.
"""

# %%
# The linear baseline and a network, trained on the same parts and folds.
import matplotlib.pyplot as plt
from sklearn.model_selection import LearningCurveDisplay

from skmnist import LinearClassifier, MLPClassifier
from skmnist.datasets import load_digits28

X, _, y, _ = load_digits28(split=True)
estimators = {
    "linear": LinearClassifier(C=0.01, max_iter=300),
    "dense": MLPClassifier((64,), max_epochs=20, random_state=0),
}
_, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharey=True, layout="constrained", squeeze=True
)
for ax, (name, clf) in zip(axes, estimators.items(), strict=True):
    LearningCurveDisplay.from_estimator(
        clf,
        X,
        y,
        train_sizes=[100, 200, 400, 800],
        cv=3,
        n_jobs=2,
        score_type="both",
        ax=ax,
    )
    ax.set(title=name, xscale="log", xticks=[100, 200, 400, 800])
    ax.get_xaxis().set_major_formatter("{x:.0f}")
    ax.minorticks_off()

# %%
# Both classify nearly all of their training images correctly. On the held-out images
# the network is better on average at every size, and both curves are still rising.
plt.show()
