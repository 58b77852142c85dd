"""One visitor's pace: enough for any hand, and no more than its share for who floods."""

from __future__ import annotations

import asyncio
import time

import pytest

from mnist_demo.page import pace
from mnist_demo.page.pace import AT_ONCE, BURST, GALLERY_PAGE, RATE, Pace, TooOften, told_later


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ask(of: Pace, cost: float = 1.0) -> bool:
    try:
        with of.turn(cost):
            return True
    except TooOften:
        return False


def test_a_hand_that_draws_for_minutes_is_never_refused(clock: Clock) -> None:
    visitor = Pace(clock)
    for _ in range(int(120 * RATE)):
        clock.now += 1 / RATE
        assert ask(visitor)


def test_who_floods_gets_the_rate_and_no_more(clock: Clock) -> None:
    visitor = Pace(clock)
    let_in = 0
    for _ in range(10_000):  # ten seconds
        clock.now += 0.001
        let_in += ask(visitor)
    assert let_in == pytest.approx(BURST + 10 * RATE, abs=2)


def test_a_refusal_says_when_and_then_is_true(clock: Clock) -> None:
    visitor = Pace(clock)
    while ask(visitor, GALLERY_PAGE):
        pass
    with pytest.raises(TooOften, match=r"try again in 0\.1 s") as refusal, visitor.turn():
        pass
    clock.now += refusal.value.seconds
    assert ask(visitor)


def test_few_questions_are_open_at_a_time_and_errors_close_them(clock: Clock) -> None:
    visitor = Pace(clock)
    turns = [visitor.turn() for _ in range(AT_ONCE)]
    for turn in turns:
        turn.__enter__()
    with pytest.raises(TooOften, match="wait for their answers; try again in 0.5 s"):
        visitor.turn().__enter__()
    turns[0].__exit__(None, None, None)
    assert ask(visitor)
    for _ in range(AT_ONCE):
        with pytest.raises(ZeroDivisionError), visitor.turn():
            1 / 0  # noqa: B018
    assert ask(visitor)


def test_a_refusal_is_held_back_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST", 0.05)
    started = time.monotonic()
    answer = asyncio.run(told_later(TooOften(30.0)))
    assert 0.04 < time.monotonic() - started < 20
    assert answer["again_in"] == 30.0
    assert "try again in 30 s" in answer["error"]
