"""A server that is killed in the middle of a training: its page goes on after the last epoch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from mnist_demo.benchmark.asking import Layout, Page
from mnist_demo.benchmark.server import app_process

KEY = "c3" * 16  # what a browser keeps for itself
EPOCHS = 6
pytestmark = pytest.mark.timeout(600)


def layout_of(address: str) -> Layout:
    with urlopen(f"{address}config", timeout=60) as answer:
        return Layout.of(json.loads(answer.read()))


async def fire(address: str, *events: str) -> list[Any]:
    """The last that one page sees of each event."""
    seen = []
    async with Page(address, layout_of(address)) as page:
        for event in events:
            detail = {"key": KEY, "run": "run-1"}
            fields = {"Epochs": EPOCHS}
            boards = [board async for board in page.fire(f"training-board.{event}", detail, fields)]
            seen.append(boards[-1])
    return seen


async def train_until(address: str, is_there: Callable[[], bool], then: Callable[[], None]) -> None:
    async with Page(address, layout_of(address)) as page:
        async for _ in page.fire("training-board.train", {"key": KEY}, {"Epochs": EPOCHS}):
            if is_there():
                then()
                return


def kept(folder: Path) -> list[dict[str, Any]]:
    """The figures of the runs on disk, in their order."""
    found = [json.loads(path.read_text()) for path in folder.glob("*/*/run.json")]
    return sorted(found, key=lambda run: run["begun"])


def curve_of(run: dict[str, Any]) -> tuple[Any, ...]:
    timed = ("seconds", "images_per_second")
    epochs = [{k: v for k, v in epoch.items() if k not in timed} for epoch in run["epochs"]]
    return run["curve"], epochs, run["accuracy"]


def test_a_run_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    variables = {"MNIST_DEMO_RUNS": str(runs), "MNIST_DEMO_DATA": str(tmp_path / "none")}

    with app_process(variables=variables) as (address, process):
        asyncio.run(
            train_until(
                address,
                lambda: any(run["epochs"] for run in kept(runs)),
                process.kill,
            )
        )
    (broken,) = kept(runs)
    assert 1 <= len(broken["epochs"]) < EPOCHS
    time.sleep(0.5)  # its worker ends by itself

    with app_process(variables=variables) as (address, _):
        board, _ = asyncio.run(fire(address, "opened", "resume"))
        assert [run["outcome"] for run in board["runs"].values()] == [
            f"interrupted in epoch {len(broken['epochs']) + 1} of {EPOCHS}"
        ]
        asyncio.run(fire(address, "train"))
    resumed, whole = kept(runs)
    assert resumed["begun"] == broken["begun"]
    assert (resumed["status"], whole["status"]) == ("done", "done")
    assert curve_of(resumed) == curve_of(whole)
