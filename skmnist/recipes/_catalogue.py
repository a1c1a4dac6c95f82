"""Networks and studies by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, overload

from skmnist._public import public
from skmnist.recipes._reports import RECIPES
from skmnist.recipes._studies import STUDIES

if TYPE_CHECKING:
    from skmnist.recipes._layer_study import LayerStudy
    from skmnist.recipes._recipe import Recipe
    from skmnist.recipes._study import Study


@public
def list_recipes() -> tuple[str, ...]:
    """List the names of all networks.

    Returns
    -------
    names : tuple of str
        Each ``report/network``, in the order of the reports.

    Examples
    --------
    >>> from skmnist.recipes import list_recipes
    >>> "dm566-2022/softmax" in list_recipes()
    True
    """
    return tuple(RECIPES)


@public
def list_studies() -> tuple[str, ...]:
    """List the names of all studies.

    Returns
    -------
    names : tuple of str
        Each ``report/study``, in the order of the reports.

    Examples
    --------
    >>> from skmnist.recipes import list_studies
    >>> "dm566-2022/depth" in list_studies()
    True
    """
    return tuple(STUDIES)


@public
def get_recipe(name: str) -> Recipe:
    """Get a network's recipe by its name.

    Parameters
    ----------
    name : str
        One of `list_recipes`.

    Returns
    -------
    recipe : Recipe
        What the report says about the network.

    Raises
    ------
    KeyError
        For an unknown name; the message suggests similar ones. The error is also a
        ValueError.

    Examples
    --------
    >>> from skmnist.recipes import get_recipe
    >>> get_recipe("dl-2020/convnet-16-4").n_parameters
    2710
    """
    return _find(name, RECIPES, "recipe", "list_recipes")


@overload
def get_study(  # type: ignore[overload-overlap]
    name: Literal["dl-2020/parameter-count"],
) -> LayerStudy: ...
@overload
def get_study(name: str) -> Study: ...
@public
def get_study(name: str) -> Study | LayerStudy:
    """Get a study by its name.

    Parameters
    ----------
    name : str
        One of `list_studies`.

    Returns
    -------
    study : Study or LayerStudy
        What the report varies, and what it found.

    Raises
    ------
    KeyError
        For an unknown name; the message suggests similar ones. The error is also a
        ValueError.

    Examples
    --------
    >>> from skmnist.recipes import get_study
    >>> get_study("dat405-2023/l2-factor").n_repeats
    3
    """
    return _find(name, STUDIES, "study", "list_studies")


def _find(name, catalogue, kind, listing):
    if not isinstance(name, str):
        raise UnknownRecipeError(
            f"The 'name' parameter of get_{kind} must be a str. Got {name!r} instead."
        )
    if name in catalogue:
        return catalogue[name]
    near = get_close_matches(name, [*RECIPES, *STUDIES], n=3, cutoff=0.5)
    hint = f"See {listing}()."
    if name in STUDIES:
        hint = "It is a study: use get_study()."
    elif name in RECIPES:
        hint = "It is a network: use get_recipe()."
    elif near:
        hint = f"Did you mean {' or '.join(near)}?"
    raise UnknownRecipeError(f"There is no {kind} {name!r}. {hint}")


class UnknownRecipeError(KeyError, ValueError):
    """The name of neither a recipe nor a study: no key, and a wrong argument."""

    def __str__(self):
        # A KeyError shows the repr of its message, quotes and all.
        return self.args[0]
