"""A trained net, or several, on disk: safetensors with all that rebuilds them, and no code.

Written beside and renamed into place, so a file is whole or absent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import nn

from mnist_demo.datasets.base import DIGITS
from mnist_demo.ensemble import NAME, Ensemble
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file
from mnist_demo.fuse import fused
from mnist_demo.nets import build_net, find_net
from mnist_demo.quick import quick

FORMAT = "mnist-demo-1"
WEIGHTS = "model.safetensors"  # what the Hub calls the file in a folder of its form
MAX_BYTES = 128 * 2**20  # five nets of five million parameters, the most there are
_INSIDE = Path(__file__).parent / "models"  # where an install has them; in a checkout beside
_MODELS = _INSIDE if _INSIDE.is_dir() else Path(__file__).parent.parent / "models"
RELEASED = _MODELS / "digits.safetensors"
SCEPTIC = _MODELS / "sceptic.safetensors"  # says whether a drawing is a digit at all
# By their names in the registry: plain nets, to see beside the released one what depth is for.
PLAIN = {name: _MODELS / f"{name}.safetensors" for name in ("perceptron", "linear")}


@dataclass(frozen=True)
class Member:
    """One net of an ensemble: what it is and what it learned from."""

    net: str
    dataset: str
    config: dict[str, Any]
    metrics: dict[str, float]
    command: str


@dataclass
class Checkpoint:
    """A net with what it is, what it learned from and how well it does."""

    net: nn.Module
    name: str  # of the net, in the registry; of several "ensemble"
    dataset: str  # several names with " and " between them where members learned from several
    labels: tuple[str, ...]
    config: dict[str, Any]
    metrics: dict[str, float] = field(default_factory=dict)
    command: str = ""  # what reproduces it
    members: tuple[Member, ...] = ()  # of an ensemble
    file: Path | None = None  # where it was read from
    learned: tuple[str, ...] = ()  # each net's `digest_of` its images; none where all are empty

    def __post_init__(self) -> None:
        if not any(self.learned):
            self.learned = ()

    @cached_property
    def answering(self) -> nn.Module:
        """The net as it answers single drawings fastest."""
        ready: nn.Module | None = None
        if self.file in (RELEASED, SCEPTIC):  # no other net has had another program made of it
            ready = quick(self.net, self.file.with_suffix(".onnx"))
        return ready or fused(self.net)

    @property
    def title(self) -> str:
        """What it is, in words."""
        if not isinstance(self.net, Ensemble):
            return self.name
        names = ", ".join(member.net.partition(":")[0] for member in self.members)
        return f"{self.net.how} of {len(self.members)} nets ({names})"

    @property
    def learned_from(self) -> list[tuple[str, float]]:
        """Each data set that a net in it was trained on, with the part that was held out."""
        sources = self.members or (self,)
        return sorted({(source.dataset, _holdout(source.config)) for source in sources})

    @property
    def learned_beside(self) -> list[str]:
        """The files of somebody's own digits that a net in it learned from too."""
        files = {str(source.config.get("also") or "") for source in self.members or (self,)}
        return sorted(files - {""})

    @property
    def kind(self) -> str:
        """The name of a net that takes the same images: its own, or the first member's."""
        return self.members[0].net if self.members else self.name

    @property
    def takes_ink(self) -> bool:
        """Whether its images are made ready as models/PREPROCESSING.md says."""
        return self.labels == DIGITS or self.is_sceptic

    @property
    def is_sceptic(self) -> bool:
        """Whether it says if a drawing is a digit at all."""
        return self.dataset == "digit-or-not"

    def metadata(self) -> dict[str, str]:
        """safetensors keeps text only, so each value is JSON."""
        values: dict[str, Any] = {
            "format": FORMAT,
            "net": self.name,
            "dataset": self.dataset,
            "labels": self.labels,
            "config": self.config,
            "metrics": self.metrics,
            "command": self.command,
        }
        if isinstance(self.net, Ensemble):
            values |= {"how": self.net.how, "members": [vars(m) for m in self.members]}
        if self.learned:
            values["learned"] = self.learned
        return {key: json.dumps(value) for key, value in values.items()}


def combine(checkpoints: Sequence[Checkpoint], how: str = "mean") -> Checkpoint:
    """An ensemble of these nets, which it shares with them.

    Raises UserError where they cannot answer the same question, are too many or few, or one
    is there twice.
    """
    net = Ensemble([checkpoint.net for checkpoint in checkpoints], how)
    first = checkpoints[0]
    for number, other in enumerate(checkpoints, 1):
        if other.members:
            raise UserError(f"net {number} is an ensemble itself; name its members instead")
        if other.labels != first.labels or _shape(other) != _shape(first):
            raise UserError(
                f"net {number} ({other.title}, trained on {other.dataset}) takes other images or "
                f"tells other classes apart than net 1 ({first.title}, trained on "
                f"{first.dataset}); choose nets of one kind"
            )
    _check_different(checkpoints)
    members = tuple(Member(c.name, c.dataset, c.config, c.metrics, c.command) for c in checkpoints)
    names = " and ".join(sorted({member.dataset for member in members}))
    learned = tuple("".join(c.learned) for c in checkpoints)
    return Checkpoint(net.eval(), NAME, names, first.labels, {}, members=members, learned=learned)


def _check_different(checkpoints: Sequence[Checkpoint]) -> None:
    for number, net in enumerate(checkpoints, 1):
        for before, other in enumerate(checkpoints[: number - 1], 1):
            if _is_same(net, other):
                raise UserError(
                    f"net {number} is net {before} again, with the same weights, and would add "
                    "nothing; choose nets trained with seeds of their own"
                )


def _is_same(one: Checkpoint, other: Checkpoint) -> bool:
    first, second = one.net.state_dict(), other.net.state_dict()
    return (one.name, first.keys()) == (other.name, second.keys()) and all(
        torch.equal(value, second[key]) for key, value in first.items()
    )


def _shape(checkpoint: Checkpoint) -> tuple[int, int, int]:
    return find_net(checkpoint.kind).input_shape


def _holdout(config: dict[str, Any]) -> float:
    """The part of the training images that was held out; a strange file's is taken for none."""
    part = config.get("holdout", 0.0)
    return float(part) if isinstance(part, int | float) and 0 <= part < 1 else 0.0


def to_bytes(checkpoint: Checkpoint) -> bytes:
    tensors = {
        name: value.detach().cpu().contiguous()
        for name, value in checkpoint.net.state_dict().items()
    }
    return save(tensors, checkpoint.metadata())


def save_checkpoint(checkpoint: Checkpoint, path: str | Path) -> Path:
    """Writes the file whole or not at all. Raises UserError where the disk refuses."""
    save_file(Path(path), to_bytes(checkpoint))
    return Path(path)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """The net in a file, or in a folder as `hub save` writes it, ready to answer, on the CPU.

    Raises UserError for a file that is missing, damaged, too large, not ours, or whose
    weights do not fit the net that it names.
    """
    path = Path(path)
    if path.is_dir():
        path = path / WEIGHTS
    if not path.is_file():
        raise UserError(
            f"there is no checkpoint {path}; train one with `python -m mnist_demo train`"
        )
    if path.stat().st_size > MAX_BYTES:
        raise UserError(
            f"{path} is larger than {MAX_BYTES // 2**20} MiB, no net of this program is"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} is damaged or not a safetensors file ({error}); get or train it again"
        ) from error
    return replace(_checked(path, metadata, tensors), file=path)


def from_bytes(content: bytes, name: str = "this net") -> Checkpoint:
    """What `to_bytes` gave, ready to answer. Raises UserError, which calls it `name`."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header["__metadata__"]
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"{name} is damaged ({error}); train it again") from error
    return _checked(Path(name), metadata, tensors)


def _checked(path: Path, metadata: dict[str, str], tensors: dict[str, torch.Tensor]) -> Checkpoint:
    """The checkpoint of what a file holds. Raises UserError where its parts do not fit."""
    values = _read_metadata(path, metadata)
    net, members = _build(path, values)
    labels, name = values["labels"], members[0].net if members else values["net"]
    classes = find_net(name).classes
    if len(labels) != classes or not all(isinstance(label, str) for label in labels):
        raise UserError(
            f"{path} has a header this version cannot read (labels): its net tells {classes} "
            "classes apart, and each needs a name"
        )
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[1:2] or [str(error)]
        raise UserError(
            f"the weights in {path} do not fit the net {values['net']!r}: {reason[0].strip()}"
        ) from error
    # As the net has them: a double may be none in its 32 bits.
    if not all(bool(torch.isfinite(value).all()) for value in net.state_dict().values()):
        raise UserError(f"{path} holds weights that are not numbers; train it again")
    net.eval()
    return Checkpoint(
        net,
        values["net"],
        values["dataset"],
        tuple(labels),
        values["config"],
        values["metrics"],
        values["command"],
        members,
        learned=tuple(one if isinstance(one, str) else "" for one in values.get("learned", ())),
    )


@cache
def released_sceptic() -> nn.Module:
    """The net that says whether a drawing is a digit at all, ready to answer."""
    return load_checkpoint(SCEPTIC).answering


def _build(path: Path, values: dict[str, Any]) -> tuple[nn.Module, tuple[Member, ...]]:
    """The fresh net or nets that a header names."""
    if values["net"] != NAME:
        return build_net(values["net"]), ()
    rows = values["members"]
    if not all(isinstance(row, dict) and _kinds(row) == MEMBER_KINDS for row in rows):
        raise UserError(f"{path} has a header this version cannot read (members)")
    members = tuple(Member(**row) for row in rows)
    # The number is checked before any net is built: the header may name thousands.
    Ensemble([nn.Identity() for _ in members], values["how"])
    if len({(s.input_shape, s.classes) for s in (find_net(m.net) for m in members)}) > 1:
        raise UserError(f"{path} names nets that take other images or tell other classes apart")
    return Ensemble([build_net(m.net) for m in members], values["how"]), members


MEMBER_KINDS: dict[str, type] = {
    "net": str,
    "dataset": str,
    "config": dict,
    "metrics": dict,
    "command": str,
}


def _kinds(row: dict[str, Any]) -> dict[str, type]:
    return {key: type(value) for key, value in row.items()}


def _read_metadata(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    kinds: dict[str, type] = MEMBER_KINDS | {"format": str, "labels": list}
    if "learned" in metadata:  # later than the others
        kinds |= {"learned": list}
    try:
        if json.loads(metadata["net"]) == NAME:
            kinds |= {"how": str, "members": list}
        values = {key: json.loads(metadata[key]) for key in kinds}
    except (KeyError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} was not written by this program: {error!r} in its header"
        ) from error
    wrong = [key for key, kind in kinds.items() if not isinstance(values[key], kind)]
    if wrong or values["format"] != FORMAT:
        raise UserError(
            f"{path} has a header this version cannot read ({', '.join(wrong) or values['format']})"
        )
    return values
