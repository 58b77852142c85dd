"""A run on a thread of the server: for ZeroGPU, which lends its GPU to calls of this process.

ZeroGPU makes such a call in a fork of this process and pickles what goes in and comes out, so
the switches of a run cannot be objects in memory: they are lines in a file, as they are lines
on a worker's input. Elsewhere a worker's process trains. Here, off ZeroGPU, the page would
share the interpreter's lock with the training and feel it.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib
import json
import queue
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import torch

from mnist_demo.page.job import Controls, Job, RaceJob
from mnist_demo.page.messages import End, Message
from mnist_demo.page.work import Messages, work

SECONDS = 120  # of the GPU that a run asks ZeroGPU for
LOOK_EVERY = 0.1  # seconds between two looks at the file of switches

Work = Callable[[Job | RaceJob, Path], Messages]


def work_as_told(job: Job | RaceJob, told: Path) -> Messages:
    """`work`, its controls turned by the lines that come into the file `told`."""
    controls, over = Controls(), threading.Event()
    listener = threading.Thread(target=_listen, args=(told, controls, over), daemon=True)
    listener.start()
    try:
        yield from work(job, controls)
    finally:
        over.set()


def _listen(told: Path, controls: Controls, over: threading.Event) -> None:
    with contextlib.suppress(OSError), told.open() as lines:
        rest = ""
        while not over.wait(LOOK_EVERY):
            rest += lines.read()
            *whole, rest = rest.split("\n")
            for line in whole:
                controls.turn(json.loads(line))


@functools.cache
def on_gpu() -> Work:
    """`work_as_told`, with ZeroGPU's wrapper around it where that is installed."""
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return work_as_told
    wrapped: Work = spaces.GPU(duration=SECONDS)(work_as_told)
    return wrapped


class Here:
    """Does a run on a thread of this process, as a `crew.Worker` does in its own."""

    def __init__(self, work: Work | None = None) -> None:
        self.is_idle = True
        self._work = work or on_gpu()
        self._box: queue.Queue[Message] = queue.Queue()
        self._folder = tempfile.TemporaryDirectory(prefix="mnist-demo-")
        self._runs = 0

    @property
    def is_fit(self) -> bool:
        return self.is_idle

    @property
    def _told(self) -> Path:
        return Path(self._folder.name) / f"told-{self._runs}"

    def begin(self, job: Job | RaceJob) -> None:
        self.is_idle = False
        self._runs += 1
        self._told.touch()
        # ZeroGPU looks up in Gradio's context whose request this is, to count it as theirs.
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(self._run, job, self._told), name="train")
        thread.daemon = True
        thread.start()

    def turn(self, **changes: Any) -> None:
        with contextlib.suppress(OSError), self._told.open("a") as lines:  # the run may be over
            lines.write(json.dumps(changes) + "\n")

    def next(self, timeout: float) -> Message | None:
        try:
            message = self._box.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        self.is_idle = isinstance(message, End)
        return message

    def close(self) -> None:
        self.turn(leave=True)

    def _run(self, job: Job | RaceJob, told: Path) -> None:
        threads = torch.get_num_threads()
        end: Message = End("failed", "the GPU was given up before the run was over")
        try:
            for message in self._work(job, told):
                if isinstance(message, End):
                    end = message
                else:
                    self._box.put(message)
        except gr.Error as error:  # of the wrapper, in words: somebody's quota is used up, say
            end = End("failed", f"the GPU could not be had: {error.message}")
        except Exception as error:  # of the wrapper: no GPU is free, or the time was up
            end = End("failed", f"the GPU could not be had ({type(error).__name__}); try again")
        finally:
            torch.set_num_threads(threads)  # what threads that start later will use
            told.unlink(missing_ok=True)
            self._box.put(end)
