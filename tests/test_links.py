"""Settings in an address: what a run leaves there is what the form reads out of it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.page import filling, form
from mnist_demo.page.links import link_of, settings_in

SETS = [("Full MNIST", "mnist"), ("Embedded sample", "sample")]
ALL = [*SETS, ("CIFAR-10", "cifar10")]


def read(text: str, sets: form.Choices = ALL) -> tuple[str, dict[str, object]]:
    return settings_in(dict(parse_qsl(text)), sets)


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(dataset="sample", epochs=2, optimizer="sgd", learning_rate=0.025, seed=7),
        TrainConfig(net="custom:blocks=3,width=24", augment="warp:rotate=20"),
        replace(filling.config_of("photo-short"), holdout=0.0),
        replace(filling.config_of("fast"), precision="bfloat16", keep="last"),
    ],
)
def test_a_link_brings_back_what_it_was_made_of(config: TrainConfig) -> None:
    _, values = read(link_of(config))
    assert form.make_config(values) == config


def test_what_is_as_usual_is_left_out() -> None:
    assert link_of(TrainConfig(epochs=3)) == "tab=train&dataset=mnist&epochs=3"


def test_a_recipe_fills_in_the_rest() -> None:
    recipe, values = read("recipe=fast&epochs=2&utm_source=class")
    assert recipe == "fast"
    fast = filling.config_of("fast")
    assert (values["net"], values["epochs"], values["learning_rate"]) == (
        fast.net, 2, fast.learning_rate,
    )  # fmt: skip
    assert "utm_source" not in values


def test_other_data_of_the_kind_stand_in_for_those_that_are_not_here() -> None:
    assert read("epochs=2", [("Embedded sample", "sample")])[1]["dataset"] == "sample"
    assert read("dataset=mine", SETS)[1]["dataset"] == "mnist"
    with pytest.raises(UserError, match="are not here"):
        read("recipe=photo", SETS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs=9999", "Epochs must be a whole number from 1 to 60"),
        ("epochs=two", "Epochs must be a number, not two"),
        ("learning_rate=nan", "Learning rate must be a number"),
        ("seed=1.5", "Seed must be a whole number"),
        ("net=../../etc/passwd", "passwd"),
        ("net=custom:width=100000", "width"),
        ("optimizer=lbfgs", "lbfgs"),
        ("recipe=nobodys", "nobodys"),
        ("keep=none", "keep"),
    ],
)
def test_what_the_form_could_not_hold_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(text)
