"""Drives one run on the page: turns the core's events into a `Run` that the page can show.

A generator that yields whenever the page should look, a few times a second; in between
it looks at the run's switches. Closing it ends the run and frees the device.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import math
import shlex
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.datasets import Dataset, Split
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluation_of, infer_in_chunks
from mnist_demo.nets import build_net
from mnist_demo.page.runs import Run, Status
from mnist_demo.page.turns import Place
from mnist_demo.train import Epoch, Event, Step, keep_best, train

UPDATE_EVERY = 0.25  # seconds between two looks of the page
MAX_SECONDS = 20 * 60.0  # of training a run
MAX_PAUSE = 5 * 60.0  # a paused run holds the machine no longer
AS_IT_WAS = " No epoch was over, so the net is kept as it was at that moment."
WINDOW = 3.0  # seconds of training that the speed is measured over

Judge = Callable[[Checkpoint], tuple[Split, str]]


@dataclass
class Watch:
    """Time of one run: when the page is due, and what was spent on training alone."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    shown: float = -math.inf
    paused: float = 0.0
    started: float = 0.0
    learning: float = 0.0  # seconds inside training steps
    last_event: float = 0.0
    recent: deque[tuple[float, int]] = field(default_factory=lambda: deque([(0.0, 0)]))

    def start(self) -> None:
        self.started = self.last_event = self.clock()

    @property
    def active(self) -> float:
        return self.clock() - self.started - self.paused

    def is_due(self) -> bool:
        return self.clock() - self.shown >= UPDATE_EVERY

    def show(self) -> None:
        self.shown = self.clock()

    def resume(self) -> None:
        """What passed since the last event was the page's time, not training's."""
        self.last_event = self.clock()

    def count(self, event: Event) -> None:
        now = self.clock()
        if isinstance(event, Step):
            self.learning += now - self.last_event
            self.recent.append((self.learning, event.images))
            while self.recent[0][0] < self.learning - WINDOW and len(self.recent) > 2:
                self.recent.popleft()
        self.last_event = now

    def images_per_second(self) -> float | None:
        (start, before), (end, after) = self.recent[0], self.recent[-1]
        return (after - before) / (end - start) if end > start else None


def follow(
    run: Run,
    place: Place,
    data: Dataset,
    device: torch.device,
    judge: Judge,
    watch: Watch | None = None,
) -> Generator[None, None, None]:
    """Takes `run` from the line to its end. Never raises: an error becomes the run's message.

    data: on the CPU. judge: the digits that a finished net is tested on, and what they are.
    """
    watch = watch or Watch()
    try:
        yield from _wait(run, place, watch)
        if run.stop.is_set():
            run.status, run.message = "stopped", "Left the line; nothing was trained."
        else:
            end = yield from _train(run, data, device, watch)
            yield from _test(run, data, device, judge, watch)
            run.status, run.message = end
    except UserError as error:
        text = str(error)
        run.status, run.message = "failed", f"{text[:1].upper()}{text[1:]}.{_kept(run)}"
    except GeneratorExit:
        run.status, run.message = "stopped", "The page was closed."
        raise
    except Exception as error:
        if not _is_out_of_memory(error):
            logging.getLogger(__name__).exception("a training run failed")
        run.status, run.message = "failed", _explain(error) + _kept(run)
    finally:
        run.seconds_left = None
    yield


def _wait(run: Run, place: Place, watch: Watch) -> Iterator[None]:
    while (ahead := place.ahead) and not run.stop.is_set():
        run.status, run.ahead = "waiting", ahead
        yield
        watch.sleep(UPDATE_EVERY)
    run.ahead = 0


def _train(
    run: Run, data: Dataset, device: torch.device, watch: Watch
) -> Generator[None, None, tuple[Status, str]]:
    """Leaves the best net in `run.checkpoint` and returns how the run ended."""
    config = run.config
    run.status = "training"
    yield  # shows that it is this one's turn while the data goes to the device
    watch.start()
    part = data.to(device)
    net = build_net(config.net, config.seed).to(device)
    events = train(net, part.train, part.validation, config, run.dials)
    if config.keep == "best":
        events = keep_best(events, net)
    pending: list[Step] = []
    ended: tuple[Status, str] | None = None
    with contextlib.closing(events):  # type: ignore[type-var]
        watch.resume()
        for event in events:
            watch.count(event)
            _note(run, event, pending)
            if isinstance(event, Epoch) and run.best is event:
                run.checkpoint = _snapshot(run, net, data)
            if run.pause.is_set():
                _flush(run, pending, watch)
                yield from _hold(run, watch)
                watch.resume()
            if ended := _reason_to_end(run, watch):
                break
            if watch.is_due():
                _flush(run, pending, watch)
                watch.show()
                yield
                watch.resume()
        _flush(run, pending, watch)
    if run.checkpoint is None:
        run.checkpoint = _snapshot(run, net, data)
    return ended or ("done", _done(run))


def _note(run: Run, event: Event, pending: list[Step]) -> None:
    if isinstance(event, Step):
        run.step, run.steps, run.learning_rate = event.step, event.steps, event.learning_rate
        pending.append(event)
    elif isinstance(event, Epoch):
        run.epochs.append(event)


def _flush(run: Run, pending: list[Step], watch: Watch) -> None:
    """Brings the figures of the page up to date; reading the losses waits for the device."""
    if pending:
        losses = torch.stack([step.loss for step in pending]).tolist()
        places = [step.step * run.config.epochs / step.steps for step in pending]
        run.losses.add(places, losses)
        pending.clear()
    run.seconds = watch.active
    run.images_per_second = watch.images_per_second()
    if run.seconds > 1 and run.step:
        run.seconds_left = run.seconds / run.step * (run.steps - run.step)


def _hold(run: Run, watch: Watch) -> Iterator[None]:
    """Waits until the visitor goes on; shows itself, so that a closed page is noticed."""
    since = watch.clock()
    run.status = "paused"
    while run.pause.is_set() and not run.stop.is_set():
        if watch.clock() - since > MAX_PAUSE:
            run.stop.set()
            run.message = f"Ended after {MAX_PAUSE / 60:.0f} minutes of pause"
            break
        watch.show()
        yield
        watch.sleep(UPDATE_EVERY)
    run.pause.clear()
    run.status = "training"
    watch.paused += watch.clock() - since


def _reason_to_end(run: Run, watch: Watch) -> tuple[Status, str] | None:
    if run.stop.is_set():
        return "stopped", f"{run.message or 'Stopped'} {_where(run)}.{_kept(run) or AS_IT_WAS}"
    if watch.active > MAX_SECONDS:
        reason = f"Ended {_where(run)}: a run here may take {MAX_SECONDS / 60:.0f} minutes."
        return "stopped", reason + (_kept(run) or AS_IT_WAS)
    return None


def _where(run: Run) -> str:
    epoch = min(len(run.epochs) + 1, run.config.epochs)
    return f"in epoch {epoch} of {run.config.epochs}"


def _kept(run: Run) -> str:
    which = "the best so far" if run.config.keep == "best" else "the last that was over"
    return f" The net of epoch {run.best.epoch} is kept, {which}." if run.best else ""


def _done(run: Run) -> str:
    if run.config.keep == "last":
        return "Done. The last epoch's net is kept, as was asked."
    best = run.best
    if best is None or best.epoch == len(run.epochs):
        return "Done. The last epoch has the lowest validation loss; its net is kept."
    return f"Done. Epoch {best.epoch} has the lowest validation loss; its net is kept."


def _snapshot(run: Run, net: nn.Module, data: Dataset) -> Checkpoint:
    """A copy on the CPU, for the net itself learns on."""
    still = copy.deepcopy(net).cpu().eval()
    best = run.best
    metrics: dict[str, float] = {"epochs": float(len(run.epochs)), "seconds": round(run.seconds, 1)}
    if best is not None:
        metrics |= {
            "validation_accuracy": best.validation_accuracy,
            "validation_loss": best.validation_loss,
            "epoch": float(best.epoch),
        }
    return Checkpoint(still, run.config.net, data.name, data.labels, run.config.to_dict(), metrics)


def _test(
    run: Run, data: Dataset, device: torch.device, judge: Judge, watch: Watch
) -> Iterator[None]:
    """The run's one test; Stop skips it."""
    checkpoint = run.checkpoint
    assert checkpoint is not None  # _train leaves one or raises
    checkpoint.metrics |= {"epochs": float(len(run.epochs)), "seconds": round(run.seconds, 1)}
    checkpoint.command = command_of(run)
    split, _ = judge(checkpoint)
    is_validation = split is data.validation
    run.status, run.seconds_left = "testing", None
    run.stop.clear()  # from here on a click means: no test
    watch.show()
    yield
    net = copy.deepcopy(checkpoint.net).to(device)
    logits = []
    for chunk in infer_in_chunks(net, split.images.to(device)):
        logits.append(chunk)
        if run.stop.is_set():
            return
        if watch.is_due():
            watch.show()
            yield
    run.evaluation = evaluation_of(logits, split.labels)
    run.judged_by = title_of_test(len(split), is_validation, data, run.config.keep == "best")
    name = "held_out_accuracy" if is_validation else "test_accuracy"
    checkpoint.metrics[name] = run.evaluation.accuracy


def title_of_test(count: int, is_validation: bool, data: Dataset, has_chosen: bool) -> str:
    if is_validation:
        whose = "the sample" if data.name == "sample" else data.title
        choice = ", which also chose the epoch" if has_chosen else ""
        return f"held-out accuracy ({count:,} {data.noun} of {whose}{choice})"
    return f"test accuracy ({count:,} test {data.noun})"


def command_of(run: Run) -> str:
    """What trains the same net again, with each setting spelled out, for defaults may change."""
    words = ["python", "-m", "mnist_demo", "train"]
    for name, value in run.config.to_dict().items():
        words += ["--" + name.replace("_", "-"), str(value)]
    notes = []
    if len(run.epochs) < run.config.epochs:
        notes.append(f"stopped after epoch {len(run.epochs)}")
    if run.dialled:
        notes.append(f"learning rate changed on the way, to {run.dials.learning_rate:g}")
    command = shlex.join([*words, "--out", "digits.safetensors"])
    return command + (f"  # {'; '.join(notes)}" if notes else "")


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error)
    )


def _explain(error: Exception) -> str:
    if _is_out_of_memory(error):
        return "The device is out of memory; choose a smaller batch size or a smaller net."
    return "Training failed for a reason on the server's side, which its log names; try again."
