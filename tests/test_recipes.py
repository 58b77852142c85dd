"""The recipes: what their notes say, what they name, and how the command line takes them."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from conftest import Run

from mnist_demo.augment import find_augment
from mnist_demo.cli import train as command
from mnist_demo.cli.settings import config_of
from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.nets import find_net
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES
from mnist_demo.recipes import RECIPES, find_recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_shorter_way_trains_the_same_net_and_says_what_differs(name: str) -> None:
    recipe = find_recipe(name)
    if recipe.full is None:
        assert recipe.settings(full=True) == recipe.config
        assert recipe.departs(full=True) == recipe.differs
        return
    short, full = recipe.settings(), recipe.settings(full=True)
    assert (short.net, short.dataset) == (full.net, full.dataset)
    assert short.epochs < full.epochs
    if recipe.members == 1:
        if short.holdout != full.holdout:
            assert f"all but {60_000 * short.holdout:.0f} " in recipe.departs().replace("ten", "10")
        assert f"{short.epochs} epochs" in recipe.departs()
        if short.batch_size != full.batch_size:
            assert f"batch {short.batch_size}" in recipe.departs() or "as 003c" in recipe.departs()


# What `differs` says of a setting that is not the source's.
SAYS = {
    "epochs": "{} epochs",
    "batch_size": "batch {},",
    "learning_rate": "learning rate {:g}",
    "momentum": "momentum {:g}",
    "schedule": "in one cycle",
    "augment": "each",
    "label_smoothing": "label smoothing {:g}",
    "average": "average of the weights",
    "focus": "focus {:g} on doubtful digits",
    "keep": "the last kept and not the best",
    "holdout": "all but ten of",
    "precision": "16-bit arithmetic where quick",
}


@pytest.mark.parametrize("name", [r.name for r in RECIPES.values() if r.full and r.members == 1])
def test_no_setting_departs_from_the_source_in_silence(name: str) -> None:
    recipe = find_recipe(name)
    short, full = recipe.settings().to_dict(), recipe.settings(full=True).to_dict()
    told = recipe.departs()
    if "the rest as 003c" in told:
        told += find_recipe("nielsen-two-conv").departs()
    for setting in short:
        if short[setting] != full[setting]:
            value = short[setting]
            if setting == "weight_decay":
                says = f"weight decay {value:.5f}".rstrip("0")
            else:
                says = SAYS[setting].format(value)
            assert says in told


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["threeconv", "lenet500", "wide9216"])
def test_where_a_source_learns_from_all_digits_those_kept_back_are_told(
    name: str, full: bool
) -> None:
    recipe = find_recipe(name)
    assert recipe.settings(full).holdout == 0.0  # the usual 5,000
    assert "5,000 of the 60,000 digits are kept for validation" in recipe.departs(full)


def test_what_no_setting_shows_is_told_too() -> None:
    assert "normalised by MNIST's mean and standard deviation" in find_recipe("threeconv").differs
    assert "bilinear" in find_recipe("digitnet").differs  # RandomRotation takes nearest pixels
    dense = find_recipe("nielsen-dense")
    for full in (False, True):
        assert "400 ReLU units, not the book's sigmoids" in dense.departs(full)
    assert "30 epochs without weight decay (the book has lambda = 5)" in dense.departs(full=True)


def test_five_of_one_kind_vote() -> None:
    single, five = find_recipe("nielsen-dropout"), find_recipe("nielsen-five")
    assert five.members == 5
    assert [five.settings(full) for full in (False, True)] == [
        single.settings(full) for full in (False, True)
    ]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_what_there_is(name: str, full: bool) -> None:
    recipe = find_recipe(name)
    config = recipe.settings(full)
    find_augment(config.augment)
    for augment in recipe.augments:
        find_augment(augment)
    colour = config.dataset == "cifar10"
    assert find_net(config.net).input_shape == ((3, 32, 32) if colour else (1, 28, 28))
    assert config.optimizer in OPTIMIZERS
    assert config.schedule in SCHEDULES
    assert recipe.title


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args([*words, "--out", "net.safetensors"])


def test_single_options_override_a_recipe() -> None:
    recipe = find_recipe("lenet500").config
    assert config_of(options("--recipe", "lenet500")) == recipe
    config = config_of(options("--recipe", "lenet500", "--epochs", "2", "--lr", "0.003"))
    assert config.to_dict() == recipe.to_dict() | {"epochs": 2, "learning_rate": 0.003}
    assert config_of(options()) == TrainConfig()
    longer = find_recipe("nielsen-dropout")
    assert config_of(options("--recipe", "nielsen-dropout")) == longer.config
    assert config_of(options("--recipe", "nielsen-dropout", "--full")) == longer.full
    # An option that says what is the default anyway is still said.
    config = config_of(options("--recipe", "lenet500", "--epochs", str(TrainConfig.epochs)))
    assert config.epochs == TrainConfig.epochs


def test_an_unknown_recipe_lists_the_choices(cli: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose one of: digitnet"):
        config_of(options("--recipe", "nothing"))
    done = cli("train", "--recipe", "nothing", "--out", tmp_path / "net.safetensors")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no recipe is called 'nothing'; choose one of: digitnet")
