"""Pictures that visitors send: bounded in bytes, in pixels, and in how many are read at a time.

A kilobyte of PNG may unfold to fifty million pixels, and a server function has no queue.
"""

from __future__ import annotations

import base64
import binascii
import threading
from typing import Any

import numpy as np

from mnist_demo.errors import UserError
from mnist_demo.ink import ink_of_image, open_image

MAX_PICTURE = 6 * 2**20  # bytes; the page shrinks photos before it sends them
MAX_PIXELS = 16_000_000  # half a second's work
AT_ONCE = 2
MAX_WAITING = 8  # each of them holds one of the server's threads
PATIENCE = 10.0  # seconds


class Pictures:
    """Reads a few at a time; who comes when too many wait is told to try again."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = MAX_WAITING) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)

    def ink_of(self, text: Any) -> np.ndarray:
        """The ink of a picture in base64, float32 (H, W). Raises UserError."""
        content = from_base64(text, MAX_PICTURE)
        busy = UserError("too many pictures are sent at this moment; try again in a few seconds")
        if not self._places.acquire(blocking=False):
            raise busy
        try:
            if not self._slots.acquire(timeout=PATIENCE):
                raise busy
            try:
                return ink_of_image(open_image(content, most=MAX_PIXELS))
            finally:
                self._slots.release()
        finally:
            self._places.release()


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
