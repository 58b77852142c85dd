"""A run as TensorBoard shows it: losses, rates, settings, and what the net gets wrong."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.evaluate import CHUNK, evaluate
from mnist_demo.faults import not_written, why_not_written
from mnist_demo.figures import png_of, samples_figure
from mnist_demo.files import may_write
from mnist_demo.train import Epoch, Event, Step

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

AT_ONCE = 50  # batch losses fetched together, for each look at one waits for the device
MISTAKES = 32  # pictures, the worst first
ELSEWHERE = "choose another place with --log-to"


def check_logs(folder: Path) -> None:
    """Raises UserError where TensorBoard is missing, or the folder cannot be written."""
    if find_spec("tensorboard") is None:
        raise UserError("--log-to needs tensorboard; run `pip install 'tensorboard>=2.18'`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error, ELSEWHERE) from error
    if not may_write(folder):
        raise not_written(folder, PermissionError("it is read-only"), ELSEWHERE)


def logged(
    events: Iterator[Event],
    net: nn.Module,
    data: Dataset,
    config: TrainConfig,
    folder: Path,
    before: int = 0,
    tell: Callable[[str], None] = lambda text: None,
    chunk: int = CHUNK,
) -> Generator[Event, None, None]:
    """Passes the events on and writes them to `folder`; however the run ends, its mistakes too.

    Those are of the validation set and of the weights that the run has kept. `before`: batches
    that a run which goes on has behind it; what `folder` holds of later ones is void. A disk
    that refuses in mid-run ends the log, not the run, which `tell` is told. Raises UserError
    where TensorBoard is missing or nothing can be written from the start. `chunk`: images a
    step of validation.
    """
    check_logs(folder)
    with _told_where_it_is_written():
        book = _Book(folder, before, tell)
        settings = json.dumps(config.to_dict(), indent=2)
        book.write(lambda writer: writer.add_text("settings", f"```json\n{settings}\n```"))
        waiting: list[Step] = []
        trained = False
        try:
            for event in events:
                if isinstance(event, Step):
                    waiting.append(event)
                elif isinstance(event, Epoch):
                    trained = True
                    book.write(partial(_write_epoch, epoch=event))
                if len(waiting) >= AT_ONCE or not isinstance(event, Step):
                    book.write(partial(_write_steps, steps=waiting))
                    waiting.clear()
                    # Before the epoch is kept: a run that is killed misses no batch.
                    book.write(lambda writer: writer.flush())
                yield event
        finally:
            book.write(partial(_write_steps, steps=waiting))
            close = getattr(events, "close", None)
            if close is not None:
                close()  # `keep` puts the best weights back as it ends
            if trained:
                book.write(partial(_write_mistakes, net=net, data=data, chunk=chunk))
            book.write(lambda writer: writer.close())


class _Book:
    """TensorBoard's writer until the disk refuses, which is told once."""

    def __init__(self, folder: Path, before: int, tell: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._tell = tell
        try:
            self._writer: SummaryWriter | None = SummaryWriter(
                str(folder), purge_step=before + 1 if before else None
            )
        except OSError as error:
            raise not_written(folder, error, ELSEWHERE) from error

    def write(self, part: Callable[[SummaryWriter], None]) -> None:
        if self._writer is None:
            return
        try:
            part(self._writer)
        except OSError as error:
            self._tell(f"the log in {self._folder} ends here: {why_not_written(error)}")
            writer, self._writer = self._writer, None
            with contextlib.suppress(OSError):
                writer.close()


@contextlib.contextmanager
def _told_where_it_is_written() -> Iterator[None]:
    """TensorBoard's thread raises what the next write then raises again: one traceback too many."""
    hook = threading.excepthook

    def quiet(args: threading.ExceptHookArgs) -> None:
        if not (
            isinstance(args.exc_value, OSError) and "_AsyncWriter" in type(args.thread).__name__
        ):
            hook(args)

    threading.excepthook = quiet
    try:
        yield
    finally:
        threading.excepthook = hook


def _write_steps(writer: SummaryWriter, steps: list[Step]) -> None:
    if not steps:
        return
    losses = torch.stack([step.loss for step in steps]).float().cpu().tolist()
    for step, loss in zip(steps, losses, strict=True):
        writer.add_scalar("batch/loss", loss, step.step)
        writer.add_scalar("batch/learning rate", step.learning_rate, step.step)


def _write_epoch(writer: SummaryWriter, epoch: Epoch) -> None:
    figures: dict[str, Any] = {
        "loss/train": epoch.train_loss,
        "loss/validation": epoch.validation_loss,
        "accuracy/train": epoch.train_accuracy,
        "accuracy/validation": epoch.validation_accuracy,
        "speed/images a second": epoch.images_per_second,
    }
    for name, value in figures.items():
        writer.add_scalar(name, value, epoch.epoch)


def _write_mistakes(writer: SummaryWriter, net: nn.Module, data: Dataset, chunk: int) -> None:
    result = evaluate(net, data.validation, chunk)
    wrong = result.mistakes()
    writer.add_text(
        "mistakes", f"{len(wrong):,} of {len(result.truth):,} validation {data.noun} read wrong"
    )
    if not len(wrong):
        return
    chosen = wrong[:MISTAKES]
    images = data.validation.images[torch.from_numpy(chosen)].cpu().numpy()
    truth, said = result.truth[chosen].tolist(), result.predicted[chosen].tolist()
    picture = Image.open(io.BytesIO(png_of(samples_figure(images, truth, said, data.labels))))
    pixels = np.asarray(picture.convert("RGB"))
    writer.add_image("mistakes/predicted (true)", pixels, dataformats="HWC")
