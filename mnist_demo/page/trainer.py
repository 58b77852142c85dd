"""Follows one run on the page: turns its worker's messages into a `Run` that the page can show.

A generator that yields whenever the page should look, a few times a second; in between it
passes the run's switches on. Closing it ends the run and frees the worker.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from mnist_demo.page import ending
from mnist_demo.page.crew import Closed, Crew, Hand
from mnist_demo.page.curve import Curve
from mnist_demo.page.job import Job
from mnist_demo.page.lookout import UPDATE_EVERY, Lookout
from mnist_demo.page.messages import (
    End,
    Gone,
    Judged,
    Message,
    Net,
    Note,
    Phase,
    Smaller,
    Steps,
    TakenUp,
)
from mnist_demo.page.runs import Run
from mnist_demo.page.turns import Place
from mnist_demo.train import Epoch

MAX_SECONDS = 20 * 60.0  # of training a run
MAX_AWAITED = 10 * 60.0  # the same where others wait
MAX_PAUSE = 5 * 60.0  # a run's pauses together hold the machine no longer
MAX_AWAITED_PAUSE = 30.0  # of them while others wait
MAX_SILENCE = 5 * 60.0  # a worker that is stuck holds the line no longer; a test tells nothing


def follow(
    run: Run,
    place: Place,
    crew: Crew,
    job: Job,
    spare: Callable[[], bool] = lambda: False,
    watch: Lookout | None = None,
) -> Generator[None, None, None]:
    """Takes `run` from the line to its end. Never raises: an error becomes the run's message.

    spare: whether one of the processor's cores is to be left free at this moment.
    """
    watch = watch or Lookout()
    watch.rate = run.dials.learning_rate
    if run.keeper:
        run.keeper.keep(run)  # from the first moment on: the server may be killed at any
    try:
        yield from _wait(run, place, watch)
        if run.stop.is_set() and job.is_resumed:
            run.status, run.message = "interrupted", "Left the line; press Resume to go on."
        elif run.stop.is_set():
            run.status, run.message = "stopped", "Left the line; nothing was trained."
        else:
            place.has_worked = True
            yield from _train(run, place, crew, job, spare, watch)
        if run.is_active:
            _leave(run)
    except GeneratorExit:
        _leave(run)
        raise
    except Closed:
        _leave(run)
    except Exception:
        logging.getLogger(__name__).exception("a training run could not be followed")
        run.status = "failed"
        run.message = "Training failed for a reason that the server's log names; try again."
        if run.keeper:
            run.status = "interrupted"
            run.message = "Ended for a reason that the server's log names; press Resume to go on."
    finally:
        run.seconds_left = None
        if run.keeper:
            run.keeper.keep(run)
            run.keeper.release()
    yield


def _leave(run: Run) -> None:
    """Nobody waits for it any more."""
    run.status = "interrupted" if run.keeper else "stopped"
    run.message = "The page was closed."


def _wait(run: Run, place: Place, watch: Lookout) -> Iterator[None]:
    while (ahead := place.ahead) and not run.stop.is_set():
        run.status, run.ahead, run.wait = "waiting", ahead, place.wait
        yield
        watch.sleep(UPDATE_EVERY)
    run.ahead = 0


def _train(
    run: Run, place: Place, crew: Crew, job: Job, spare: Callable[[], bool], watch: Lookout
) -> Iterator[None]:
    if run.keeper:
        job = dataclasses.replace(job, state=run.keeper.state)
    with crew.lend() as hand:
        hand.begin(job)
        if not job.is_resumed:
            watch.told["learning_rate"] = run.config.learning_rate
        yield
        heard = watch.clock()
        while run.is_active and not run.left.is_set():
            place.seconds_left = run.seconds_left
            _pass_on(run, hand, spare, watch, place.is_awaited)
            message = hand.next(watch.wait_for())
            if message is not None:
                heard = watch.clock()
                _apply(run, message, watch)
            elif watch.clock() - heard > MAX_SILENCE:
                _give_up(run)
            if watch.is_due():
                watch.show()
                yield


def _pass_on(
    run: Run, hand: Hand, spare: Callable[[], bool], watch: Lookout, is_awaited: bool
) -> None:
    """Ends a run that has had its time, and turns the worker's switches."""
    is_paused = run.status == "paused"
    watch.count_pause(is_paused, is_awaited)
    if is_paused and watch.paused > MAX_PAUSE:
        run.message = f"Ended after {MAX_PAUSE / 60:.0f} minutes of pause"
        run.stop.set()
    elif is_paused and watch.awaited > MAX_AWAITED_PAUSE:
        run.message = f"Ended after {MAX_AWAITED_PAUSE:.0f} s of pause, the most while others wait,"
        run.stop.set()
    most = MAX_AWAITED if is_awaited else MAX_SECONDS
    if run.status == "training" and run.seconds > most and not run.stop.is_set():
        others = " while others wait" if is_awaited else ""
        run.message = f"Ended after {most / 60:.0f} minutes, the most a run here may take{others},"
        run.stop.set()
    wanted: dict[str, Any] = {
        "pause": run.pause.is_set(),
        "stop": run.stop.is_set(),
        "spare": spare(),
    }
    if "learning_rate" in watch.told:  # of a run that is taken up the worker tells it first
        wanted["learning_rate"] = run.dials.learning_rate
    watch.tell(hand, wanted)


def _apply(run: Run, message: Message, watch: Lookout) -> None:
    match message:
        case Phase(name):
            _enter(run, name, watch)
        case TakenUp(epochs, curve, seconds, rate):
            run.epochs[:] = [Epoch(**epoch) for epoch in epochs]
            run.losses, run.seconds = Curve.from_dict(curve), seconds
            run.step = run.step if epochs else 0
            watch.told["learning_rate"] = rate
            if run.dials.learning_rate == watch.rate:  # else its visitor turned it meanwhile
                run.dials.learning_rate = rate
        case Steps():
            run.step, run.steps, run.learning_rate = (
                message.step, message.steps, message.learning_rate,
            )  # fmt: skip
            run.losses.add(message.places, message.losses)
            run.seconds, run.images_per_second = message.seconds, message.images_per_second
            if run.seconds > 1:
                run.seconds_left = run.seconds / run.step * (run.steps - run.step)
        case Epoch():
            run.epochs.append(message)
        case Net(content):
            run.put_net(content)
            if run.keeper:
                run.keeper.keep(run)
        case Judged(title, content):
            run.put_answers(content)
            run.judged_by = title
        case Smaller(size):
            run.note = (
                f"Batches of {run.config.batch_size} were too large for the memory; "
                f"trained with {size}."
            )
            run.config = dataclasses.replace(run.config, batch_size=size)
            run.losses, run.step = Curve(), 0
        case Note(text):
            run.note = f"{text[:1].upper()}{text[1:]}."
        case End() | Gone():
            _end(run, message)


def _give_up(run: Run) -> None:
    """Its worker is stuck; leaving it ends it."""
    run.status = "interrupted" if run.keeper else "failed"
    run.message = f"Ended: nothing was heard of the training for {MAX_SILENCE / 60:.0f} minutes."


def _enter(run: Run, phase: str, watch: Lookout) -> None:
    if phase == "testing":
        run.status, run.seconds_left = "testing", None
        run.stop.clear()  # from here on a click means: no test
        watch.told["stop"] = False
        watch.shown = -math.inf  # a test may be short: the page looks at once
    elif phase == "paused":
        run.status = "paused"
    else:
        if run.status == "paused":
            run.pause.clear()
        run.status = "training"


def _end(run: Run, message: End | Gone) -> None:
    config, epochs = run.config, run.epochs
    if isinstance(message, Gone):
        run.status = "interrupted" if run.keeper else "failed"
        run.message = ending.gone(message.code, config, epochs)
    elif message.how == "done":
        run.status, run.message = "done", ending.done(config, epochs, run.result)
    elif message.how == "failed":
        run.status, run.message = "failed", ending.failed(message.text, config, epochs)
        if run.keeper and Path(run.keeper.state).is_file() and not message.is_final:
            run.status = "interrupted"
            run.message += " Resume goes on after the last epoch that was kept."
    else:
        run.status = "stopped"
        run.message = ending.stopped(run.message or "Stopped", config, epochs)
