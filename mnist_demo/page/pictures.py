"""Pictures that visitors send: bounded in bytes, in pixels, and in how many are read at a time.

A kilobyte of PNG may unfold to fifty million pixels, and a server function has no queue.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from mnist_demo.errors import UserError
from mnist_demo.ink import ink_of_image, open_image

MAX_PICTURE = 6 * 2**20  # bytes; the page shrinks photos before it sends them
MAX_PIXELS = 16_000_000  # half a second's work
AT_ONCE = 2
MAX_WAITING = 8  # each of them holds its message, of up to 8 MB

Made = TypeVar("Made")


class Pictures:
    """Reads a few at a time, on threads of its own; who comes when too many wait is told so."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = MAX_WAITING) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="picture")
        self._most = at_once + waiting
        self._asked = 0

    async def read(self, text: Any, make: Callable[[np.ndarray], Made]) -> Made:
        """What `make` makes of a picture's ink, there too. For the event loop alone.

        text: as `ink_of` takes it. Raises UserError.
        """
        if self._asked >= self._most:
            raise UserError("too many pictures are sent at this moment; try again in a few seconds")
        self._asked += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: make(ink_of(text)))
        finally:
            self._asked -= 1


def ink_of(text: Any) -> np.ndarray:
    """The ink of a picture in base64, float32 (H, W). Raises UserError."""
    return ink_of_image(open_image(from_base64(text, MAX_PICTURE), most=MAX_PIXELS))


def from_base64(text: Any, most: int) -> bytes:
    """The bytes that `text` (base64, or a data URL of it) stands for. Raises UserError."""
    if not isinstance(text, str):
        raise UserError("the picture must be text in base64")
    if len(text) > most * 4 // 3 + 256:
        raise UserError(f"the picture is larger than {most // 1024:,} KiB; send a smaller one")
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError("the picture is not valid base64; encode the file's bytes") from error
