"""A visitor's race on the page: how far each runner is, followed from the line to the end."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Literal

from mnist_demo.page.crew import Closed, Crew, Hand
from mnist_demo.page.job import RaceJob
from mnist_demo.page.lookout import UPDATE_EVERY, Lookout
from mnist_demo.page.messages import End, Gone, Lapped, Message, Phase
from mnist_demo.page.turns import Place

MAX_SECONDS = 5 * 60.0  # of a race, testing and all
MAX_AWAITED = 2 * 60.0  # the same where others wait
GRACE = 60.0  # seconds in which a race that was told to end does

Status = Literal["waiting", "preparing", "racing", "done", "stopped", "failed"]
ACTIVE = ("waiting", "preparing", "racing")


@dataclass
class Heat:
    """Filled by the race's own generator; its visitor may set `stop`."""

    runners: tuple[str, ...]
    dataset: str
    status: Status = "waiting"
    message: str = ""
    ahead: int = 0  # how many go first while it waits
    wait: float | None = None  # seconds until its turn, as far as is known
    seconds: float = 0.0  # since it began, testing and all
    laps: dict[str, Lapped] = field(default_factory=dict)  # each runner's last
    judged: dict[str, Lapped] = field(default_factory=dict)  # each runner's last with an accuracy
    stop: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)  # its page was closed

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


def follow(
    heat: Heat,
    place: Place,
    crew: Crew,
    job: RaceJob,
    spare: Callable[[], bool] = lambda: False,
    watch: Lookout | None = None,
) -> Generator[None, None, None]:
    """Takes `heat` from the line to its end; yields when the page should look.

    Never raises: an error becomes its message. Closing it ends the race and frees the worker.
    """
    watch = watch or Lookout()
    try:
        while (ahead := place.ahead) and not heat.stop.is_set():
            heat.ahead, heat.wait = ahead, place.wait
            yield
            watch.sleep(UPDATE_EVERY)
        heat.ahead = 0
        if heat.stop.is_set():
            heat.status, heat.message = "stopped", "Left the line; nobody ran."
        else:
            place.has_worked = True
            yield from _race(heat, place, crew, job, spare, watch)
    except Closed:
        pass
    except Exception:
        logging.getLogger(__name__).exception("a race could not be followed")
        heat.status = "failed"
        heat.message = "The race failed for a reason that the server's log names; try again."
    finally:
        if heat.is_active:
            heat.status, heat.message = "stopped", "The page was closed."
    yield


def _race(
    heat: Heat, place: Place, crew: Crew, job: RaceJob, spare: Callable[[], bool], watch: Lookout
) -> Iterator[None]:
    with crew.lend() as hand:
        hand.begin(job)
        heat.status, began = "preparing", watch.clock()
        last = math.inf  # when a race that was told to end must be over
        yield
        while heat.is_active and not heat.left.is_set():
            heat.seconds = watch.clock() - began
            most = MAX_AWAITED if place.is_awaited else MAX_SECONDS
            place.seconds_left = max(0.0, most - heat.seconds)
            _pass_on(heat, hand, spare, watch, most)
            if heat.stop.is_set():
                last = min(last, watch.clock() + GRACE)
            message = hand.next(watch.wait_for())
            if message is not None:
                _apply(heat, message)
            elif watch.clock() > last:  # its worker is stuck; leaving it ends it
                heat.status, heat.message = "failed", "The race would not end; try again."
            if message == Phase("racing"):  # until here the worker had to start, perhaps
                began = watch.clock()
            if watch.is_due():
                watch.show()
                yield


def _pass_on(
    heat: Heat, hand: Hand, spare: Callable[[], bool], watch: Lookout, most: float
) -> None:
    """Ends a race that has had its time, and turns the worker's switches."""
    if heat.seconds > most and not heat.stop.is_set():
        others = " while others wait" if most == MAX_AWAITED else ""
        heat.message = f"Ended after {most / 60:.0f} minutes, the most a race may take{others}."
        heat.stop.set()
    watch.tell(hand, {"stop": heat.stop.is_set(), "spare": spare()})


def _apply(heat: Heat, message: Message) -> None:
    match message:
        case Phase("racing"):
            heat.status = "racing"
        case Lapped(runner):
            heat.laps[runner] = message
            if message.accuracy is not None:
                heat.judged[runner] = message
        case End("done"):
            heat.status, heat.message = "done", "All are at their finish."
        case End("failed", text):
            heat.status, heat.message = "failed", f"{text[:1].upper()}{text[1:]}."
        case End():
            heat.status, heat.message = "stopped", heat.message or "Stopped."
        case Gone():
            heat.status, heat.message = "failed", "The process that raced was ended; try again."
