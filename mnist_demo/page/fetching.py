"""MNIST's download on the page: one for all visitors, which each of them may watch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mnist_demo.download import Progress, download_mnist
from mnist_demo.errors import UserError

LOOK_EVERY = 0.25  # seconds
# For visitors; where it was looked for and what an administrator may do is in the log.
FAILED = "full MNIST could not be downloaded; the embedded sample goes on working"

Fetch = Callable[[Path], Iterator[Progress]]


class Fetching:
    """Runs on a thread of its own, so that it outlives the page that asked for it."""

    def __init__(self, folder: Path, fetch: Fetch = download_mnist) -> None:
        self._folder = folder
        self._fetch = fetch
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._text = ""
        self._error = ""

    def watch(self) -> Iterator[str]:
        """Starts the download, or joins the one that is on; how far it is, in words.

        Raises UserError when it fails.
        """
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._text, self._error = "Looking for a mirror of MNIST…", ""
                self._thread = threading.Thread(target=self._work, name="fetch", daemon=True)
                self._thread.start()
            thread = self._thread
        while thread.is_alive():
            yield self._text
            time.sleep(LOOK_EVERY)
        if self._error:
            raise UserError(self._error)

    def _work(self) -> None:
        try:
            for progress in self._fetch(self._folder):
                self._text = describe(progress)
        except UserError as error:
            logging.getLogger(__name__).warning("%s", error)
            self._error = FAILED
        except Exception:
            logging.getLogger(__name__).exception("the download of MNIST failed")
            self._error = FAILED


def describe(progress: Progress) -> str:
    size = f"{progress.done / 1e6:.1f}"
    size += f" of {progress.total / 1e6:.1f} MB" if progress.total else " MB"
    return f"Downloading file {progress.number} of {progress.files}: {size}"
