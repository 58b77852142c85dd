"""A run on a thread of the server: for ZeroGPU, which lends its GPU to calls of this process.

Elsewhere a worker's process trains. Here the page shares the interpreter's lock with the
training and feels it.
"""

from __future__ import annotations

import functools
import importlib
import queue
import threading
from collections.abc import Callable
from typing import Any

import torch

from mnist_demo.page.job import Controls, Job, RaceJob
from mnist_demo.page.messages import End, Message
from mnist_demo.page.work import Messages, work

SECONDS = 120  # of the GPU that a run asks ZeroGPU for

Work = Callable[[Job | RaceJob, Controls], Messages]


@functools.cache
def on_gpu() -> Work:
    """`work`, with ZeroGPU's wrapper around it where that is installed."""
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return work
    wrapped: Work = spaces.GPU(duration=SECONDS)(work)
    return wrapped


class Here:
    """Does a run on a thread of this process, as a `crew.Worker` does in its own."""

    def __init__(self, work: Work | None = None) -> None:
        self.is_idle = True
        self._work = work or on_gpu()
        self._box: queue.Queue[Message] = queue.Queue()
        self._controls = Controls()

    @property
    def is_fit(self) -> bool:
        return self.is_idle

    def begin(self, job: Job | RaceJob) -> None:
        self.is_idle = False
        self._controls = Controls()
        thread = threading.Thread(target=self._run, args=(job, self._controls), name="train")
        thread.daemon = True
        thread.start()

    def turn(self, **changes: Any) -> None:
        self._controls.turn(changes)

    def next(self, timeout: float) -> Message | None:
        try:
            message = self._box.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        self.is_idle = isinstance(message, End)
        return message

    def close(self) -> None:
        self._controls.turn({"leave": True})

    def _run(self, job: Job | RaceJob, controls: Controls) -> None:
        threads = torch.get_num_threads()
        end: Message = End("failed", "the GPU was given up before the run was over")
        try:
            for message in self._work(job, controls):
                if isinstance(message, End):
                    end = message
                else:
                    self._box.put(message)
        except Exception as error:  # of the wrapper: no GPU is free, or the time was up
            end = End("failed", f"the GPU could not be had ({type(error).__name__}); try again")
        finally:
            torch.set_num_threads(threads)  # what threads that start later will use
            self._box.put(end)
