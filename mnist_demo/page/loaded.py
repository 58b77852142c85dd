"""What visitors' runs have on disk, read when it is used: one copy, however many pages use it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

MOST = 256 * 2**20  # bytes of files, the largest drawer twice; a net fused to answer doubles them

Made = TypeVar("Made")


class Loaded:
    """The newest stay in memory, up to `most` bytes of files, others while somebody uses them.

    Pages cost nothing to make up, and each may ask for all nets that one key brings back.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._all: WeakValueDictionary[tuple[Path, int], Any] = WeakValueDictionary()
        self._newest: deque[tuple[Any, int]] = deque()
        self._lock = threading.Lock()  # one at a time: who comes second finds what the first read

    def load(self, path: Path, unpack: Callable[[bytes], Made]) -> Made:
        """What `unpack` makes of a file. Raises OSError, and what `unpack` does."""
        with self._lock:
            key = path, path.stat().st_mtime_ns
            made: Made | None = self._all.get(key)
            if made is None:
                content = path.read_bytes()
                made = self._all[key] = unpack(content)
                self._newest.append((made, len(content)))
                while len(self._newest) > 1 and self._bytes() > self._most:
                    self._newest.popleft()
            return made

    def _bytes(self) -> int:
        return sum(size for _, size in self._newest)
