"""
==========================================
A published network, and a published study
==========================================

Five university reports are in the package as data. This example trains one of
their networks and runs one of their studies, on the digits that come with
scikit-learn. On MNIST (``fetch_mnist(split=True)`` in place of ``load_digits28``, and
without ``epochs``) the same lines give the published figures.
"""

# %%
# What there is.
from skmnist.recipes import get_recipe, get_study, list_recipes, list_studies

print(*list_recipes(), "", *list_studies(), sep="\n")

# %%
# A recipe knows its estimator, its settings and what was published. ``run`` trains
# it and keeps the figures of every epoch.
import matplotlib.pyplot as plt

from skmnist.datasets import load_digits28
from skmnist.displays import ParameterSweepDisplay, TrainingCurveDisplay

data = load_digits28(split=True)
recipe = get_recipe("dat405-2023/mlp-64-64")
results = [recipe.run(data, epochs=15, random_state=seed) for seed in range(3)]
for result in results:
    print(f"seed {result.random_state}: {result.test_accuracy:.1f} %")

# %%
# Three runs are a mean and a band of one standard deviation.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
estimators = [result.estimator for result in results]
for ax, metric in zip(axes, ("loss", "accuracy"), strict=True):
    TrainingCurveDisplay.from_estimator(estimators, metric=metric, ax=ax)

# %%
# A study varies something. This one is a grid search over the hidden layers, with
# the test images as its only split and the seed as one more parameter.
study = get_study("dm566-2022/depth")
result = study.run(data, epochs=60)
for candidate, published, _, (mean, deviation) in result.comparison():
    print(candidate, f"{mean:.1f} ± {deviation:.1f} %, published {published[0]} %")

# %%
# The published figures are for 60,000 images and 15 epochs: 1,415 images are fewer
# steps, for which four times the epochs make up in part.
ParameterSweepDisplay.from_cv_results(result.cv_results, score="mean_test_accuracy")
plt.show()
