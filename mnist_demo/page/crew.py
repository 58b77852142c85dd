"""Who does the training: a process that is kept warm, or on ZeroGPU a thread of the server."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from mnist_demo.page.background import Here
from mnist_demo.page.job import Job, RaceJob, to_message
from mnist_demo.page.messages import End, Gone, Message, Ready, unpack

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 1.0  # seconds that a worker has to leave a run that nobody waits for


class Hand(Protocol):
    """Does one run at a time; its messages wait in a box."""

    is_idle: bool

    @property
    def is_fit(self) -> bool: ...

    def begin(self, job: Job | RaceJob) -> None: ...

    def turn(self, **changes: Any) -> None: ...

    def next(self, timeout: float) -> Message | None: ...

    def close(self) -> None: ...


class Worker:
    """A process of its own; see `worker`."""

    def __init__(self) -> None:
        self._box: queue.Queue[Message] = queue.Queue()
        self.is_idle = True
        self._is_ready = threading.Event()
        self._stale = 0  # runs that were left, whose messages nobody wants
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mnist_demo.page.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        self._orders: queue.Queue[bytes | None] = queue.Queue()
        for work in (self._read, self._write):
            threading.Thread(target=work, name="worker", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_fit(self) -> bool:
        """Whether it can take a run: one that is still starting can, it only has to wait."""
        return self._process.poll() is None and (self.is_idle or not self._is_ready.is_set())

    def begin(self, job: Job | RaceJob) -> None:
        self._stale += not self.is_idle
        self.is_idle = False
        self._tell(to_message(job))

    def turn(self, **changes: Any) -> None:
        self._tell(changes)

    def next(self, timeout: float) -> Message | None:
        """The next message of the run, or None where none comes in time."""
        until = time.monotonic() + timeout
        while True:
            try:
                message = self._box.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return None
            if self._stale and not isinstance(message, Gone):
                self._stale -= isinstance(message, End)
                continue
            if isinstance(message, End | Gone):
                self.is_idle = True
            return message

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._orders.put(None)

    def _tell(self, message: dict[str, Any]) -> None:
        self._orders.put(json.dumps(message).encode() + b"\n")

    def _write(self) -> None:
        """A worker that still starts reads nothing, and a pipe holds less than some jobs are."""
        stream = self._process.stdin
        assert stream is not None
        with contextlib.suppress(OSError), stream:  # it is gone: its box says so
            while (order := self._orders.get()) is not None:
                stream.write(order)
                stream.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with stream:
            while message := unpack(stream):
                if isinstance(message, Ready):
                    self._is_ready.set()
                else:
                    self._box.put(message)
        self._box.put(Gone(self._process.wait()))


class Closed(Exception):
    """The server is about to end; nobody begins to train."""


class Crew:
    """Lends a hand to one run after another; the line of trainings decides whose turn it is."""

    def __init__(self, hire: Callable[[], Hand] | None = None) -> None:
        is_zero = bool(os.environ.get("SPACES_ZERO_GPU"))
        self._hire: Callable[[], Hand] = hire or (Here if is_zero else Worker)
        # ZeroGPU ends a Space that has not asked for a GPU by the time it has started.
        self._waiting: Hand | None = self._hire() if is_zero and not hire else None
        self._lent: set[Hand] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def warm(self) -> None:
        """Has a worker ready before it is asked for: importing what it needs takes seconds."""
        with self._lock:
            if not self._lent and not self._is_closed:
                self._waiting = self._fit() or self._hire()

    @contextlib.contextmanager
    def lend(self) -> Iterator[Hand]:
        """A hand for one run; one that does not let go of the run in time is ended.

        Raises Closed at the end of the server.
        """
        with self._lock:
            if self._is_closed:
                raise Closed
            hand = self._fit() or self._hire()
            self._lent.add(hand)
        try:
            yield hand
        finally:
            if not hand.is_idle:
                hand.turn(leave=True)
                until = time.monotonic() + PATIENCE
                while not (hand.is_idle or hand.is_fit) and time.monotonic() < until:
                    hand.next(until - time.monotonic())
            with self._lock:
                self._lent.discard(hand)
                if hand.is_fit and self._waiting is None and not self._is_closed:
                    self._waiting = hand
                else:
                    hand.close()

    def _fit(self) -> Hand | None:
        """The hand that waits, if it can take a run; one that cannot is ended."""
        hand, self._waiting = self._waiting, None
        if hand is None:
            return None
        while not hand.is_fit and hand.next(0):  # of a run that was left while it started
            pass
        if hand.is_fit:
            return hand
        hand.close()
        return None

    def close(self) -> None:
        """Ends all work; for the end of the server."""
        with self._lock:
            self._is_closed = True
            hands = [*self._lent, *filter(None, [self._waiting])]
            self._waiting = None
        for hand in hands:
            hand.close()
