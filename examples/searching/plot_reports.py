"""
==========================================
A published network, and a published study
==========================================

The package contains the networks and studies of five university reports, as data. This
example trains one of the networks and runs one of the studies, on the digits that come
with scikit-learn. To compare with the published figures, use MNIST
(``fetch_mnist(split=True)`` instead of ``load_digits28``) and leave out ``epochs``.
"""

# %%
# The names of all networks and studies.
from skmnist.recipes import get_recipe, get_study, list_recipes, list_studies

print(*list_recipes(), "", *list_studies(), sep="\n")

# %%
# A recipe holds the estimator, its settings and the published figures. ``run`` trains
# the estimator and records the figures of every epoch.
import matplotlib.pyplot as plt

from skmnist.datasets import load_digits28
from skmnist.displays import ParameterSweepDisplay, TrainingCurveDisplay

data = load_digits28(split=True)
recipe = get_recipe("dat405-2023/mlp-64-64")
results = [recipe.run(data, epochs=15, random_state=seed) for seed in range(3)]
for result in results:
    print(f"seed {result.random_state}: {result.test_accuracy:.1f} %")

# %%
# The three runs are drawn as their mean, with a band of one standard deviation.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
estimators = [result.estimator for result in results]
for ax, metric in zip(axes, ("loss", "accuracy"), strict=True):
    TrainingCurveDisplay.from_estimator(estimators, metric=metric, ax=ax)

# %%
# A study varies one or more settings. This one is a grid search over the hidden layers.
# The test images are its only split, and the seed is one more parameter of the grid.
study = get_study("dm566-2022/depth")
result = study.run(data, epochs=60)
for candidate, published, _, (mean, deviation) in result.comparison():
    print(candidate, f"{mean:.1f} ± {deviation:.1f} %, published {published[0]} %")

# %%
# The published figures are for 60,000 images and 15 epochs. With 1,415 images an epoch
# has fewer optimiser steps; four times as many epochs make up for this in part.
ParameterSweepDisplay.from_cv_results(result.cv_results, score="mean_test_accuracy")
plt.show()
