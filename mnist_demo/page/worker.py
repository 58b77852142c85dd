"""The process that trains: `python -m mnist_demo.page.worker`, started by `crew` alone.

Beside the server, not in it, so that training never holds the lock that drawings are
answered under. Jobs and switches come in on standard input, a line of JSON each; messages
go out on what was standard output. When the input ends, the server is gone, and so is this.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import IO, Any

import torch

from mnist_demo.memory import give_back, keep_freed
from mnist_demo.page.job import Controls, Job, RaceJob, from_message
from mnist_demo.page.messages import Message, Ready, pack
from mnist_demo.page.work import work

NICENESS = 5  # what answers drawings goes first


def main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand among the messages
    for name in {"SIGINT", "SIGHUP"} & set(dir(signal)):  # the server's, which then ends this
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):  # not on Windows
        os.nice(NICENESS)
    keep_freed()
    threads = torch.get_num_threads()
    jobs: queue.Queue[tuple[Job | RaceJob, Controls]] = queue.Queue()
    listener = threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True)
    _send(out, Ready())
    listener.start()
    while True:
        job, controls = jobs.get()
        torch.set_num_threads(threads)
        for message in work(job, controls):
            _send(out, message)
        give_back()  # the next job may be hours away


def _send(out: IO[bytes], message: Message) -> None:
    try:
        out.write(pack(message))
        out.flush()
    except OSError:  # nobody reads any more
        os._exit(0)


def _listen(lines: IO[bytes], jobs: queue.Queue[tuple[Job | RaceJob, Controls]]) -> None:
    controls = Controls()
    for line in lines:
        message: dict[str, Any] = json.loads(line)
        if job := from_message(message):
            controls = Controls()
            jobs.put((job, controls))
        else:
            controls.turn(message)
    os._exit(0)  # at once: nobody waits for what is being computed


if __name__ == "__main__":
    main()
