"""What a server does before anybody asks, and that it makes way for who draws or trains."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mnist_demo.errors import UserError
from mnist_demo.page import warming
from mnist_demo.page.context import RELEASED, Context
from mnist_demo.page.launch import make_context
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.warming import PATIENCE, start_warming, warm_up


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path)


def test_the_gallery_of_the_released_net_is_there_before_anybody_looks(context: Context) -> None:
    somebody = Visitor("somebody")
    assert context.known_evaluation(somebody, RELEASED) is None
    warm_up(context)
    known = context.known_evaluation(somebody, RELEASED)
    assert known is not None
    assert known.accuracy > 0.98


def test_who_draws_or_trains_goes_before(context: Context) -> None:
    place = context.turns.join()
    context.batcher._last_asked = float("inf")
    rests = []

    def rest(seconds: float) -> None:
        assert context.known_evaluation(Visitor("somebody"), RELEASED) is None
        rests.append(seconds)
        if len(rests) == 2:
            context.batcher._last_asked = 0.0
        if len(rests) == 4:
            context.turns.leave(place)

    warm_up(context, rest)
    assert len(rests) == 4


def test_where_somebody_always_draws_it_goes_on_in_the_end(context: Context) -> None:
    context.batcher._last_asked = float("inf")
    rests: list[float] = []
    warm_up(context, rests.append)
    assert sum(rests) == PATIENCE
    assert context.known_evaluation(Visitor("somebody"), RELEASED) is not None


def test_data_that_cannot_be_read_is_left_to_who_asks(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(trained_on: str) -> None:
        raise UserError("the embedded digits are damaged")

    monkeypatch.setattr(context, "data", broken)
    warm_up(context)
    with pytest.raises(UserError, match="damaged"):
        context.evaluation(Visitor("somebody"), RELEASED)


def test_the_first_event_brings_no_pyplot_in(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "")  # so that what is set below is taken back
    monkeypatch.delenv("MPLBACKEND")
    has_begun = threading.Event()
    monkeypatch.setattr(warming, "AFTER", 0.0)
    monkeypatch.setattr(warming, "warm_up", lambda _: has_begun.set())
    start_warming(context)
    assert has_begun.wait(20)
    # As Gradio does at each event.
    asks = "import matplotlib, sys; matplotlib.get_backend(); matplotlib.use('agg')"
    code = f"{asks}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
