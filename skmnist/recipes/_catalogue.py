"""Recipes by name."""

from difflib import get_close_matches

from skmnist.recipes._reports import RECIPES


def list_recipes():
    """List the names of all recipes.

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


def get_recipe(name):
    """Get a recipe by its name.

    Parameters
    ----------
    name : str
        One of `list_recipes`.

    Returns
    -------
    recipe : Recipe
        What the report says of the network.

    Raises
    ------
    KeyError
        For a name that is none, with those that are near it.

    Examples
    --------
    >>> from skmnist.recipes import get_recipe
    >>> get_recipe("dl-2020/convnet-16-4").n_parameters
    2710
    """
    if name in RECIPES:
        return RECIPES[name]
    near = get_close_matches(str(name), RECIPES, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See list_recipes()."
    raise UnknownRecipeError(f"There is no recipe {name!r}. {hint}")


class UnknownRecipeError(KeyError, ValueError):
    """A name that is no recipe's: no key, and a wrong argument."""

    def __str__(self):
        # A KeyError shows the repr of its message, quotes and all.
        return self.args[0]
