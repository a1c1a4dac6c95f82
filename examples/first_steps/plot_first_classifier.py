"""
=================================
A first classifier, and a search
=================================

The three estimators are used like any scikit-learn estimator. This example fits
them to the digits that come with scikit-learn, then searches for a good learning rate
and weight decay.
"""

# %%
# The images need no preparation: 28x28 pixels of type uint8.
from skmnist.datasets import load_digits28
from skmnist.displays import ImageGridDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
print(X_train.shape, X_train.dtype)
ImageGridDisplay.from_images(X_train[:24], y_train[:24])

# %%
# A linear baseline, dense layers, and convolutions.
from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

for clf in (
    LinearClassifier(max_iter=1000),
    MLPClassifier(max_epochs=20, random_state=0),
    ConvNetClassifier(max_epochs=12, random_state=0),
):
    clf.fit(X_train, y_train)
    print(f"{type(clf).__name__:<18} {clf.score(X_test, y_test):.1%}")

# %%
# The layers of the convolutional network.
print(clf.summary())

# %%
# In a notebook, an estimator shows its parameters. Those that were set are highlighted,
# and on this site the name of each is a link to its documentation.
clf

# %%
# All parameters belong to the estimator itself, so their names are the keys of the
# grid. The network holds out no images itself: the search makes the folds.
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    MLPClassifier(random_state=0),
    {"lr": [1e-3, 1e-2], "weight_decay": [0.01, 1]},
    cv=3,
    n_jobs=2,
)
search.fit(X_train, y_train)
print(search.best_params_, f"{search.best_score_:.1%}")

# %%
# The best model, fitted to all training images, reads those of other people, and says
# how sure it is.
import matplotlib.pyplot as plt

ImageGridDisplay.from_estimator(search, X_test, y_test)
plt.show()
