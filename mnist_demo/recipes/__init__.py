"""Named recipes: settings that somebody stands for, the tutorials' and ours."""

from __future__ import annotations

from mnist_demo.errors import unknown_choice
from mnist_demo.recipes.ours import OURS
from mnist_demo.recipes.recipe import Recipe
from mnist_demo.recipes.sources import SOURCES

__all__ = ["RECIPES", "Recipe", "find_recipe"]

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in [*SOURCES, *OURS]}


def find_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise unknown_choice("recipe", name, RECIPES)
    return RECIPES[name]
