"""scikit-learn's side: the estimators, their parameters, checks and pickles.

May import `_training`, `datasets`, `displays` and the small modules of the package.
"""

from skmnist._versions import check_versions

# Before the first import of another library, which may fail on what it lacks.
check_versions()
