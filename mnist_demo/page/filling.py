"""A recipe in the form: what fills each field, what it says, and what was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnist_demo.augment import AUGMENTS
from mnist_demo.config import TrainConfig
from mnist_demo.nets import fitting
from mnist_demo.page import form
from mnist_demo.recipes import RECIPES, Recipe, find_recipe
from mnist_demo.recipes.recipe import NEXT_TO_NONE

DEFAULTS = "defaults"  # the choice that is no tutorial's
SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
OF_COLOUR = ("flip", "flip-crop", "flip-crop-cutout")
OF_DIGITS = ("one-pixel", "tilt-and-crop", "affine", "bent", "handwriting", "warp")
NOT_FILLED = ("dataset", "holdout")  # the data stay the visitor's choice


def kind_of(data: str) -> str:
    """What a data set's images are like: MNIST's, as the sample's and visitors' own, or CIFAR's."""
    return "cifar10" if data == "cifar10" else "mnist"


def shape_of(data: str) -> tuple[int, int, int]:
    return SHAPES[kind_of(data)]


def net_choices(data: str) -> form.Choices:
    """The nets that take this data's images; one's own fits any."""
    own = [name for name in fitting(shape_of(data)) if name != "custom"]
    return [*((name, name) for name in own), ("Your own net", "custom")]


def augment_choices(data: str) -> form.Choices:
    """Mirrors are for things, what a hand does is for digits."""
    unfit = OF_COLOUR if kind_of(data) == "mnist" else OF_DIGITS
    return form.titled(name for name in AUGMENTS if name not in unfit)


def recipe_choices(data_sets: form.Choices) -> form.Choices:
    """Our defaults, then the recipes whose data are here."""
    kinds = {kind_of(name) for _, name in data_sets}
    fit = [r for r in RECIPES.values() if kind_of(r.config.dataset) in kinds]
    named = [(f"{r.source[:1].upper()}{r.source[1:]}: {r.title}", r.name) for r in fit]
    return [("Our defaults", DEFAULTS), *named]


def default_recipe(data: str) -> str:
    """What the form starts from with this data: of colour images, our own recipe for them."""
    if kind_of(data) == "mnist":
        return DEFAULTS
    return next(
        r.name for r in RECIPES.values() if kind_of(r.config.dataset) == kind_of(data)
        and r.source == "ours"
    )  # fmt: skip


def config_of(name: str) -> TrainConfig:
    return TrainConfig() if name == DEFAULTS else find_recipe(name).config


def filled(name: str) -> dict[str, Any]:
    """The settings that a recipe puts into the form. Raises UserError for no such recipe."""
    settings = config_of(name).to_dict()
    settings["epochs"] = min(settings["epochs"], form.MAX_EPOCHS)
    settings["batch_size"] = min(settings["batch_size"], form.MAX_BATCH)
    return {key: value for key, value in settings.items() if key not in NOT_FILLED}


def changes(name: str, settings: Mapping[str, Any]) -> list[str]:
    """The titles of the fields that no longer say what the recipe does."""
    recipe = filled(name)
    return [form.LABELS[key] for key in recipe if settings.get(key) != recipe[key]]


def describe(name: str, settings: Mapping[str, Any]) -> str:
    """Under the choice, in Markdown: what the source reports, what differs here, what was changed.

    Of our own words alone.
    """
    parts = [] if name == DEFAULTS else _of_source(find_recipe(name))
    changed = changes(name, settings)
    if changed:
        parts.append(f"**Changed:** {', '.join(changed)}.")
    elif name == DEFAULTS:
        parts.append("Good to start with. A recipe fills in all fields as a tutorial has them.")
    return " ".join(parts)


def _of_source(recipe: Recipe) -> list[str]:
    config = recipe.config
    has_figure = any(letter.isdigit() for letter in recipe.says)
    if recipe.source == "ours":
        parts = ["Our own settings for these images."]
    else:
        parts = [f"The source reports {recipe.says if has_figure else 'no figure'}."]
    if recipe.differs:
        parts.append(f"{recipe.differs[:1].upper()}{recipe.differs[1:]}.")
    if recipe.members > 1:
        parts.append(
            f"A run trains one of the {recipe.members}: train {recipe.members}, each with a seed "
            f"of its own, tick them in the list and let them answer together by {recipe.how}."
        )
    if config.epochs > form.MAX_EPOCHS:
        parts.append(f"{form.MAX_EPOCHS} epochs here, not its {config.epochs}.")
    if config.holdout > NEXT_TO_NONE:
        parts.append(
            "Validated on the data set's own validation images, not on "
            f"{100 * config.holdout:.2g}% drawn at random."
        )
    return parts
