"""A run works on one thread of its own.

Gradio resumes a generator now on one thread of its pool, now on another; each would get
its own team of arithmetic threads, and all would compete with the drawings' answers.

Not at a lower priority: whoever is put off while holding the interpreter's lock holds up
every other thread with it (measured: with niceness 10 the pen's answers took longer).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
_END = object()


def on_own_thread(
    items: Generator[Item, None, None], leave_a_core: Callable[[], bool] = lambda: False
) -> Generator[Item, None, None]:
    """The same items, each made on one thread; closing this closes `items` there.

    While `leave_a_core` says so, the arithmetic leaves one of the processor's cores free.
    """
    cores = torch.get_num_threads()
    with ThreadPoolExecutor(1, thread_name_prefix="train") as thread:

        def make() -> Item | object:
            torch.set_num_threads(max(1, cores - 1) if leave_a_core() else cores)
            return next(items, _END)

        try:
            while (item := thread.submit(make).result()) is not _END:
                yield item  # type: ignore[misc]
        finally:
            thread.submit(items.close).result()
            torch.set_num_threads(cores)  # what threads that start later will use
