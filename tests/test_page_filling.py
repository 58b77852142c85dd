"""Recipes, nets of one's own and several nets together in the Train tab, without a browser."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from test_ensemble import checkpoint_of

from mnist_demo.augment import AUGMENTS
from mnist_demo.checkpoint import load_checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.material import with_holdout
from mnist_demo.nets import NETS
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES
from mnist_demo.page import fields, filling, form
from mnist_demo.page.app import build
from mnist_demo.page.board import board, settings_of
from mnist_demo.page.context import Context
from mnist_demo.page.plots import make_download
from mnist_demo.page.runs import Run
from mnist_demo.page.shapes import shapes_of
from mnist_demo.page.starting import turn_switch
from mnist_demo.page.together import begin_together, judge
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.words import words_in
from mnist_demo.recipes import RECIPES, find_recipe
from mnist_demo.recipes.recipe import NEXT_TO_NONE
from mnist_demo.train import Dials

EVERYTHING = [("MNIST", "mnist"), ("Sample", "sample"), ("CIFAR-10", "cifar10")]
FULL = {f"{recipe.name}:full" for recipe in RECIPES.values() if recipe.full}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(checkpoint_of("linear"), tmp_path)


@pytest.fixture
def built(context: Context) -> fields.Form:
    with gr.Blocks():
        return fields.build(context)


def values_of(built: fields.Form, **changes: Any) -> dict[Any, Any]:
    """What the form sends; changes by the names of settings."""
    values = {field: field.value for field in built.inputs}
    return values | {built.settings[name]: value for name, value in changes.items()}


@pytest.mark.parametrize("name", [filling.DEFAULTS, *RECIPES, *sorted(FULL)])
def test_a_recipe_fills_every_field_with_what_it_may_hold(name: str, built: fields.Form) -> None:
    filled = filling.filled(name)
    assert set(filled) == set(built.settings) - {"dataset", "device"}
    source = filling.config_of(name)
    cut = {"epochs": min(source.epochs, 60), "holdout": held_out(source)}
    config = form.make_config(filled | {"dataset": source.dataset})
    assert config.to_dict() == source.to_dict() | cut
    assert filled["net"] in [net for _, net in filling.net_choices(source.dataset)]
    assert filled["augment"] in [a for _, a in filling.augment_choices(source.dataset)]
    assert filled["optimizer"] in OPTIMIZERS
    assert filled["schedule"] in SCHEDULES
    assert filling.changes(name, filled) == []


def held_out(source: TrainConfig) -> Any:
    """Ten digits, which some recipes hold out, would draw no curve: then the usual ones are."""
    return 0.0 if source.holdout < 0.01 else pytest.approx(source.holdout, abs=1e-5)


def test_a_recipe_comes_as_its_source_has_it_or_shortened() -> None:
    titles = {value: title for title, value in filling.recipe_choices(EVERYTHING)}
    assert titles["wide9216:full"] == "MNIST project (004)"
    assert titles["wide9216"] == "MNIST project, shortened (004)"
    assert titles["lenet500"] == "PyTorch's classic example (003a)"
    full, short = filling.filled("wide9216:full"), filling.filled("wide9216")
    wanted = {"epochs": 15, "learning_rate": 1e-3, "batch_size": 128, "optimizer": "adamw"}
    assert wanted.items() <= full.items()
    assert short["epochs"] == 4
    assert filling.filled("digitnet")["holdout"] == 0.1
    assert round(60_000 * filling.filled("nielsen-conv:full")["holdout"]) == 10_000
    with pytest.raises(UserError):
        filling.filled("nowhere:full")


def test_a_part_too_small_to_judge_by_leaves_the_sample_as_it_is(sample: Dataset) -> None:
    assert with_holdout(TrainConfig(holdout=0.1), sample).holdout == 0.0
    assert with_holdout(TrainConfig(holdout=0.3), sample).holdout == 0.3


def test_what_was_changed_is_named() -> None:
    filled = filling.filled("lenet500")
    assert "Changed" not in filling.describe("lenet500", filled)
    changed = filling.describe("lenet500", filled | {"epochs": 3, "momentum": 0.9})
    assert changed.endswith("**Changed:** Epochs, Momentum.")
    assert "Changed:** Seed" in filling.describe(filling.DEFAULTS, TrainConfig(seed=5).to_dict())


def test_a_recipe_says_what_the_source_reports_and_what_differs_here() -> None:
    text = filling.describe("nielsen-two-conv", filling.filled("nielsen-two-conv"))
    assert "The source reports 99.23 %." in text
    assert "20 epochs in one cycle" in text
    assert "minutes" not in text
    full = filling.describe("nielsen-two-conv:full", filling.filled("nielsen-two-conv:full"))
    assert full.endswith("Without a GPU it may reach the 20 minutes that a run has here.")
    assert "20 epochs" not in full
    five = filling.describe("nielsen-five", filling.filled("nielsen-five"))
    assert "train 5, each with a seed of its own" in five
    assert filling.filled("nielsen-five") == filling.filled("nielsen-dropout")
    lenet = filling.describe("lenet500", filling.filled("lenet500"))
    assert (
        lenet == "The source reports no figure. 5,000 of the 60,000 digits are kept for validation."
    )


@pytest.mark.parametrize("name", [filling.DEFAULTS, *RECIPES, *sorted(FULL)])
def test_of_other_data_than_full_mnist_no_recipe_says_what_is_kept_of_mnist(name: str) -> None:
    assert "60,000" not in filling.describe(name, filling.filled(name), "sample")


@pytest.mark.parametrize(("name", "is_long"), [("photo", True), ("photo-short", False)])
def test_a_recipe_that_may_take_longer_than_a_run_has_says_so(name: str, is_long: bool) -> None:
    assert ("20 minutes that a run has" in filling.describe(name, filling.filled(name))) == is_long


@pytest.mark.parametrize("name", [r.name for r in RECIPES.values() if r.config.holdout])
def test_what_is_held_out_in_place_of_next_to_nothing_is_told(name: str) -> None:
    """Behind "all but ten of the digits", of which the page could draw no curve."""
    text = filling.describe(name, filling.filled(name))
    is_next_to_none = find_recipe(name).config.holdout == NEXT_TO_NONE
    assert ("Here the usual images are held out" in text) == is_next_to_none
    assert ("照常留出" in words_in("zh")(text)) == is_next_to_none


def test_what_is_offered_fits_the_data() -> None:
    digits = {net for _, net in filling.net_choices("my_own")}
    colour = {net for _, net in filling.net_choices("cifar10")}
    assert digits | colour == {name for name, spec in NETS.items() if spec.classes == 10}
    assert digits & colour == {"custom"}
    ways = {a for _, a in filling.augment_choices("sample")}
    others = {a for _, a in filling.augment_choices("cifar10")}
    assert ways | others == set(AUGMENTS)
    assert "handwriting" not in others
    assert "flip-crop" not in ways
    names = {name for _, name in filling.recipe_choices(EVERYTHING)}
    assert names == {filling.DEFAULTS, *RECIPES, *FULL}
    without = {name for _, name in filling.recipe_choices(EVERYTHING[:2])}
    ours = {"photo", "photo-short"}
    assert names - without == {"cifar-threeconv", "cifar-threeconv:full"} | ours
    assert filling.default_recipe("cifar10") == "photo"
    assert filling.default_recipe("my_own") == filling.DEFAULTS


def test_a_net_and_an_augmentation_of_ones_own_become_lines(built: fields.Form) -> None:
    values = values_of(built, net="custom", augment="warp", dataset="sample")
    values |= {built.net["blocks"]: 3.0, built.net["dropout"]: 0.4, built.warp["rotate"]: 5}
    settings = built.read(values)
    settings.pop("device")
    config = form.make_config(settings)
    assert config.net.startswith("custom:blocks=3,width=16,")
    assert config.augment == "warp:rotate=5,scale=0.1,shift=2"
    assert settings_of(config).startswith("blocks 3, dropout 0.4, augmentation warp")
    with pytest.raises(UserError, match="choose from 1 to 4"):
        built.read(values | {built.net["blocks"]: 40})


def test_a_net_of_ones_own_that_would_hold_the_machine_up_is_refused() -> None:
    heavy = {"net": "custom:blocks=4,width=64,kernel=5", "dataset": "sample"}
    with pytest.raises(UserError, match="narrower net or a smaller batch"):
        form.make_config(heavy | {"batch_size": 256})
    assert form.make_config(heavy | {"batch_size": 16}).batch_size == 16


def test_the_shapes_are_a_table() -> None:
    table = shapes_of("wide9216")
    assert "<b>1,199,882</b> parameters" in table
    assert "<td>Convolution 3×3</td><td>64×24×24</td><td>18,496</td><td>10,616,832</td>" in table
    assert "<details>" in table
    assert "<details open>" in shapes_of("custom:")


def visitor_with(*names: str) -> Visitor:
    visitor = Visitor("anna")
    for number, name in enumerate(names, 1):
        config = TrainConfig(net=name, dataset="sample")
        run = Run(f"run-{number}", number, config, "the sample", "CPU", Dials(0.1), status="done")
        run.checkpoint = checkpoint_of(name, number)
        visitor.add(run)
    visitor.started = len(names)
    return visitor


def test_runs_are_used_together_tested_and_taken_home(context: Context, tmp_path: Path) -> None:
    visitor = visitor_with("linear", "compact", "linear")
    run = begin_together(visitor, ["run-3", "run-1", "run-1"], "vote")
    steps = judge(context, visitor, run)
    next(steps)
    assert board(visitor)["now"]["text"] == "Runs 1, 3 together, being tested: a majority vote"
    list(steps)
    shown = board(visitor)["runs"]["run-4"]
    assert (shown["title"], shown["settings"]) == ("Run 4: runs 1, 3 together", "a majority vote")
    assert shown["test"].endswith("%")
    assert shown["test_title"].startswith("held-out accuracy (1,000 held-out digits")
    assert (shown["together"], shown["usable"], shown["steps"]) == (True, True, "")
    assert visitor.active_run is None
    assert ("Run 4: runs 1, 3 together", "run-4") in context.choices(visitor)
    path = tmp_path / "together.safetensors"
    file = make_download(run, "net")
    assert file.name == "digits-run-4-together.safetensors"
    path.write_bytes(file.content)
    loaded = load_checkpoint(path)
    assert [member.net for member in loaded.members] == ["linear", "linear"]
    assert loaded.title.startswith("vote of 2 nets")


def test_the_test_of_several_together_can_be_skipped(context: Context) -> None:
    visitor = visitor_with("linear", "linear")
    run = begin_together(visitor, ["run-1", "run-2"], "mean")
    steps = judge(context, visitor, run)
    next(steps)
    turn_switch(visitor.active_run, {"action": "stop"})
    list(steps)
    assert (run.status, run.evaluation, run.accuracy) == ("done", None, None)
    assert run.is_usable


@pytest.mark.parametrize(
    ("wanted", "how", "text"),
    [
        (None, "mean", "tick 2 to 5"),
        ("run-1", "mean", "tick 2 to 5"),
        (["run-1"], "mean", "tick 2 to 5"),
        (["run-1", "run-1", 3, {}], "mean", "tick 2 to 5"),
        ([f"run-{n}" for n in range(1, 7)], "mean", "tick 2 to 5"),
        (["run-1", "run-99"], "mean", "is gone"),
        (["run-1", "run-2"], "shout", "choose one of: mean, vote"),
        (["run-1", "run-2"], None, "choose one of: mean, vote"),
        (["run-1", "run-3"], "mean", "run 3 has no net yet"),
        (["run-1", "run-4"], "mean", "choose nets of one kind"),
    ],
)
def test_a_strange_wish_for_several_is_refused(wanted: Any, how: Any, text: str) -> None:
    visitor = visitor_with("linear", "linear", "linear", "custom:input=3x32x32")
    visitor.runs["run-3"].checkpoint = None
    before = OrderedDict(visitor.runs)
    with pytest.raises(UserError, match=text):
        begin_together(visitor, wanted, how)
    assert visitor.runs == before


def test_several_cannot_be_part_of_several() -> None:
    visitor = visitor_with("linear", "linear")
    begin_together(visitor, ["run-1", "run-2"], "mean")
    with pytest.raises(UserError, match="run 3 is several nets already"):
        begin_together(visitor, ["run-1", "run-3"], "mean")


def test_a_field_that_was_updated_still_reads_as_it_did(context: Context) -> None:
    """Gradio makes another one of its class for the session."""
    page = build(context)
    fields_of = {
        block.label: block
        for block in page.blocks.values()
        if isinstance(block, gr.Dropdown | gr.Number)
    }
    for label, good in (("Net", "photo"), ("Momentum", 7.5), ("Optimizer", "sgd")):
        field = fields_of[label]
        again = field.__class__(**field.constructor_args)
        plain = {"dropdown": gr.Dropdown, "number": gr.Number}[again.get_block_name()]
        assert again.get_component_class_id() == plain.get_component_class_id()
        for one in (field, again):
            assert one.preprocess(good) == good  # a net for other images, momentum out of bounds
            if label != "Momentum":
                with pytest.raises(gr.Error, match="not offered here"):
                    one.preprocess("nonsense")
