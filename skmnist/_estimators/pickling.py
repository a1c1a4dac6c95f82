"""What a pickle says of the version that made it, and what another makes of it."""

import inspect
from typing import TYPE_CHECKING

from skmnist._versions import __version__ as NOW
from skmnist._warn import warn

if TYPE_CHECKING:
    # What type checkers take for the common base of our estimators.
    from sklearn.base import BaseEstimator as Base
else:
    Base = object


class VersionedPickle(Base):
    """A mixin before `BaseEstimator`: the version of skmnist is in the state.

    A state of another version is restored with a warning; what an estimator of that
    version did not know, new parameters, gets its default. Where it cannot be
    restored, the error says which version can.
    """

    def __getstate__(self):
        return {**super().__getstate__(), "_skmnist_version": NOW}

    def __setstate__(self, state):
        state = dict(state)
        then = state.pop("_skmnist_version", "unknown")
        if then == NOW:
            self._restore(state)
            return
        name = type(self).__name__
        warn(
            f"This {name} was pickled by skmnist {then}; this is {NOW}. Compare its "
            "predictions with known ones before you rely on them.",
        )
        try:
            self._restore({**_defaults(type(self)), **state})
        except Exception as error:
            raise ValueError(
                f"A {name} pickled by skmnist {then} cannot be opened by {NOW} "
                f"({type(error).__name__}: {error}). Open it with skmnist=={then}, or "
                "fit it again."
            ) from error

    def _restore(self, state):
        """Take over a state of this version's form."""
        super().__setstate__(state)


def _defaults(cls):
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
