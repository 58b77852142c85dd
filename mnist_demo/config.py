"""The settings of a run: one frozen dataclass that the page, the CLI and the tests read."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, fields
from typing import Any

from mnist_demo.errors import UserError

# Smallest and largest value a run accepts; the page may offer less.
BOUNDS: dict[str, tuple[float, float]] = {
    "epochs": (1, 200),
    "batch_size": (8, 1024),
    "learning_rate": (1e-5, 1.0),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 0.5),
    "gamma": (0.1, 1.0),
    "label_smoothing": (0.0, 0.5),
    "average": (0.0, 0.9999),
    "focus": (0.0, 0.95),
    "holdout": (0.0, 0.5),
    "seed": (0, 2**31 - 1),
}
# Settings, and the optimizers and schedules that leave them aside.
UNUSED = {
    "momentum": ("adam", "adamw"),
    "weight_decay": ("adam", "rmsprop", "muon"),
    "gamma": ("one-cycle", "cosine", "constant"),
}


@dataclass(frozen=True)
class TrainConfig:
    """What decides a run; the same values on the same machine give the same curve."""

    net: str = "compact"
    dataset: str = "mnist"
    also: str = ""  # a file or folder of one's own digits, learned from beside the data set
    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 3e-3
    optimizer: str = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.01
    schedule: str = "one-cycle"
    gamma: float = 0.7  # the step schedule's factor an epoch
    augment: str = "shift"
    label_smoothing: float = 0.0
    average: float = 0.0  # decay of the moving average of the weights; 0 keeps the plain weights
    focus: float = 0.0  # part of an epoch that goes to images by how much the net doubts them
    keep: str = "best"  # "best": the epoch of lowest validation loss; "last": the last epoch
    holdout: float = 0.0  # part of all training digits to validate on; 0: the set's usual ones
    precision: str = "float32"  # or "bfloat16": autocast in the training step; "auto": if quicker
    seed: int = 1

    def __post_init__(self) -> None:
        for setting in fields(self):
            name, kind, value = setting.name, type(setting.default), getattr(self, setting.name)
            if kind is str and not isinstance(value, str):
                raise UserError(f"{name} must be text, not {value!r}")
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if kind is not str and not (is_number and abs(value) < math.inf):
                raise UserError(f"{name} must be a number, not {value!r}")
            if kind is int and not isinstance(value, int):
                raise UserError(f"{name} must be a whole number, not {value!r}")
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"{name} is {_short(value)}; choose from {low:g} to {high:g}")
        for name, choices in (("keep", ("best", "last")), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                listed = ", ".join(choices)
                raise UserError(f"{name} is {getattr(self, name)!r}; choose one of: {listed}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def batches(self, images: int) -> int:
        """How many an epoch has; the odd rest of the images waits for the next."""
        return max(1, images // self.batch_size)

    def is_idle(self, setting: str) -> bool:
        """Whether a setting does nothing, by itself or beside this optimizer and schedule."""
        if setting == "also":
            return not self.also
        return not {self.optimizer, self.schedule}.isdisjoint(UNUSED.get(setting, ()))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """The config that `to_dict` wrote; settings this version does not know are an error."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise UserError(f"unknown training settings: {', '.join(unknown)}")
        return cls(**values)


def _short(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:  # a whole number of hundreds of digits
        return "beyond all bounds"


def option_of(setting: str) -> str:
    """A setting's name on the command line."""
    return "--" + setting.replace("_", "-")


PRECISIONS = ("float32", "bfloat16", "auto")
