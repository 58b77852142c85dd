"""The tutorials' recipes, setting by setting, in full and in the shorter ways."""

from __future__ import annotations

import pytest

from mnist_demo.nets import build_net, count_parameters
from mnist_demo.recipes import RECIPES, find_recipe

# name: source, net, its parameters, data, nets that answer together and how, figure to show
TABLE = {
    "digitnet": ("000", "digitnet", 65_674, "mnist", 1, "vote", 0.984),
    "threeconv": ("001", "threeconv", 173_578, "mnist", 1, "vote", 0.990),
    "cifar-threeconv": ("002", "cifar-threeconv", 541_094, "cifar10", 1, "vote", 0.756),
    "lenet500": ("003a", "lenet500", 431_080, "mnist", 1, "vote", 0.989),
    "nielsen-dense": ("003", "nielsen-dense", 318_010, "mnist", 1, "vote", 0.980),
    "nielsen-conv": ("003b", "nielsen-conv", 289_630, "mnist", 1, "vote", 0.9878),
    "nielsen-two-conv": ("003c", "nielsen-two-conv", 85_670, "mnist", 1, "vote", 0.9923),
    "nielsen-expanded": ("003d", "nielsen-two-conv", 85_670, "mnist", 1, "vote", 0.9937),
    "nielsen-dropout": ("003e", "nielsen-dropout", 1_672_570, "mnist", 1, "vote", 0.9960),
    "nielsen-five": ("003f", "nielsen-dropout", 1_672_570, "mnist", 5, "vote", 0.9967),
    "wide9216": ("004", "wide9216", 1_199_882, "mnist", 1, "vote", 0.991),
}

Settings = tuple[str, float, float | None, float | None, int, int, str, str, str, float, int]
NAMES = (
    *("optimizer", "learning_rate", "momentum", "weight_decay", "batch_size", "epochs"),
    *("schedule", "augment", "keep", "holdout", "seed"),
)
SIXTH = 1 / 6  # 10,000 of the 60,000
TEN = 1 / 6000  # of the 60,000
# In the order of NAMES, as the sources have them. None: what the optimizer leaves aside.
# Adam's and SGD's decay in the sources is PyTorch's default of 0, AdamW's of 0.01; the book's
# is lambda by the batches of an epoch: 0.1 / 5,000, and / 25,000 on the expanded set.
FULL: dict[str, Settings] = {
    "digitnet": (
        *("adam", 1e-3, None, None, 64, 10),
        *("constant", "tilt-and-crop", "best", 0.1, 42),
    ),
    "threeconv": ("adam", 1e-3, None, None, 64, 10, "constant", "none", "best", 0.0, 1),
    "cifar-threeconv": ("sgd", 0.01, 0.0, 0.0, 16, 30, "constant", "none", "best", 0.0, 1),
    "lenet500": ("sgd", 0.01, 0.5, 0.0, 64, 10, "constant", "none", "last", 0.0, 1),
    "nielsen-dense": ("sgd", 0.1, 0.0, 0.0, 10, 30, "constant", "none", "best", SIXTH, 1),
    "nielsen-conv": ("sgd", 0.1, 0.0, 0.0, 10, 60, "constant", "none", "best", SIXTH, 1),
    "nielsen-two-conv": ("sgd", 0.03, 0.0, 2e-5, 10, 60, "constant", "none", "best", SIXTH, 1),
    # Of five shifts one a pass: 40 epochs over all five are 200, the most that a run may have.
    "nielsen-expanded": (
        *("sgd", 0.03, 0.0, 4e-6, 10, 200),
        *("constant", "one-pixel", "best", SIXTH, 1),
    ),
    "nielsen-dropout": (
        *("sgd", 0.03, 0.0, 0.0, 10, 200),
        *("constant", "one-pixel", "best", SIXTH, 1),
    ),
    "nielsen-five": (
        *("sgd", 0.03, 0.0, 0.0, 10, 200),
        *("constant", "one-pixel", "best", SIXTH, 1),
    ),
    "wide9216": ("adamw", 1e-3, None, 0.01, 128, 15, "constant", "none", "last", 0.0, 1),
}
# The shorter ways to the same figures, as the notes tell them.
SHORT: dict[str, Settings] = {
    "cifar-threeconv": ("sgd", 0.05, 0.9, 5e-4, 64, 20, "one-cycle", "flip", "last", 0.0, 1),
    "nielsen-dense": ("sgd", 0.1, 0.9, 5e-5, 64, 20, "one-cycle", "none", "last", SIXTH, 1),
    "nielsen-conv": ("sgd", 0.2, 0.9, 5e-5, 64, 15, "one-cycle", "none", "last", SIXTH, 1),
    "nielsen-two-conv": ("sgd", 0.1, 0.9, 5e-4, 64, 20, "one-cycle", "none", "last", SIXTH, 1),
    "nielsen-expanded": (
        *("sgd", 0.1, 0.9, 5e-4, 64, 15),
        *("one-cycle", "one-pixel", "last", SIXTH, 1),
    ),
    "nielsen-dropout": ("sgd", 0.2, 0.9, 5e-4, 256, 40, "one-cycle", "affine", "last", TEN, 1),
    "nielsen-five": ("sgd", 0.2, 0.9, 5e-4, 256, 40, "one-cycle", "affine", "last", TEN, 1),
    "wide9216": ("adamw", 2e-3, None, 0.01, 128, 4, "one-cycle", "none", "last", 0.0, 1),
}
# What no source knows of, and the shorter ways that use it.
PLAIN: dict[str, object] = {
    "label_smoothing": 0.0,
    "average": 0.0,
    "focus": 0.0,
    "precision": "float32",
}
HELPED = {name: PLAIN | {"precision": "auto"} for name in SHORT if name != "nielsen-dense"}
for _name in ("nielsen-dropout", "nielsen-five"):
    HELPED[_name] |= {"label_smoothing": 0.1, "average": 0.995, "focus": 0.8}
WAYS = [(name, True) for name in FULL] + [(name, False) for name in SHORT]


def test_every_recipe_of_a_source_is_in_the_table() -> None:
    assert {name for name, recipe in RECIPES.items() if recipe.source != "ours"} == set(TABLE)
    assert set(FULL) == set(TABLE)
    assert set(SHORT) == {name for name in TABLE if find_recipe(name).full}


@pytest.mark.parametrize("name", TABLE)
def test_a_recipe_is_what_its_source_says(name: str) -> None:
    source, net, parameters, data, members, how, figure = TABLE[name]
    recipe = find_recipe(name)
    config = recipe.settings(full=True)
    assert (recipe.source, recipe.target) == (source, figure)
    assert (recipe.members, recipe.how) == (members, how)
    assert (config.net, config.dataset) == (net, data)
    assert count_parameters(build_net(config.net)) == parameters


@pytest.mark.parametrize(("name", "full"), WAYS)
def test_a_recipes_settings_are_in_the_table(name: str, full: bool) -> None:
    config = find_recipe(name).settings(full).to_dict()
    row: dict[str, object] = dict(zip(NAMES, (FULL if full else SHORT)[name], strict=True))
    expected = {key: value for key, value in row.items() if value is not None}
    expected |= PLAIN if full else HELPED.get(name, PLAIN)
    assert {key: config[key] for key in expected} == expected
    # Nothing decides a run that is not in the tables; gamma is the step schedule's, and own digits
    # are nobody's recipe.
    assert set(config) == {*NAMES, *PLAIN, "net", "dataset", "also", "gamma"}


def test_the_book_learns_from_50_000_of_the_60_000() -> None:
    for name in ("nielsen-dense", "nielsen-conv", "nielsen-two-conv", "nielsen-expanded"):
        for full in (False, True):
            assert round(60_000 * (1 - find_recipe(name).settings(full).holdout)) == 50_000
