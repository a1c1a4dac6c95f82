"""
====================================
A Pipeline with principal components
====================================

Neighbouring pixels contain much the same information. Principal components express it
in fewer numbers. How many of them does a network of dense layers need?
"""

# %%
# PCA needs flat rows. The search varies ``n_components``, a parameter of the first step
# of the Pipeline; parameters of the network could be searched along with it.
import matplotlib.pyplot as plt
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import ImageGridDisplay, ParameterSweepDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
X_train, X_test = X_train.reshape(len(X_train), -1), X_test.reshape(len(X_test), -1)
pipeline = make_pipeline(
    PCA(random_state=0), MLPClassifier((64,), max_epochs=10, random_state=0)
)
grid = {"pca__n_components": [4, 8, 16, 32, 64]}
search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X_train, y_train)
ParameterSweepDisplay.from_search(search)

# %%
# The components themselves are images: the directions in which the digits vary most.
best = search.best_estimator_
# sphinx_gallery_thumbnail_number = 2
components = best[0].components_[:8].reshape(-1, 28, 28)
names = [f"{share:.0%}" for share in best[0].explained_variance_ratio_[:8]]
ImageGridDisplay.from_images(components, names)

# %%
# The best number of components, and its score on images that the search has not seen.
print(f"{best[0].n_components_} components of 784 pixels")
print(
    f"{best[-1].n_parameters_:,} parameters, {search.score(X_test, y_test):.1%} right"
)
plt.show()
