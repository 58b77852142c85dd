"""A trained net on disk: safetensors with everything that rebuilds it, and no code.

Written beside and renamed into place, so a file is whole or absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from mnist_demo.errors import UserError
from mnist_demo.files import write_whole
from mnist_demo.nets import build_net

FORMAT = "mnist-demo-1"
MAX_BYTES = 64 * 2**20
RELEASED = Path(__file__).parent.parent / "models" / "digits.safetensors"


@dataclass
class Checkpoint:
    """A net with what it is, what it learned from and how well it does."""

    net: nn.Module
    name: str  # of the net, in the registry
    dataset: str
    labels: tuple[str, ...]
    config: dict[str, Any]
    metrics: dict[str, float] = field(default_factory=dict)
    command: str = ""  # what reproduces it

    def metadata(self) -> dict[str, str]:
        """safetensors keeps text only, so each value is JSON."""
        values = {
            "format": FORMAT,
            "net": self.name,
            "dataset": self.dataset,
            "labels": self.labels,
            "config": self.config,
            "metrics": self.metrics,
            "command": self.command,
        }
        return {key: json.dumps(value) for key, value in values.items()}


def to_bytes(checkpoint: Checkpoint) -> bytes:
    tensors = {
        name: value.detach().cpu().contiguous()
        for name, value in checkpoint.net.state_dict().items()
    }
    return save(tensors, checkpoint.metadata())


def save_checkpoint(checkpoint: Checkpoint, path: str | Path) -> Path:
    """Writes the file whole or not at all. Raises UserError where the disk refuses."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, to_bytes(checkpoint))
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; choose another place with --out"
        ) from error
    return path


def load_checkpoint(path: str | Path) -> Checkpoint:
    """The net in `path`, ready to answer, on the CPU.

    Raises UserError for a file that is missing, damaged, too large, not ours, or whose
    weights do not fit the net that it names.
    """
    path = Path(path)
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
    values = _read_metadata(path, metadata)
    net = build_net(values["net"])
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[1:2] or [str(error)]
        raise UserError(
            f"the weights in {path} do not fit the net {values['net']!r}: {reason[0].strip()}"
        ) from error
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        raise UserError(f"{path} holds weights that are not numbers; train it again")
    net.eval()
    return Checkpoint(
        net,
        values["net"],
        values["dataset"],
        tuple(values["labels"]),
        values["config"],
        values["metrics"],
        values["command"],
    )


def _read_metadata(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    kinds: dict[str, type] = {
        "format": str,
        "net": str,
        "dataset": str,
        "labels": list,
        "config": dict,
        "metrics": dict,
        "command": str,
    }
    try:
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
