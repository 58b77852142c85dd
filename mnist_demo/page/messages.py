"""What a run's worker tells the page: small messages as JSON and plain bytes, never code."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import torch
from safetensors.torch import load, save

from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.train import Epoch

HEAD = struct.Struct(">II")  # bytes of the JSON, bytes of the content after it


@dataclass(frozen=True)
class Ready:
    """The worker has imported what it needs and waits for a job."""


@dataclass(frozen=True)
class Phase:
    name: str  # training, paused, testing


@dataclass(frozen=True)
class TakenUp:
    """An interrupted run goes on: all that is known of it so far."""

    epochs: list[dict[str, Any]]
    curve: dict[str, Any]
    seconds: float
    learning_rate: float


@dataclass(frozen=True)
class Steps:
    """Batches that were learned since the last look, each with its place among the epochs."""

    step: int  # so far in the whole run
    steps: int  # in the whole run
    learning_rate: float
    seconds: float  # of training, pauses left out
    images_per_second: float | None
    places: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Net:
    """The net to keep, as a checkpoint's bytes."""

    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Judged:
    """The run's one test: `content` holds the truth and the probabilities."""

    title: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Smaller:
    """The memory was too small; it begins anew with batches of this size."""

    batch_size: int


@dataclass(frozen=True)
class Note:
    """Something the visitor should know, which ends nothing."""

    text: str


@dataclass(frozen=True)
class Lapped:
    """Where a runner of a race is; the figures are those of `benchmark.race.Lap`."""

    runner: str
    done: float
    epoch: int
    seconds: float
    processor: float
    judging: float
    accuracy: float | None = None
    is_judged: bool = False
    is_over: bool = False  # it has reached the target, or its recipe has no more epochs


@dataclass(frozen=True)
class End:
    how: str  # done, stopped, left, failed
    text: str = ""  # why, where it failed
    is_final: bool = False  # another try from the last epoch would fail too


@dataclass(frozen=True)
class Gone:
    """The worker's process is no more; made on this side."""

    code: int | None


Message = (
    Ready | Phase | TakenUp | Steps | Epoch | Net | Judged | Smaller | Note | Lapped | End | Gone
)
KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Ready, Phase, TakenUp, Steps, Epoch, Net, Judged, Smaller, Note, Lapped, End)
}


def pack(message: Message) -> bytes:
    fields = dict(vars(message))
    content = fields.pop("content", b"")
    head = json.dumps([type(message).__name__, fields]).encode()
    return HEAD.pack(len(head), len(content)) + head + content


def unpack(stream: IO[bytes]) -> Message | None:
    """The next message; None where the stream ends, in the middle of one too."""
    sizes = stream.read(HEAD.size)
    if len(sizes) < HEAD.size:
        return None
    long, more = HEAD.unpack(sizes)
    head, content = stream.read(long), stream.read(more)
    if len(head) < long or len(content) < more:
        return None
    name, fields = json.loads(head)
    if content:
        fields["content"] = content
    message: Message = KINDS[name](**fields)
    return message


def pack_evaluation(evaluation: Evaluation) -> bytes:
    return save(
        {
            "truth": torch.from_numpy(np.ascontiguousarray(evaluation.truth)),
            "probabilities": torch.from_numpy(np.ascontiguousarray(evaluation.probabilities)),
        }
    )


def unpack_evaluation(content: bytes) -> Evaluation:
    """Raises UserError for bytes that are damaged."""
    try:
        tensors = load(content)
        return Evaluation(tensors["truth"].numpy(), tensors["probabilities"].numpy())
    except Exception as error:  # safetensors has many
        raise UserError("what was kept of this run is damaged; train it again") from error
