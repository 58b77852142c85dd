"""What the log says of requests: a line a class and minute, with counts and durations.

Never who asked nor what: no address, no session, no drawing, no text that came in.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mnist_demo.errors import UserError

EVERY = 60.0  # seconds between two reports
SAMPLES = 2_000  # durations kept a class and report; later ones take the place of the oldest

# Loggers of others that write a line, or a whole traceback, for what a visitor sends.
WRITE_OF_REQUESTS = ("uvicorn.error", "asyncio", "python_multipart.multipart", "mcp.server")
OTHERS = 20  # lines a minute of each of them

logger = logging.getLogger("mnist_demo.traffic")


@dataclass
class Tally:
    """What came in of one class since the last report."""

    count: int = 0
    refused: int = 0  # the fault was theirs
    failed: int = 0  # the fault was ours
    seconds: list[float] = field(default_factory=list)

    def add(self, seconds: float, status: int) -> None:
        if self.count < SAMPLES:
            self.seconds.append(seconds)
        else:
            self.seconds[self.count % SAMPLES] = seconds
        self.count += 1
        self.refused += 400 <= status < 500
        self.failed += status >= 500

    def line(self, kind: str, span: float) -> str:
        ordered = sorted(self.seconds)
        middle, late = (ordered[min(len(ordered) - 1, int(len(ordered) * p))] for p in (0.5, 0.95))
        text = (
            f"{kind}: {self.count:,} in {span:.0f} s, median {_duration(middle)}, "
            f"95 % within {_duration(late)}, slowest {_duration(ordered[-1])}"
        )
        if self.refused:
            text += f", {self.refused:,} refused"
        return text + (f", {self.failed:,} failed" if self.failed else "")


class Traffic:
    """Counts what is asked; the gate has a report written every minute, `shutdown` the last."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._tallies: dict[str, Tally] = {}
        self._since = clock()
        self.started = clock()
        self.totals: dict[str, int] = {}
        self.last_error: float | None = None  # seconds since 1970

    @property
    def uptime(self) -> float:
        return self._clock() - self.started

    def count(self, kind: str, seconds: float, status: int = 200) -> None:
        """One request is over; `status` as HTTP has it."""
        with self._lock:
            self._tallies.setdefault(kind, Tally()).add(seconds, status)
            self.totals[kind] = self.totals.get(kind, 0) + 1
        if status >= 500 and status != 503:
            self.note_error()

    def note_error(self) -> None:
        self.last_error = self._wall()

    async def keep_reporting(self) -> None:
        """Until it is cancelled. A minute in which nothing was asked has no line."""
        while True:
            await asyncio.sleep(EVERY)
            self.report()

    def report(self) -> None:
        """Writes a line for each class that was asked for since the last report."""
        with self._lock:
            tallies, self._tallies = self._tallies, {}
            now = self._clock()
            span, self._since = now - self._since, now
        for kind, tally in sorted(tallies.items()):
            logger.info(tally.line(kind, span))

    def timed(self, kind: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The same handler of an event, counted when it is over; a generator when it ends."""
        if inspect.isgeneratorfunction(handler):

            @functools.wraps(handler)
            def stream(*args: Any, **options: Any) -> Iterator[Any]:
                with _Clocked(self, kind):
                    yield from handler(*args, **options)

            return stream
        if inspect.iscoroutinefunction(handler):

            @functools.wraps(handler)
            async def later(*args: Any, **options: Any) -> Any:
                with _Clocked(self, kind):
                    return await handler(*args, **options)

            return later

        @functools.wraps(handler)
        def answer(*args: Any, **options: Any) -> Any:
            with _Clocked(self, kind):
                return handler(*args, **options)

        return answer


class _Clocked:
    """Counts what happens inside the `with`; what a UserError brought about was refused."""

    def __init__(self, traffic: Traffic, kind: str) -> None:
        self._traffic = traffic
        self._kind = kind

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: object) -> None:
        status = 200
        if isinstance(error, Exception):
            is_theirs = isinstance(error, UserError) or isinstance(error.__cause__, UserError)
            status = 400 if is_theirs else 500
        self._traffic.count(self._kind, time.perf_counter() - self._started, status)


class ErrorWatch(logging.Handler):
    """Tells the traffic of errors that the program logs, those of other threads among them."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__(logging.ERROR)
        self._traffic = traffic

    def emit(self, record: logging.LogRecord) -> None:
        self._traffic.note_error()


class Sparing(logging.Filter):
    """Lets so many lines a minute of a logger pass: whoever can have one written could fill a disk.

    How many were left out is said by the first line of a later minute.
    """

    def __init__(self, most: int = OTHERS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._since = clock()
        self._passed = 0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if self._clock() - self._since >= EVERY:
            if self._left_out:
                logger.warning(
                    "%s: %s more lines were left out", record.name, f"{self._left_out:,}"
                )
            self._since, self._passed, self._left_out = self._clock(), 0, 0
        if self._passed >= self._most:
            self._left_out += 1
            return False
        self._passed += 1
        return True


def log_to_stderr() -> None:
    """The program's own log, with times; other packages' keep their own settings.

    But what others write of a visitor's request is bounded.
    """
    for name in WRITE_OF_REQUESTS:
        logging.getLogger(name).addFilter(Sparing())
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    own = logging.getLogger("mnist_demo")
    own.setLevel(logging.INFO)
    own.addHandler(handler)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
