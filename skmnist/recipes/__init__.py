"""The networks and studies of five published reports, by name: as data, to run."""

from skmnist.recipes._catalogue import (
    get_recipe,
    get_study,
    list_recipes,
    list_studies,
)
from skmnist.recipes._layer_study import LayerStudy, LayerStudyResult
from skmnist.recipes._recipe import Recipe, RecipeResult
from skmnist.recipes._study import Study, StudyResult

__all__ = [
    "LayerStudy",
    "LayerStudyResult",
    "Recipe",
    "RecipeResult",
    "Study",
    "StudyResult",
    "get_recipe",
    "get_study",
    "list_recipes",
    "list_studies",
]
