"""How a visitor's run begins, is taken up again, turned while it is on, and thrown away."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.page import form
from mnist_demo.page.context import Context
from mnist_demo.page.heat import Heat
from mnist_demo.page.job import Job
from mnist_demo.page.own_digits import GONE
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Drawer
from mnist_demo.page.trainer import follow
from mnist_demo.page.turns import Place
from mnist_demo.page.visitors import Visitor
from mnist_demo.train import Dials


def begin(
    visitor: Visitor,
    config: TrainConfig,
    data_title: str,
    device: str,
    drawer: Drawer | None = None,
) -> Run:
    """A new run of this visitor's. Raises UserError while another one is on."""
    with visitor.changing:
        check_free(visitor)
        visitor.started += 1
        number = visitor.started
        run = Run(f"run-{number}", number, config, data_title, device, Dials(config.learning_rate))
        run.keeper = drawer.new_slot() if drawer else None
        visitor.add(run)
    return run


def take_up(visitor: Visitor, wanted: object, folder: Path, has_own: bool = False) -> Run:
    """An interrupted run of this visitor's, about to go on. Raises UserError.

    folder: of the data sets. has_own: whether digits of the visitor's own came along.
    """
    with visitor.changing:
        check_free(visitor)
        run = visitor.runs.get(wanted) if isinstance(wanted, str) else None
        if run is None or run.keeper is None or not run.is_resumable:
            raise UserError("that run cannot go on; press Train to start another")
        if run.config.dataset not in [name for _, name in form.data_choices(folder)]:
            raise UserError(
                "the images that this run learns from are not here any more; fetch them again, "
                "or press Train to start another"
            )
        if run.config.also and not has_own:
            raise UserError(GONE)
        run.keeper.take()
        run.status, run.message, run.note = "waiting", "", ""
        for switch in (run.stop, run.pause, run.left):
            switch.clear()
        visitor.runs.move_to_end(run.id)  # what becomes of it is what the page tells last
    return run


def begin_race(visitor: Visitor, runners: tuple[str, ...], dataset: str) -> Heat:
    """A race of this visitor's. Raises UserError while something else is on."""
    with visitor.changing:
        check_free(visitor)
        visitor.heat = Heat(runners, dataset)
        return visitor.heat


def check_free(visitor: Visitor) -> None:
    """Raises UserError while something of this visitor's has a place in the line."""
    if visitor.is_busy:
        what = "run" if visitor.active_run else "race"
        raise UserError(f"a {what} of yours is on; wait for its end or press Stop first")


def steps_of(
    context: Context,
    run: Run,
    place: Place,
    device: str,
    is_resumed: bool = False,
    own: str = "",
) -> Generator[None, None, None]:
    """Takes a run from the line to its end; each step is a time for the page to look."""
    folder = str(context.data_folder.absolute())
    job = Job(run.config.to_dict(), folder, device, is_resumed=is_resumed, own=own)
    return follow(run, place, context.crew, job, spare=lambda: context.batcher.is_in_use)


def bring_back(visitor: Visitor, drawer: Drawer | None) -> None:
    """Makes the visitor's list that of the runs that are kept for this browser."""
    if drawer is None:
        return
    with visitor.changing:
        for run in visitor.all_runs:
            if run.is_gone:
                visitor.runs.pop(run.id, None)
        known = {run.keeper for run in visitor.all_runs}
        for run, slot in drawer.runs(known):
            if run.number <= visitor.started:  # taken by a run of this page
                run.number = visitor.started + 1
            visitor.started = run.number
            run.id = f"run-{run.number}"
            run.keeper = slot
            visitor.add(run)


def throw_away(visitor: Visitor, wanted: object) -> None:
    """A run leaves the list and the disk. Raises UserError while it is on."""
    run = visitor.runs.get(wanted) if isinstance(wanted, str) else None
    if run is None:
        return
    if run.is_active:
        raise UserError("this run is on; press Stop first")
    if run.keeper is not None and run.keeper.is_on:
        raise UserError("this run is on in another page of yours")
    visitor.runs.pop(run.id, None)
    if run.keeper is not None:
        with contextlib.suppress(OSError):
            run.keeper.remove()


def turn_switch(run: Run | None, message: Any) -> None:
    """Pause, resume, stop, or another learning rate. Raises UserError."""
    action = message.get("action") if isinstance(message, dict) else None
    if run is None:
        raise UserError("no run of yours is on; press Train to start one")
    if action == "pause":
        run.pause.set()
    elif action == "resume":
        run.pause.clear()
    elif action == "stop":
        run.stop.set()
    elif action == "rate":
        run.dials.learning_rate = form.check_rate(message.get("value"))
    else:
        raise unknown_choice("switch", action, ("pause", "resume", "stop", "rate"))
