"""Nets that wait on disk: read apart from the event loop, once for all pages, and let go of."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_inside import message

from mnist_demo.checkpoint import PLAIN, Checkpoint, load_checkpoint, to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.page import comparing, sketchpad
from mnist_demo.page.context import Context
from mnist_demo.page.launch import make_context
from mnist_demo.page.loaded import Loaded
from mnist_demo.page.runs import Run
from mnist_demo.page.starting import bring_back
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.words import ENGLISH
from mnist_demo.train import Dials

ANNA = "a1" * 16
STROKE = np.pad(np.ones((20, 4), dtype=np.float32), ((4, 4), (12, 12)))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """With two runs kept for one browser."""
    context = make_context(runs=tmp_path / "runs")
    net = to_bytes(load_checkpoint(PLAIN["linear"]))
    drawer = context.shelf.drawer(ANNA)
    assert drawer is not None
    for number in (1, 2):
        run = Run(f"run-{number}", number, TrainConfig(net="linear"), "", "", Dials(0.1), "done")
        run.put_net(net)
        run.keeper = drawer.new_slot()
        run.keeper.keep(run)
        run.keeper.release()
    return context


def page(context: Context, session: str) -> Visitor:
    visitor = context.visitors.get(session)
    bring_back(visitor, context.shelf.drawer(ANNA))
    return visitor


def test_pages_share_one_copy_of_a_net(context: Context) -> None:
    one, two = (page(context, session).runs["run-1"] for session in ("one", "two"))
    assert one.checkpoint is not None
    assert one.checkpoint is two.checkpoint
    assert one.checkpoint.answering is two.checkpoint.answering


def test_a_net_that_was_looked_at_leaves_memory_when_others_come(context: Context) -> None:
    context.shelf.loaded = Loaded(most=1)
    first, second = page(context, "one").runs.values()
    assert first.loaded is None
    before = first.checkpoint
    assert second.checkpoint is second.loaded
    assert first.checkpoint is before  # while somebody uses it, it stays
    del before
    assert first.loaded is None
    assert first.checkpoint is not None  # and comes back from disk


def test_a_net_written_anew_is_read_anew(context: Context) -> None:
    run = page(context, "one").runs["run-1"]
    before = run.checkpoint
    other = Run("run-1", 1, run.config, "", "", Dials(0.1), "done", keeper=run.keeper)
    other.begun = run.begun
    other.put_net(to_bytes(load_checkpoint(PLAIN["linear"])))
    assert run.keeper is not None
    run.keeper.keep(other)
    assert page(context, "two").runs["run-1"].checkpoint is not before


@pytest.mark.parametrize("asked", ["answer", "ask_all"])
def test_a_net_is_read_beside_the_event_loop(
    context: Context, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    readers: list[threading.Thread] = []
    load = Loaded.load

    def noted(*args: Any) -> Any:
        readers.append(threading.current_thread())
        return load(*args)

    monkeypatch.setattr(Loaded, "load", noted)
    fused: list[threading.Thread] = []
    answering = Checkpoint.answering.func  # type: ignore[attr-defined]

    def ready(checkpoint: Checkpoint) -> Any:
        fused.append(threading.current_thread())
        return answering(checkpoint)

    monkeypatch.setattr(Checkpoint.answering, "func", ready)
    page(context, "one")
    drawing = message(STROKE, net="run-1" if asked == "answer" else "released")
    for _ in range(2):
        if asked == "answer":
            told = asyncio.run(sketchpad.answer(context, "one", drawing))
        else:
            told = asyncio.run(sketchpad.ask_all(context, "one", drawing, ENGLISH))
            assert len(told["minds"]) == 5
        assert "error" not in told
    assert len(readers) == (1 if asked == "answer" else 2)
    assert threading.main_thread() not in readers
    if asked == "answer":  # the released net is there from the beginning
        assert fused
        assert threading.main_thread() not in fused


def test_which_nets_can_be_compared_is_known_without_reading_them(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = page(context, "one")
    monkeypatch.setattr(Loaded, "load", lambda *_: pytest.fail("a net was read"))
    names = [choice for _, choice in comparing.others(context, visitor, "released")]
    assert names == ["perceptron", "linear", "run-2", "run-1"]
