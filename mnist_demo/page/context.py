"""What all tabs share: the released net, the data, and the visitors' own things."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeGuard
from weakref import WeakValueDictionary

import gradio as gr

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.datasets import (
    DIGITS,
    Dataset,
    Split,
    load_named,
)
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation, Reading
from mnist_demo.judging import data_to_judge, unseen
from mnist_demo.page.batcher import Batcher
from mnist_demo.page.crew import Crew
from mnist_demo.page.guard import address_of
from mnist_demo.page.insight import Insight
from mnist_demo.page.logs import Traffic
from mnist_demo.page.painter import Painter
from mnist_demo.page.pictures import Pictures
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Shelf
from mnist_demo.page.turns import Turns
from mnist_demo.page.visitors import Visitor, Visitors

RELEASED = "released"  # the choice that a page begins with
OWN = re.compile(r"run-[0-9]{1,9}")
# What the plain nets lack, each by its name.
PLAIN_TITLES = {"perceptron": "One hidden layer", "linear": "No hidden layer"}


@dataclass
class Context:
    """Made once by `app.py` and handed to every tab."""

    released: Checkpoint
    data_folder: Path
    plain: Mapping[str, Checkpoint] = field(default_factory=dict)  # which every visitor has too
    visitors: Visitors = field(default_factory=Visitors)
    turns: Turns = field(default_factory=Turns)
    batcher: Batcher = field(default_factory=Batcher)
    insight: Insight = field(default_factory=Insight)
    traffic: Traffic = field(default_factory=Traffic)
    pictures: Pictures = field(default_factory=Pictures)
    painter: Painter = field(default_factory=Painter)
    crew: Crew = field(default_factory=Crew)
    shelf: Shelf = field(default_factory=Shelf)
    _evaluating: threading.Lock = field(default_factory=threading.Lock)
    # Of the nets that every visitor has, by choice and images.
    _shared_results: dict[tuple[str, str], Evaluation] = field(default_factory=dict)
    # By net and images; one that nobody waits for is gone, with its net, and its id is free.
    _readings: WeakValueDictionary[tuple[int, str], Reading] = field(
        default_factory=WeakValueDictionary
    )

    def data(self, trained_on: str) -> Dataset:
        """What nets that were trained on this are judged by: it, or the fullest of MNIST."""
        return data_to_judge(trained_on, self.data_folder)

    def visitor(self, request: gr.Request) -> Visitor:
        return self.visitors.get(request.session_hash, address_of(request))

    def checkpoint(self, visitor: Visitor, choice: object) -> Checkpoint:
        """The net that `choice` names: one that all have or a run of this visitor's."""
        if self.is_shared(choice):
            return self._shared[choice]
        checkpoint = self._run(visitor, choice).checkpoint
        if checkpoint is None:
            raise UserError("this run has no net yet; wait until its first epoch is over")
        return checkpoint

    async def ready(self, visitor: Visitor, choice: object) -> Checkpoint:
        """The same, ready to answer; what is not in memory yet is read by a thread."""
        if self.is_shared(choice):
            return self._shared[choice]
        loaded = self._run(visitor, choice).loaded
        if loaded is not None and "answering" in vars(loaded):  # which was made, then
            return loaded
        return await asyncio.to_thread(self._made_ready, visitor, choice)

    def _made_ready(self, visitor: Visitor, choice: object) -> Checkpoint:
        checkpoint = self.checkpoint(visitor, choice)
        _ = checkpoint.answering
        return checkpoint

    def labels(self, visitor: Visitor, choice: object) -> tuple[str, ...]:
        """The classes that a net tells apart; from its run's record, where they stand there."""
        known = () if self.is_shared(choice) else self._run(visitor, choice).labels
        return known or self.checkpoint(visitor, choice).labels

    def choices(self, visitor: Visitor) -> list[tuple[str, str]]:
        """The nets this visitor may use, as (title, choice) for a dropdown."""
        runs = [(run.title, run.id) for run in visitor.all_runs if run.is_usable]
        return [*self.shared_choices, *reversed(runs)]

    @cached_property
    def shared_choices(self) -> list[tuple[str, str]]:
        """The nets that every visitor may use, in the same form."""
        plain = [(f"{PLAIN_TITLES[name]} ({name})", name) for name in self.plain]
        return [(f"Released net ({self.released.name})", RELEASED), *plain]

    @cached_property
    def _shared(self) -> dict[str, Checkpoint]:
        return {RELEASED: self.released, **self.plain}

    def is_shared(self, choice: object) -> TypeGuard[str]:
        """Whether it names a net that every visitor has."""
        return isinstance(choice, str) and choice in self._shared

    def is_name(self, choice: object) -> bool:
        """Whether it names a net that every visitor has, or may name one of somebody's own."""
        return self.is_shared(choice) or isinstance(choice, str) and bool(OWN.fullmatch(choice))

    def digits_for(self, checkpoint: Checkpoint) -> tuple[Split, str]:
        """The images that a net is judged by, none of them trained on, and what they are."""
        data = self.data(checkpoint.dataset)
        return unseen(checkpoint, data, lambda name: load_named(name, self.data_folder))

    def check_reads_digits(self, checkpoint: Checkpoint) -> None:
        """Raises UserError for a net that a drawing of a digit means nothing to."""
        if reason := not_for_digits(checkpoint):
            raise UserError(reason)

    def known_evaluation(self, visitor: Visitor, choice: object) -> Evaluation | None:
        """The evaluation of a net if it was made already, without waiting for any."""
        split, title = self.digits_for(self.checkpoint(visitor, choice))
        if self.is_shared(choice):
            known = self._shared_results.get((choice, title))
        else:
            known = self._run(visitor, choice).evaluation
        return known if known is not None and len(known.truth) == len(split) else None

    def evaluation(self, visitor: Visitor, choice: object) -> Evaluation:
        """The one evaluation of a net, made on first asking and kept with the net."""
        known = self.known_evaluation(visitor, choice)
        if known is not None:
            return known
        *_, reading = self.evaluating(visitor, choice)
        return reading.evaluation

    def evaluating(self, visitor: Visitor, choice: object) -> Iterator[Reading]:
        """Makes that evaluation, and yields before, between and after the chunks that it takes.

        All who wait for a net push one reading on, and different nets take turns.
        """
        checkpoint = self.checkpoint(visitor, choice)
        split, title = self.digits_for(checkpoint)
        with self._evaluating:
            net = checkpoint.answering
            reading = self._readings.setdefault((id(net), title), Reading(net, split))
        yield reading
        while not reading.is_over:
            with self._evaluating:
                if not reading.is_over:
                    reading.go_on()
            yield reading
        if self.is_shared(choice):
            self._shared_results[choice, title] = reading.evaluation
        elif (run := self._run(visitor, choice)).checkpoint is checkpoint:
            run.evaluation = reading.evaluation  # else the run has gone on meanwhile

    def _run(self, visitor: Visitor, choice: object) -> Run:
        run = visitor.runs.get(choice) if isinstance(choice, str) else None
        if run is None:
            raise UserError("that net is gone; choose another")
        return run


def not_for_digits(checkpoint: Checkpoint) -> str:
    """Why a net cannot read drawn digits; empty where it can."""
    if checkpoint.labels == DIGITS:
        return ""
    what = "colour photos" if checkpoint.dataset == "cifar10" else "other pictures"
    first, last = checkpoint.labels[0], checkpoint.labels[-1]
    return (
        f"this net reads {what} ({first} to {last}), not digits; "
        "choose another network at the top of the page"
    )
