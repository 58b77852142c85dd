"""Runs that answer together are kept from the moment they do, whatever becomes of their test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_page_filling import visitor_with

from mnist_demo.page.board import board
from mnist_demo.page.context import Context
from mnist_demo.page.launch import make_context
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Drawer
from mnist_demo.page.starting import bring_back, throw_away
from mnist_demo.page.together import begin_together, judge
from mnist_demo.page.visitors import Visitor

ANNA = "a1" * 16


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path, tmp_path / "runs")


@pytest.fixture
def drawer(context: Context) -> Drawer:
    drawer = context.shelf.drawer(ANNA)
    assert drawer is not None
    return drawer


@pytest.fixture
def anna() -> Visitor:
    return visitor_with("linear", "linear")


@pytest.fixture
def run(anna: Visitor) -> Run:
    return begin_together(anna, ["run-1", "run-2"], "mean")


@pytest.fixture
def testing(context: Context, anna: Visitor, run: Run, drawer: Drawer) -> Iterator[None]:
    return judge(context, anna, run, drawer)


def reloaded(drawer: Drawer) -> Visitor:
    visitor = Visitor("later")
    bring_back(visitor, drawer)
    return visitor


def test_a_reload_in_the_middle_of_the_test_loses_nothing_but_the_test(
    drawer: Drawer, testing: Iterator[None]
) -> None:
    next(testing)
    next(testing)
    later = reloaded(drawer)  # while the page before is still closing
    testing.close()  # type: ignore[attr-defined]
    (back,) = later.all_runs
    assert back.checkpoint is not None
    assert len(back.checkpoint.members) == 2
    told = board(later)
    assert told["now"]["text"].endswith("in use: the mean of their probabilities")
    shown = told["runs"][back.id]
    assert (shown["usable"], shown["active"], shown["resumable"]) == (True, False, False)
    assert (shown["outcome"], shown["test"]) == ("", "")


def test_after_the_test_it_is_kept_too(drawer: Drawer, run: Run, testing: Iterator[None]) -> None:
    list(testing)
    (back,) = reloaded(drawer).all_runs
    assert (back.accuracy, back.judged_by) == (run.accuracy, run.judged_by)
    assert run.accuracy is not None
    assert back.evaluation is not None


def test_a_fault_in_the_test_leaves_it(
    context: Context, drawer: Drawer, testing: Iterator[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(Context, "evaluating", fail)
    with pytest.raises(RuntimeError):
        list(testing)
    assert len(reloaded(drawer).runs) == 1


def test_what_is_thrown_away_in_another_page_meanwhile_stays_away(
    drawer: Drawer, run: Run, testing: Iterator[None]
) -> None:
    next(testing)
    later = reloaded(drawer)
    throw_away(later, next(iter(later.runs)))
    list(testing)
    assert run.status == "done"
    assert not reloaded(drawer).runs
