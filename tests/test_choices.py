"""What a page that was left open may choose when Gradio has forgotten what it was offered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.page import gallery, sketchpad
from mnist_demo.page.app import build
from mnist_demo.page.filling import ALL, recipe_choices
from mnist_demo.page.guard import NOT_OFFERED
from mnist_demo.page.launch import make_context
from mnist_demo.page.plots import make_download
from mnist_demo.page.racetrack import check_runners
from mnist_demo.page.runs import Run
from mnist_demo.page.starting import turn_switch
from mnist_demo.train import Dials

STRANGE = ["<script>", "run-", "run-1x", "run-" + "9" * 99, "x" * 10**6, ["run-1"], {}, 7, None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def page(folder: Path) -> gr.Blocks:
    return build(make_context(folder))


def field(page: gr.Blocks, label: str) -> Any:
    labelled = [block for block in page.blocks.values() if isinstance(block, gr.Dropdown)]
    return next(block for block in labelled if block.label == label)


def test_nets_of_ones_own_are_taken_and_looked_up_where_they_are_used(page: gr.Blocks) -> None:
    net = field(page, "Answered by")
    for choice in ("released", "linear", "run-1", "run-123"):
        assert net.preprocess(choice) == choice
    visitor = page.context.visitors.get("a1")
    assert "gone" in sketchpad.choose_net(page.context, visitor, "run-1")["unfit"]
    (state,) = gallery.states(page.context, visitor, "run-1")
    assert (state["state"], "gone" in state["message"]) == ("error", True)


def test_data_that_came_since_are_taken(page: gr.Blocks, folder: Path) -> None:
    data = field(page, "Data")
    with pytest.raises(gr.Error, match=NOT_OFFERED):
        data.preprocess("class-7b")
    (folder / "own" / "class-7b").mkdir(parents=True)
    (folder / "own" / "class-7b" / "train.txt").write_text("1.png 1\n", "utf-8")
    assert data.preprocess("class-7b") == "class-7b"
    assert data.preprocess("sample") == "sample"


def test_every_recipe_is_taken(page: gr.Blocks) -> None:
    recipe = field(page, "Recipe")
    both = recipe_choices([("", "sample"), ("", "cifar10")])
    assert [name for _, name in both if name not in ALL] == []
    assert [name for name in ALL if recipe.preprocess(name) != name] == []


@pytest.mark.parametrize("label", ["Answered by", "Data", "Recipe"])
@pytest.mark.parametrize("value", STRANGE, ids=lambda value: str(value)[:8])
def test_what_none_can_be_is_refused(page: gr.Blocks, label: str, value: object) -> None:
    with pytest.raises(gr.Error, match=NOT_OFFERED):
        field(page, label).preprocess(value)


@pytest.mark.parametrize("name", ["x" * 10**6, {"x": "y" * 10**6}], ids=["text", "object"])
def test_a_name_that_is_none_is_not_repeated_at_length(name: object) -> None:
    run = Run("run-1", 1, TrainConfig(), "", "", Dials(0.1))
    for refuse in (
        lambda: turn_switch(run, {"action": name}),
        lambda: make_download(run, name),
        lambda: check_runners([name]),
    ):
        with pytest.raises(UserError, match="choose one of") as told:
            refuse()
        assert len(str(told.value)) < 300
