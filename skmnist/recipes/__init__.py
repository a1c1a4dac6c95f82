"""The networks of five published reports, by name: as data, to train and compare."""

from skmnist.recipes._catalogue import get_recipe, list_recipes
from skmnist.recipes._recipe import Recipe, RecipeResult

__all__ = ["Recipe", "RecipeResult", "get_recipe", "list_recipes"]
