"""One run's work, from its data to the tested net, told as messages. Knows of no page.

A worker's process drains it; on ZeroGPU it runs in the server, with `spaces.GPU` around it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from mnist_demo.checkpoint import Checkpoint, to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, load_named
from mnist_demo.device import pick_device
from mnist_demo.errors import UserError, for_visitors
from mnist_demo.evaluate import Evaluation, evaluation_of, infer_in_chunks
from mnist_demo.faults import OutOfMemory, is_out_of_memory
from mnist_demo.judging import data_to_judge, unseen
from mnist_demo.material import with_own
from mnist_demo.nets import build_net
from mnist_demo.page import ending
from mnist_demo.page.curve import Curve
from mnist_demo.page.job import Controls, Job, RaceJob, Watch
from mnist_demo.page.messages import (
    End,
    Judged,
    Message,
    Net,
    Note,
    Phase,
    Smaller,
    Steps,
    TakenUp,
    pack_evaluation,
)
from mnist_demo.page.own_digits import GONE, digest_of, read_own
from mnist_demo.resume import Running, begin, keep_on_disk, read_stored, take_up
from mnist_demo.train import Diverged, Epoch, Event, Step

LOOK_EVERY = 0.2  # seconds between two looks at the controls while paused
SMALLEST = 8  # a batch is not halved below it

Messages = Generator[Message, None, None]


class Damaged(UserError):
    """What was kept of a run is nothing to go on from."""


class OtherDigits(UserError):
    """What was kept of a run goes on with the visitor's digits of then alone."""


def work(job: Job | RaceJob, controls: Controls, watch: Watch | None = None) -> Messages:
    """A run, or a race, to its end. Never raises: what goes wrong is told by its End."""
    try:
        if isinstance(job, RaceJob):
            from mnist_demo.page.racing import run_race  # few ask for one

            yield from run_race(job, controls)
            return
        yield from _work(job, controls, watch or Watch())
    except UserError as error:
        is_final = isinstance(error, Damaged | Diverged)
        yield End("failed", for_visitors(error), is_final)
    except Exception as error:
        if is_out_of_memory(error):
            yield End("failed", "the device is out of memory; choose a smaller net")
            return
        logging.getLogger(__name__).exception("a training run failed")
        yield End("failed", "training failed for a reason that the server's log names; try again")


def _work(job: Job, controls: Controls, watch: Watch) -> Messages:
    config = TrainConfig.from_dict(job.config)
    device = pick_device(job.device)
    data = load_named(config.dataset, job.folder, config.holdout)  # never a path
    if config.also:  # nor is this, a file's name in another place
        own = read_own(job.own)
        if own is None:
            raise UserError(GONE)
        data = with_own(data, own, job.folder)
    yield Phase("training")
    part = data.to(device)
    try:
        session = yield from _begin(job, config, part, controls, watch)
        yield from session.train()
    except OutOfMemory:
        if session.running.epochs or config.batch_size < 2 * SMALLEST:
            raise
        # Half the batch, once: what is short of that is short of more than a batch.
        config = replace(config, batch_size=config.batch_size // 2)
        _free_memory()
        yield Smaller(config.batch_size)
        session = yield from _begin(replace(job, is_resumed=False), config, part, controls, watch)
        yield from session.train()
    if controls.leave.is_set():
        yield End("left")
        return
    yield from session.test(job.folder)
    yield End("stopped" if session.is_stopped else "done")


def _free_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _begin(
    job: Job, config: TrainConfig, data: Dataset, controls: Controls, watch: Watch
) -> Generator[Message, None, Session]:
    net = build_net(config.net, config.seed).to(torch.device(job.device))
    state = Path(job.state) if job.state else None
    if state is None or not job.is_resumed or not state.exists():
        watch.start()
        running = begin(net, config)
        if job.is_resumed:  # broken off before its first epoch was kept
            yield TakenUp([], Curve().to_dict(), 0.0, running.dials.learning_rate)
        return Session(running, data, controls, watch, state, own=digest_of(job.own))
    try:
        stored = read_stored(state)
        if stored.notes.get("own", "") != digest_of(job.own):
            raise OtherDigits(
                "your digits are no longer those that this run learns from; take back what was "
                "changed and press Resume, or press Train to start another"
            )
        if stored.config != config or stored.images != [len(data.train), len(data.validation)]:
            raise UserError("it is of other settings or data")
        running = take_up(stored, net, state)
        curve = Curve.from_dict(stored.notes["curve"])
        seconds = float(stored.notes["seconds"])
    except OtherDigits:
        raise
    except (UserError, KeyError, TypeError, ValueError) as error:
        raise Damaged("what was kept of this run is damaged; discard it, train again") from error
    watch.start(seconds)
    epochs = [asdict(epoch) for epoch in running.epochs]
    yield TakenUp(epochs, curve.to_dict(), seconds, running.dials.learning_rate)
    return Session(running, data, controls, watch, state, curve, digest_of(job.own))


@dataclass
class Session:
    """A run at work."""

    running: Running
    data: Dataset
    controls: Controls
    watch: Watch
    state: Path | None
    curve: Curve = field(default_factory=Curve)
    own: str = ""  # which digits of the visitor's own it learns from
    pending: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cores: int = field(default_factory=torch.get_num_threads)
    is_stopped: bool = False
    _unsent: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    _last: Step | None = None

    def train(self) -> Messages:
        """Leaves the net with the weights to keep."""
        events = self.running.events(self.data)
        if self.state is not None:
            events = keep_on_disk(
                events, self.state, self.running, self.data, self._noted, self.notes.append
            )
        with contextlib.closing(events):
            self._obey()
            self.watch.resume()
            for event in events:
                self.watch.count(event)
                yield from self._tell(event)
                if self.controls.pause.is_set():
                    yield from self._hold()
                self._obey()
                if self.controls.stop.is_set():
                    self.is_stopped = True
                    break
                if self.watch.is_due():
                    yield from self._flush()
                self.watch.resume()
            yield from self._flush()
        if not self.running.epochs:
            yield Net(to_bytes(self._checkpoint()))  # as it was at that moment

    def _noted(self) -> dict[str, Any]:
        """What is kept of the run beside its weights; the epoch's last steps are in the curve."""
        self._plot()
        return {"curve": self.curve.to_dict(), "seconds": self.watch.active, "own": self.own}

    def _obey(self) -> None:
        controls = self.controls
        if controls.learning_rate is not None:
            self.running.dials.learning_rate = controls.learning_rate
        threads = max(1, self.cores - 1) if controls.spare else self.cores
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)

    def _tell(self, event: Event) -> Messages:
        if isinstance(event, Step):
            self.pending.append(event)
        elif isinstance(event, Epoch):
            yield from self._flush()
            yield event
            while self.notes:
                yield Note(self.notes.pop(0))
            kept = self.running.kept
            if self.running.config.keep == "last" or event.validation_loss == kept.loss:
                yield Net(to_bytes(self._checkpoint()))

    def _hold(self) -> Messages:
        """Waits until the visitor goes on."""
        since = self.watch.clock()
        yield from self._flush()
        while self.controls.pause.is_set() and not self.controls.stop.is_set():
            yield Phase("paused")
            self.watch.sleep(LOOK_EVERY)
        self.watch.away += self.watch.clock() - since
        yield Phase("training")

    def _plot(self) -> None:
        """Puts what is new into the curve; reading the losses waits for the device."""
        if not self.pending:
            return
        losses = torch.stack([step.loss for step in self.pending]).tolist()
        epochs = self.running.config.epochs
        places = [step.step * epochs / step.steps for step in self.pending]
        self.curve.add(places, losses)
        self._unsent[0].extend(places)
        self._unsent[1].extend(losses)
        self._last = self.pending[-1]
        self.pending.clear()

    def _flush(self) -> Messages:
        self.watch.sent = self.watch.clock()
        self._plot()
        places, losses = self._unsent
        if self._last is None or not places:
            return
        self._unsent = ([], [])
        yield Steps(
            self._last.step,
            self._last.steps,
            self._last.learning_rate,
            self.watch.active,
            self.watch.images_per_second(),
            places,
            losses,
        )

    def _checkpoint(self) -> Checkpoint:
        config, epochs = self.running.config, self.running.epochs
        metrics = {"epochs": float(len(epochs)), "seconds": round(self.watch.active, 1)}
        best = ending.kept_epoch(config, epochs)
        if best is not None:
            metrics |= {
                "validation_accuracy": best.validation_accuracy,
                "validation_loss": best.validation_loss,
                "epoch": float(best.epoch),
            }
        rate = self.running.dials.learning_rate
        return Checkpoint(
            self.running.learner.net,
            config.net,
            self.data.name,
            self.data.labels,
            config.to_dict(),
            metrics,
            ending.command_of(config, len(epochs), rate),
        )

    def test(self, folder: str) -> Messages:
        """The run's one test; Stop skips it."""
        self.controls.stop.clear()
        if self.controls.leave.is_set():
            return
        checkpoint = self._checkpoint()
        yield Phase("testing")
        judged = data_to_judge(self.data.name, folder)
        split, _ = unseen(checkpoint, judged, lambda name: load_named(name, folder))
        evaluation = self._evaluate(
            split.images.to(next(checkpoint.net.parameters()).device), split
        )
        if evaluation is not None:
            is_test = split is judged.test
            has_chosen = self.running.config.keep == "best"
            title = ending.title_of_test(len(split), not is_test, judged, has_chosen)
            name = "test_accuracy" if is_test else "held_out_accuracy"
            checkpoint.metrics[name] = evaluation.accuracy
        yield Net(to_bytes(checkpoint))
        if evaluation is not None:
            yield Judged(title, pack_evaluation(evaluation))

    def _evaluate(self, images: torch.Tensor, split: Any) -> Evaluation | None:
        logits = []
        for chunk in infer_in_chunks(self.running.learner.net, images):
            logits.append(chunk)
            self._obey()
            if self.controls.stop.is_set():
                return None
        return evaluation_of(logits, split.labels)
