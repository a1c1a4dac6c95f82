"""scikit-learn's side: the estimators, their parameters, checks and pickles.

May import `_training`, `datasets`, `displays` and the small modules of the package.
"""
