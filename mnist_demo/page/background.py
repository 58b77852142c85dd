"""A run works on one thread of its own.

Gradio resumes a generator now on one thread of its pool, now on another; each would get
its own team of arithmetic threads, and all would compete with the drawings' answers.

Not at a lower priority: whoever is put off while holding the interpreter's lock holds up
every other thread with it (measured: with niceness 10 the pen's answers took longer).
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def on_own_thread(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """The same items, each made on one thread; closing this closes `items` there."""
    with ThreadPoolExecutor(1, thread_name_prefix="train") as thread:
        try:
            while (item := thread.submit(next, items, _END).result()) is not _END:
                yield item  # type: ignore[misc]
        finally:
            thread.submit(items.close).result()
