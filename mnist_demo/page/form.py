"""The settings of a run as the page offers them: words for a newcomer, bounds for the public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mnist_demo.augment import find_augment
from mnist_demo.config import BOUNDS, TrainConfig
from mnist_demo.datasets import cifar_is_in, mnist_is_in, own_names
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.nets import NETS, find_net, is_described
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES
from mnist_demo.summary import summarise

MAX_EPOCHS = 60
# A batch of the largest net then takes a CPU under half a second, which Stop waits for.
MAX_BATCH = 256
BATCH_SIZES = [10, 16, 32, 50, 64, 128, MAX_BATCH]
# Multiply-adds of a batch of one's own net: a CPU then takes about a second for it.
MAX_WORK = 8e9
MAX_IMAGES = 3_300_000  # that a run may learn from, each epoch's counted: 60 epochs of full MNIST
# What page and programs are offered of BOUNDS: the command line takes more.
RANGES = {
    "epochs": (BOUNDS["epochs"][0], MAX_EPOCHS),
    "batch_size": (BOUNDS["batch_size"][0], MAX_BATCH),
}
WHOLE = ("epochs", "batch_size", "seed")

TITLES = {
    "adamw": "AdamW",
    "adam": "Adam",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "muon": "Muon",
    "one-cycle": "One cycle",
    "cosine": "Cosine",
    "step": "Step",
    "constant": "Constant",
    "none": "None",
    "shift": "Shift",
    "affine": "Shift, turn, slant",
    "bent": "Shift, turn, bend",
    "handwriting": "Handwriting",
    "one-pixel": "One pixel, five ways",
    "tilt-and-crop": "Tilt and shift",
    "warp": "Your own",
    "flip": "Mirror",
    "flip-crop": "Mirror, shift",
    "flip-crop-cutout": "Mirror, cutout",
    "max": "Max",
    "average": "Average",
    "stride": "Stride",
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "best": "Best epoch",
    "last": "Last epoch",
    "float32": "32 bits",
    "bfloat16": "16 bits (bfloat16)",
    "auto": "16 bits if quicker",
}

# What the fields are called, by their names in TrainConfig.
LABELS = {
    "net": "Net",
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "learning_rate": "Learning rate",
    "optimizer": "Optimizer",
    "schedule": "Schedule",
    "augment": "Augmentation",
    "seed": "Seed",
    "momentum": "Momentum",
    "weight_decay": "Weight decay",
    "gamma": "Gamma",
    "label_smoothing": "Label smoothing",
    "average": "Weight averaging",
    "focus": "Focus on doubt",
    "keep": "Which net is kept",
    "holdout": "Held out",
    "precision": "Arithmetic",
}

Choices = list[tuple[str, str]]


def titled(names: Iterable[str]) -> Choices:
    """A registry's names with titles, as a dropdown takes them."""
    return [(TITLES.get(name, name), name) for name in names]


def batch_choices(size: int) -> list[tuple[str, int]]:
    """BATCH_SIZES and this one, which a link has or a run whose batch was halved."""
    return [(str(n), n) for n in sorted({*BATCH_SIZES, size})]


def check_data(name: str, folder: Path) -> None:
    """Raises UserError for data that are not offered here, whatever the command line knows."""
    offered = [value for _, value in data_choices(folder)]
    if name not in offered:
        raise unknown_choice("data set", name, offered)


def data_choices(folder: Path) -> Choices:
    """The data sets that a run can learn from now, the fullest first."""
    sample = ("Embedded sample: 4,000 digits", "sample")
    choices = [("Full MNIST: 55,000 digits", "mnist")] if mnist_is_in(folder) else []
    choices.append(sample)
    choices += [(f"Your own digits: {name}", name) for name in own_names(folder)]
    in_colour = any(net.input_shape == (3, 32, 32) for net in NETS.values())
    if in_colour and cifar_is_in(folder):
        choices.append(("CIFAR-10: 40,000 colour images", "cifar10"))
    return choices


def data_note(name: str) -> str:
    """What is learned from and what is kept out of it, plainly."""
    if name == "mnist":
        return (
            "**Full MNIST is in use**: 55,000 digits to learn from, 5,000 to choose the best "
            "epoch, 10,000 to test at the end."
        )
    if name == "cifar10":
        return (
            "**CIFAR-10 is in use**: 40,000 colour images to learn from, 10,000 to choose the best "
            "epoch, 10,000 to test at the end."
        )
    if name != "sample":
        return (
            f"**Your own digits `{name}` are in use**: five sixths to learn from, a sixth held out "
            "to check."
        )
    return (
        "**The embedded sample is in use**: 4,000 digits of MNIST to learn from, 1,000 held out "
        "to check."
    )


def acts(name: str, optimizer: str, schedule: str) -> bool:
    """Whether a setting has any effect beside these choices."""
    return not TrainConfig(optimizer=optimizer, schedule=schedule).is_idle(name)


def check_numbers(values: Mapping[str, Any]) -> None:
    """What the number fields hold. Raises UserError with a field's label and what it takes."""
    for name, (low, high) in (BOUNDS | RANGES).items():
        value = values[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = is_number and low <= value <= high
        label, least, most = LABELS[name], _plain(low), _plain(high)
        if name in WHOLE and not (fits and value % 1 == 0):
            raise UserError(f"{label} must be a whole number from {least} to {most}")
        if not fits:
            raise UserError(f"{label} must be a number from {least} to {most}")


def _plain(value: float) -> str:
    """0.00001, not 1e-05; 2,147,483,647."""
    return f"{value:,.5f}".rstrip("0").rstrip(".")


def make_config(values: Mapping[str, Any]) -> TrainConfig:
    """The checked settings of a run. Raises UserError with what to choose instead."""
    settings = {
        name: _whole(name, value) if name in WHOLE else value for name, value in values.items()
    }
    for name, (low, high) in RANGES.items():  # before the wider ones of TrainConfig
        if name in settings and not low <= (value := settings[name]) <= high:
            raise UserError(f"{name} is {value}; choose from {low} to {high}")
    config = TrainConfig.from_dict(settings)
    spec = find_net(config.net)
    if is_described(config.net):
        work = summarise(spec).multiply_adds * config.batch_size
        if work > MAX_WORK:
            raise UserError(
                f"a batch of {config.batch_size} takes your net {work / 1e9:.0f} billion "
                f"multiply-adds; stay within {MAX_WORK / 1e9:.0f} with a narrower net or a "
                "smaller batch"
            )
    find_augment(config.augment)
    for kind, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        if getattr(config, kind) not in choices:
            raise unknown_choice(kind, getattr(config, kind), choices)
    return config


def check_length(config: TrainConfig, images: int) -> None:
    """Raises UserError for a run of too many epochs over data of so many images."""
    if config.epochs * images > MAX_IMAGES:
        raise UserError(
            f"{config.epochs} epochs of {images:,} images are more than a run here may learn "
            f"from; choose up to {max(1, MAX_IMAGES // images)} epochs "
            "(the command line takes more)"
        )


def check_rate(value: object) -> float:
    """A learning rate that came from the page. Raises UserError."""
    low, high = BOUNDS["learning_rate"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"the learning rate must be a number from {_plain(low)} to {_plain(high)}")
    return float(value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{name} must be a whole number, not {value!r}")
    return value
