"""A run as TensorBoard shows it: losses, rates, settings, and what the net gets wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterator
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
from mnist_demo.evaluate import evaluate
from mnist_demo.figures import png_of, samples_figure
from mnist_demo.files import may_write
from mnist_demo.train import Epoch, Event, Step

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

AT_ONCE = 50  # batch losses fetched together, for each look at one waits for the device
MISTAKES = 32  # pictures, the worst first


def check_logs(folder: Path) -> None:
    """Raises UserError where TensorBoard is missing, or the folder cannot be written."""
    if find_spec("tensorboard") is None:
        raise UserError("--log-to needs tensorboard; run `pip install 'tensorboard>=2.18'`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from error
    if not may_write(folder):
        raise _not_written(folder, PermissionError("it is read-only"))


def _not_written(folder: Path, error: OSError) -> UserError:
    reason = error.strerror or error
    return UserError(f"cannot write {folder}: {reason}; choose another place with --log-to")


def logged(
    events: Iterator[Event],
    net: nn.Module,
    data: Dataset,
    config: TrainConfig,
    folder: Path,
    before: int = 0,
) -> Generator[Event, None, None]:
    """Passes the events on and writes them to `folder`; however the run ends, its mistakes too.

    Those are of the validation set and of the weights that the run has kept. `before`: batches
    that a run which goes on has behind it; what `folder` holds of later ones is void. Raises
    UserError where TensorBoard is missing or the disk refuses.
    """
    check_logs(folder)
    from torch.utils.tensorboard import SummaryWriter

    try:
        writer = SummaryWriter(str(folder), purge_step=before + 1 if before else None)
    except OSError as error:
        raise _not_written(folder, error) from error
    settings = json.dumps(config.to_dict(), indent=2)
    writer.add_text("settings", f"```json\n{settings}\n```")
    waiting: list[Step] = []
    trained = False
    try:
        for event in events:
            if isinstance(event, Step):
                waiting.append(event)
            elif isinstance(event, Epoch):
                trained = True
                _write_epoch(writer, event)
            if len(waiting) >= AT_ONCE or not isinstance(event, Step):
                _write_steps(writer, waiting)
                waiting.clear()
                writer.flush()  # before the epoch is kept: a run that is killed misses no batch
            yield event
    finally:
        _write_steps(writer, waiting)
        close = getattr(events, "close", None)
        if close is not None:
            close()  # `keep_best` puts the best weights back as it ends
        if trained:
            _write_mistakes(writer, net, data)
        writer.close()


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


def _write_mistakes(writer: SummaryWriter, net: nn.Module, data: Dataset) -> None:
    result = evaluate(net, data.validation)
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
