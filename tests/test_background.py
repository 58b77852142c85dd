"""A run's own thread: one for all items, closed with the generator."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from mnist_demo.page.background import on_own_thread


def test_all_items_are_made_on_one_other_thread() -> None:
    def items() -> Generator[int, None, None]:
        for _ in range(3):
            yield threading.get_ident()

    threads = list(on_own_thread(items()))
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_closing_early_runs_the_clean_up_and_ends_the_thread() -> None:
    ended: list[bool] = []

    def items() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    running = threading.active_count()
    stream = on_own_thread(items())
    assert next(stream) == 1
    stream.close()
    assert ended == [True]
    assert threading.active_count() == running


def test_an_error_arrives_where_the_items_are_read() -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    stream = on_own_thread(items())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stream)
