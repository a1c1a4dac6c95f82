"""Names of parameters as skorch nests them, refused with what they are called here."""

from typing import Any, Self


class FlatParameters:
    """A mixin before `BaseEstimator`, whose own error is of a missing method."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params :
            Names and values, as in the constructor.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For a name that is no parameter. skorch's ``optimizer__momentum`` is
            ``momentum`` here, its ``optimizer__betas`` an item of
            ``optimizer_params``.
        """
        for name in params:
            owner, nested, _ = name.partition("__")
            if nested and not hasattr(getattr(self, owner, None), "set_params"):
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}: its parameters "
                    f"are not nested. {self._advice(name)}"
                )
        return super().set_params(**params)  # type: ignore[misc]

    def _advice(self, name):
        """What may have been meant by a nested name."""
        owner, _, rest = name.partition("__")
        own = self.get_params(deep=False)
        if owner in ("module", "module_params") and "module_params" in own:
            return f'Pass module_params={{"{rest}": ...}} instead.'
        if rest in own:
            return f"Pass {rest}=... instead."
        if owner == "optimizer" and "optimizer_params" in own:
            return f'Pass optimizer_params={{"{rest}": ...}} instead.'
        return f"It has {', '.join(own)}."
