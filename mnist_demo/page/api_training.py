"""A training that a program asked for: the same line and the same bounds as the page's."""

from __future__ import annotations

import contextlib
import math
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import load_named
from mnist_demo.device import describe_device, pick_device
from mnist_demo.errors import UserError
from mnist_demo.match import check_match
from mnist_demo.page import form
from mnist_demo.page.api_types import TrainingEvent
from mnist_demo.page.context import Context
from mnist_demo.page.runs import Run
from mnist_demo.page.starting import begin, steps_of
from mnist_demo.page.visitors import Visitor
from mnist_demo.train import Epoch

PLACES = 4  # in the line, for all programs together: the rest is for who sits at the page
EACH = 2  # of them for the programs of one address: one learns while one waits
KEPT = 40  # nets of programs; the oldest goes first
TEXTS = ("net", "dataset", "optimizer", "schedule", "augment")


class ApiRuns:
    """The trainings of programs; each is a visitor of its own, known by a name of its own."""

    def __init__(self, context: Context, places: int = PLACES) -> None:
        self.places = places
        self._context = context
        self._held: list[str] = []  # an address for each place that is taken
        self._lock = threading.Lock()
        self._handles: deque[str] = deque()

    def train(
        self, handle: str, settings: Mapping[str, Any], address: str = ""
    ) -> Generator[TrainingEvent, None, None]:
        """The events of one run. Raises UserError for settings or a line that will not do.

        address: where the program asks from.
        """
        config = checked(settings)
        context = self._context
        form.check_data(config.dataset, context.data_folder)
        data = load_named(config.dataset, context.data_folder)  # never a path
        check_match(config.net, data)
        form.check_length(config, len(data.train))
        device = pick_device("auto")
        with self._place(address), context.turns.join(address) as place:
            owner = context.visitors.get(handle, address)
            run = begin(owner, config, data.title, describe_device(device))
            is_to_keep = False
            try:
                yield from _told(run, steps_of(context, run, place, str(device)))
                is_to_keep = run.is_usable and run.status != "failed"
            finally:  # where its program has left, nobody knows its name
                if is_to_keep:
                    self._keep(handle)
                else:
                    context.visitors.drop(handle)
            yield _end(handle, run) if is_to_keep else {"event": "error", "error": run.message}

    @contextlib.contextmanager
    def _place(self, address: str) -> Iterator[None]:
        """One of the programs' places. Raises UserError where none is left for this address."""
        with self._lock:
            own = self._held.count(address)
            if len(self._held) >= self.places or own >= EACH:
                whose = " from your network" if own >= EACH else ""
                raise UserError(
                    f"{own if whose else self.places} trainings of programs{whose} are in the "
                    f"line already; try again {self._context.turns.when()}"
                )
            self._held.append(address)
        try:
            yield
        finally:
            with self._lock:
                self._held.remove(address)

    def _keep(self, handle: str) -> None:
        with self._lock:
            self._handles.append(handle)
            if len(self._handles) > KEPT:
                self._context.visitors.drop(self._handles.popleft())


def _told(run: Run, steps: Any) -> Iterator[TrainingEvent]:
    """What a program is told of a run while it goes on."""
    told = 0
    with contextlib.closing(steps):
        for _ in steps:
            for epoch in run.epochs[told:]:
                yield _epoch(epoch)
            told = len(run.epochs)
            if run.status == "waiting":
                yield {"event": "waiting", "ahead": run.ahead}
            elif run.status == "training":
                yield _progress(run)


def _end(handle: str, run: Run) -> TrainingEvent:
    """What it is told of a run that has a net, once it is over."""
    end: TrainingEvent = {"event": run.status, "net": handle, "message": run.message}
    if run.best is not None:
        end["validation_accuracy"] = round(run.best.validation_accuracy, 6)
    if run.accuracy is not None:
        end["accuracy"], end["judged_by"] = round(run.accuracy, 6), run.judged_by
    end["seconds"] = round(run.seconds, 2)
    return end


def _progress(run: Run) -> TrainingEvent:
    loss = run.losses.points[-1][1] if run.losses.points else math.nan
    return {
        "event": "training",
        "epoch": min(len(run.epochs) + 1, run.config.epochs),
        "step": run.step,
        "steps": run.steps,
        "loss": round(loss, 6) if math.isfinite(loss) else None,
        "images_per_second": round(run.images_per_second) if run.images_per_second else None,
    }


def _epoch(epoch: Epoch) -> TrainingEvent:
    return {
        "event": "epoch",
        "epoch": epoch.epoch,
        "epochs": epoch.epochs,
        "train_loss": round(epoch.train_loss, 6),
        "train_accuracy": round(epoch.train_accuracy, 6),
        "validation_loss": round(epoch.validation_loss, 6),
        "validation_accuracy": round(epoch.validation_accuracy, 6),
    }


def checked(settings: Mapping[str, Any]) -> TrainConfig:
    """The settings of a run as they came from the world. Raises UserError."""
    for name in TEXTS:
        if not isinstance(settings[name], str):
            raise UserError(f"{name} must be text, not {str(settings[name])[:40]!r}")
    rate = form.check_rate(settings["learning_rate"])
    return form.make_config({**settings, "learning_rate": rate})


def run_of(owner: Visitor) -> Run:
    """A program's only run. Raises UserError where it is gone."""
    run = next(iter(owner.runs.values()), None)
    if run is None:
        raise UserError("this net is gone; train it again")
    return run
