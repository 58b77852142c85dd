"""How a run's end is told: which net is kept and why, what judged it, what trains it again."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_demo import outcome
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.train import Epoch

AS_IT_WAS = " No epoch was over; the net is kept as it was."


def kept_epoch(config: TrainConfig, epochs: Sequence[Epoch]) -> Epoch | None:
    """The epoch whose weights are kept: of lowest validation loss, or the last if so asked."""
    if config.keep == "last":
        return epochs[-1] if epochs else None
    return min(epochs, key=lambda epoch: epoch.validation_loss, default=None)


def where(config: TrainConfig, epochs: Sequence[Epoch]) -> str:
    return f"in epoch {min(len(epochs) + 1, config.epochs)} of {config.epochs}"


def kept(config: TrainConfig, epochs: Sequence[Epoch]) -> str:
    best = kept_epoch(config, epochs)
    which = "the best so far" if config.keep == "best" else "the last that was over"
    return f" The net of epoch {best.epoch} is kept, {which}." if best else ""


def stopped(reason: str, config: TrainConfig, epochs: Sequence[Epoch]) -> str:
    return f"{reason} {where(config, epochs)}.{kept(config, epochs) or AS_IT_WAS}"


def done(config: TrainConfig, epochs: Sequence[Epoch], result: str = "") -> str:
    """`result`: the test's figure and its name; empty where the test was left out."""
    beginning = f"Done: {result}." if result else "Done."
    if config.keep == "last":
        return f"{beginning} The last epoch's net is kept, as was asked."
    best = kept_epoch(config, epochs)
    if best is None or best.epoch == len(epochs):
        return f"{beginning} The last epoch has the lowest validation loss; its net is kept."
    return f"{beginning} Epoch {best.epoch} has the lowest validation loss; its net is kept."


def failed(reason: str, config: TrainConfig, epochs: Sequence[Epoch]) -> str:
    return f"{reason[:1].upper()}{reason[1:]}.{kept(config, epochs)}"


def gone(code: int | None, config: TrainConfig, epochs: Sequence[Epoch]) -> str:
    """A worker's process that ended by itself or was ended from outside."""
    how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
    reason = f"The training process was ended {how}"
    if code == -9:
        reason += ", perhaps for want of memory: a smaller batch or net needs less"
    return f"{reason}.{kept(config, epochs)}"


def title_of_test(count: int, is_validation: bool, data: Dataset, has_chosen: bool) -> str:
    if is_validation:
        whose = "the sample" if data.name == "sample" else data.title
        choice = ", which also chose the epoch" if has_chosen else ""
        return f"held-out accuracy ({count:,} {data.noun} of {whose}{choice})"
    return f"test accuracy ({count:,} test {data.noun})"


def command_of(config: TrainConfig, epochs: int, rate: float) -> str:
    """What trains the same net again, with all that has an effect spelled out."""
    notes = []
    if epochs < config.epochs:
        notes.append(f"stopped after epoch {epochs}")
    if rate != config.learning_rate:
        notes.append(f"learning rate changed on the way, to {rate:g}")
    command = outcome.command_of(config, "digits.safetensors")
    return command + (f"  # {'; '.join(notes)}" if notes else "")
