"""A recipe in the form: what fills each field, what it says, and what was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnist_demo.augment import AUGMENTS, MIRRORING
from mnist_demo.config import TrainConfig
from mnist_demo.nets import fitting
from mnist_demo.page import form
from mnist_demo.page.trainer import MAX_SECONDS
from mnist_demo.recipes import RECIPES, Recipe, find_recipe
from mnist_demo.recipes.recipe import NEXT_TO_NONE
from mnist_demo.recipes.sources import KEPT_BACK

DEFAULTS = "defaults"  # the choice that is no tutorial's
SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
LONG = ("photo", "best", "best-five")  # of ours: a core works 14 to 72 minutes
OF_DIGITS = ("one-pixel", "tilt-and-crop", "affine", "bent", "handwriting", "warp")
NOT_FILLED = ("dataset", "also")  # stay the visitor's choice
FULL = ":full"  # ends the choice of a recipe as its source has it, beside a shorter way
ALL = (  # choices, whatever data are here
    DEFAULTS,
    *RECIPES,
    *(f"{name}{FULL}" for name, recipe in RECIPES.items() if recipe.full is not None),
)


def kind_of(data: str) -> str:
    """What a data set's images are like: MNIST's, as the sample's and visitors' own, or CIFAR's."""
    return "cifar10" if data == "cifar10" else "mnist"


def shape_of(data: str) -> tuple[int, int, int]:
    return SHAPES[kind_of(data)]


def first_like(data: str, data_sets: form.Choices) -> str | None:
    """The first of these data sets whose images are of the same kind."""
    return next((name for _, name in data_sets if kind_of(name) == kind_of(data)), None)


def net_choices(data: str) -> form.Choices:
    """The nets that take this data's images; one's own fits any."""
    own = [name for name in fitting(shape_of(data)) if name != "custom"]
    return [*((name, name) for name in own), ("Your own net", "custom")]


def augment_choices(data: str) -> form.Choices:
    """Mirrors are for things, what a hand does is for digits."""
    unfit = MIRRORING if kind_of(data) == "mnist" else OF_DIGITS
    return form.titled(name for name in AUGMENTS if name not in unfit)


def recipe_choices(data_sets: form.Choices) -> form.Choices:
    """Our defaults, then the recipes whose data are here."""
    kinds = {kind_of(name) for _, name in data_sets}
    fit = [r for r in RECIPES.values() if kind_of(r.config.dataset) in kinds]
    return [("Our defaults", DEFAULTS), *(choice for recipe in fit for choice in _ways(recipe))]


def _ways(recipe: Recipe) -> form.Choices:
    title = f"{recipe.title[:1].upper()}{recipe.title[1:]}"
    if recipe.full is None:
        return [(f"{title} ({recipe.source})", recipe.name)]
    return [
        (f"{title} ({recipe.source})", recipe.name + FULL),
        (f"{title}, shortened ({recipe.source})", recipe.name),
    ]


def default_recipe(data: str) -> str:
    """What the form starts from with this data: of colour images, our own recipe for them."""
    if kind_of(data) == "mnist":
        return DEFAULTS
    return next(
        r.name for r in RECIPES.values() if kind_of(r.config.dataset) == kind_of(data)
        and r.source == "ours"
    )  # fmt: skip


def config_of(name: str) -> TrainConfig:
    if name == DEFAULTS:
        return TrainConfig()
    recipe, full = _chosen(name)
    return recipe.settings(full)


def _chosen(name: object) -> tuple[Recipe, bool]:
    """What is chosen, and whether as its source has it. Raises UserError for no such recipe."""
    text = str(name)
    return find_recipe(text.removesuffix(FULL)), text.endswith(FULL)


def filled(name: str) -> dict[str, Any]:
    """The settings that a recipe puts into the form. Raises UserError for no such recipe."""
    settings = config_of(name).to_dict()
    settings["epochs"] = min(settings["epochs"], form.MAX_EPOCHS)
    settings["batch_size"] = min(settings["batch_size"], form.MAX_BATCH)
    few = settings["holdout"] <= NEXT_TO_NONE  # would make a curve of next to no images
    settings["holdout"] = 0.0 if few else round(settings["holdout"], 5)
    return {key: value for key, value in settings.items() if key not in NOT_FILLED}


def changes(name: str, settings: Mapping[str, Any]) -> list[str]:
    """The titles of the fields that no longer say what the recipe does."""
    recipe = filled(name)
    return [form.LABELS[key] for key in recipe if settings.get(key) != recipe[key]]


def describe(name: str, settings: Mapping[str, Any], data: str = "mnist") -> str:
    """Under the choice, in Markdown: what the source reports, what differs here, what was changed.

    Of our own words alone. `data`: what is learned from, which decides how much is held out.
    """
    parts = [] if name == DEFAULTS else _of_source(*_chosen(name), data)
    changed = changes(name, settings)
    if changed:
        parts.append(f"**Changed:** {', '.join(changed)}.")
    elif name == DEFAULTS:
        parts.append(
            "Good to start with. A recipe fills in all fields, as a tutorial has them or shortened."
        )
    return " ".join(parts)


def _of_source(recipe: Recipe, full: bool, data: str) -> list[str]:
    config = recipe.settings(full)
    told = recipe.departs(full).split("; ")
    differs = "; ".join(part for part in told if data == "mnist" or KEPT_BACK not in part)
    has_figure = any(letter.isdigit() for letter in recipe.says)
    if recipe.source == "ours":
        parts = ["Our own settings for these images."]
    else:
        parts = [f"The source reports {recipe.says if has_figure else 'no figure'}."]
    if differs:
        parts.append(f"{differs[:1].upper()}{differs[1:]}.")
    if recipe.members > 1:
        parts.append(
            f"A run trains one of the {recipe.members}: train {recipe.members}, each with a seed "
            f"of its own, tick them in the list and let them answer together by {recipe.how}."
        )
    if config.epochs > form.MAX_EPOCHS:
        parts.append(f"{form.MAX_EPOCHS} epochs here, not its {config.epochs}.")
    if 0 < config.holdout <= NEXT_TO_NONE:
        parts.append("Here the usual images are held out, so that the curves can be seen.")
    if full or recipe.name in LONG:
        parts.append(
            f"Without a GPU it may reach the {MAX_SECONDS / 60:.0f} minutes that a run has here."
        )
    return parts
