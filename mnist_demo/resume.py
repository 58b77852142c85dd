"""A run that can be put down after any epoch and taken up again: all of it in one file.

safetensors with a JSON header, no code; written whole or not at all. The trainer draws its
randomness from the seed and the number of the epoch or step, so no generator has a state
that would have to be kept: a run that was taken up gives the curve of an unbroken one.
"""

from __future__ import annotations

import contextlib
import glob
import json
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.evaluate import CHUNK
from mnist_demo.faults import is_out_of_memory, out_of_memory, why_not_written
from mnist_demo.files import write_whole
from mnist_demo.learner import Learner, Tensors, make_learner
from mnist_demo.material import digest_of
from mnist_demo.train import Dials, Epoch, Event, Kept, keep, train

FORMAT = "mnist-demo-run-1"
MAX_BYTES = 512 * 2**20  # weights, their average, the best and two moments of each


@dataclass
class Running:
    """A run between two epochs: what `events` goes on from."""

    learner: Learner
    config: TrainConfig
    dials: Dials
    kept: Kept = field(default_factory=Kept)
    epochs: list[Epoch] = field(default_factory=list)
    chunk: int = CHUNK  # images a step of validation
    digest: str | None = None  # of its data, once it was asked for

    def events(self, data: Dataset) -> Generator[Event, None, None]:
        """The trainer's events from here to the end; leaves the net with the weights to keep.

        Raises OutOfMemory, and what `train` raises.
        """
        net = self.learner.net
        new = train(
            net, data.train, data.validation, self.config, self.dials, self.learner, self.chunk
        )
        try:
            for event in keep(new, net, self.config.keep, self.kept):
                if isinstance(event, Epoch):
                    self.epochs.append(event)
                yield event
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise out_of_memory(self.config.batch_size) from error


def begin(net: nn.Module, config: TrainConfig) -> Running:
    return Running(make_learner(net, config), config, Dials(config.learning_rate))


@dataclass(frozen=True)
class Stored:
    """What a file of `to_bytes` holds."""

    config: TrainConfig
    epochs: list[Epoch]
    rate: float
    best_loss: float
    images: list[int]  # to learn from, to validate on
    notes: dict[str, Any]  # the caller's own
    tensors: Tensors
    digest: str = ""  # of the images, where they are one's own


def to_bytes(run: Running, data: Dataset, notes: dict[str, Any] | None = None) -> bytes:
    """The run as it is now: to be called at an Epoch, while the net still is what learns."""
    tensors = run.learner.tensors()
    tensors |= {f"kept.{name}": value for name, value in run.kept.weights.items()}
    if run.digest is None:
        run.digest = digest_of(run.config, data)
    header = {
        "format": FORMAT,
        "config": run.config.to_dict(),
        "epochs": [asdict(epoch) for epoch in run.epochs],
        "rate": run.dials.learning_rate,
        "best_loss": run.kept.loss,
        "images": [len(data.train), len(data.validation)],
        "digest": run.digest,
        "notes": notes or {},
    }
    metadata = {key: json.dumps(value) for key, value in header.items()}
    # Copies, for safetensors takes no two names for one piece of memory.
    return save({n: t.detach().cpu().clone().contiguous() for n, t in tensors.items()}, metadata)


def keep_on_disk(
    events: Generator[Event, None, None],
    path: Path,
    run: Running,
    data: Dataset,
    notes: Callable[[], dict[str, Any]],
    warn: Callable[[str], None],
) -> Generator[Event, None, None]:
    """Passes the events of `run` on; before each Epoch goes out, the whole run lies at `path`.

    A disk that refuses costs no run: `warn` is told once, and what lay there stays whole.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        left.unlink(missing_ok=True)  # of a run that was killed while it wrote
    warned = False
    with contextlib.closing(events):
        for event in events:
            if isinstance(event, Epoch):
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(path, to_bytes(run, data, notes()))
                except OSError as error:
                    if not warned:
                        warn(f"this run could not be resumed: {why_not_written(error)}")
                    warned = True
            yield event


def read_stored(path: Path) -> Stored:
    """Raises UserError for a file that is missing, cut, damaged or not ours."""
    if not path.is_file():
        raise UserError(f"there is no interrupted run {path}; start one without --resume")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(
            f"{path} is larger than {MAX_BYTES // 2**20} MiB; no run here is, delete it"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        values = {key: json.loads(text) for key, text in metadata.items()}
        if values.pop("format", None) != FORMAT:
            raise ValueError("another format")
        config = TrainConfig.from_dict(values.pop("config"))
        epochs = [Epoch(**epoch) for epoch in values.pop("epochs")]
        return Stored(config, epochs, tensors=tensors, **values)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged or not an interrupted run ({error}); "
            "delete it and start without --resume"
        ) from error


def check_same(stored: Stored, config: TrainConfig, data: Dataset, path: Path) -> None:
    """Raises UserError naming each setting that differs from those of the interrupted run."""
    ours, theirs = config.to_dict(), stored.config.to_dict()
    differ = [
        f"{name} ({ours[name]} here, {theirs[name]} there)"
        for name in ours
        if ours[name] != theirs[name]
    ]
    if stored.images != (images := [len(data.train), len(data.validation)]):
        differ.append(f"the number of images ({images} here, {stored.images} there)")
    if differ:
        raise UserError(
            f"these differ from the interrupted run {path}: {', '.join(differ)}; "
            "leave them out, or start without --resume"
        )
    if stored.digest and stored.digest != digest_of(config, data):
        raise UserError(
            f"the images of {data.title} are no longer those that the interrupted run {path} "
            "learned from; put the files back as they were, or start without --resume"
        )


def take_up(stored: Stored, net: nn.Module, path: Path) -> Running:
    """The run as it was; `net` is a fresh one of its kind, on the device where it shall learn.

    Raises UserError where the weights do not fit the net.
    """
    config = stored.config
    learner = make_learner(net, config)
    device = next(net.parameters()).device
    weights: dict[str, torch.Tensor] = {
        key.removeprefix("kept."): value.to(device)
        for key, value in stored.tensors.items()
        if key.startswith("kept.")
    }
    try:
        learner.restore(stored.tensors)
        if weights.keys() != net.state_dict().keys():
            raise KeyError("the weights of the epoch that is kept")
        doubted = None if learner.doubts is None else list(learner.doubts.shape)
        if config.focus and stored.epochs and doubted != stored.images[:1]:
            raise ValueError("its doubts are not those of its images")
    except (RuntimeError, ValueError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path} does not fit the net {config.net!r} ({reason}); start without --resume"
        ) from error
    learner.epochs_done = len(stored.epochs)
    kept = Kept(stored.best_loss, weights)
    return Running(learner, config, Dials(stored.rate), kept, list(stored.epochs))
