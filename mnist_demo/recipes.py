"""Named recipes: the settings of each tutorial that the project grew out of.

What a source says stands beside what its figure must show here. Where a recipe departs
from its source, `differs` says how; the sources' bugs are mended silently only where they
change nothing but the result's honesty (README lists them).
"""

from __future__ import annotations

from dataclasses import dataclass

from mnist_demo.config import TrainConfig
from mnist_demo.errors import unknown_choice


@dataclass(frozen=True)
class Recipe:
    """Settings with a name, where they come from, and the accuracy they are known for."""

    name: str
    source: str
    title: str
    config: TrainConfig
    says: str  # the source's own figure
    target: float  # accuracy on the test set that it has to show here
    differs: str = ""
    members: int = 1  # more than one: an ensemble by majority vote


NIELSEN = TrainConfig(
    batch_size=10,
    epochs=60,
    learning_rate=0.03,
    optimizer="sgd",
    momentum=0.0,
    weight_decay=2e-6,  # the book's lambda of 0.1 over 50,000 digits
    schedule="constant",
    augment="none",
    holdout=1 / 6,
)


def _nielsen(**changes: object) -> TrainConfig:
    return TrainConfig.from_dict(NIELSEN.to_dict() | changes)


_ALL = [
    Recipe(
        "digitnet",
        "000",
        "digit recognition with PyTorch and a CNN",
        TrainConfig(
            net="digitnet",
            epochs=10,
            batch_size=64,
            learning_rate=1e-3,
            optimizer="adam",
            schedule="constant",
            augment="tilt-and-crop",
            holdout=0.1,
            seed=42,
        ),
        "98.15-98.39 % (validation)",
        0.984,
    ),
    Recipe(
        "threeconv",
        "001",
        "PyTorch CNN in practice",
        TrainConfig(
            net="threeconv",
            epochs=10,
            batch_size=64,
            learning_rate=1e-3,
            optimizer="adam",
            schedule="constant",
            augment="none",
        ),
        "87.29 % (training, epoch 1)",
        0.990,
        "the epoch is chosen on validation digits, not on the test set",
    ),
    Recipe(
        "cifar-threeconv",
        "002",
        "PyTorch and CNN image classification",
        TrainConfig(
            net="cifar-threeconv",
            dataset="cifar10",
            epochs=30,
            batch_size=16,
            learning_rate=0.01,
            optimizer="sgd",
            momentum=0.0,
            weight_decay=0.0,
            schedule="constant",
            augment="none",
        ),
        "75.64 %, test loss 0.7087",
        0.756,
        "where only the JPEG stand-in is at hand, its images differ a little from CIFAR-10's",
    ),
    Recipe(
        "resnet9",
        "ours",
        "a small residual net for CIFAR-10",
        TrainConfig(
            net="resnet9",
            dataset="cifar10",
            epochs=24,
            batch_size=128,
            learning_rate=0.1,
            optimizer="sgd",
            momentum=0.9,
            weight_decay=5e-4,
            schedule="one-cycle",
            augment="flip-crop-cutout",
            label_smoothing=0.1,
            precision="bfloat16",
        ),
        "(no figure)",
        0.90,
    ),
    Recipe(
        "lenet500",
        "003a",
        "PyTorch's classic example",
        TrainConfig(
            net="lenet500",
            epochs=10,
            batch_size=64,
            learning_rate=0.01,
            optimizer="sgd",
            momentum=0.5,
            weight_decay=0.0,
            schedule="constant",
            augment="none",
            keep="last",
        ),
        "(no figure)",
        0.989,
        "5,000 of the 60,000 digits are kept for validation",
    ),
    Recipe(
        "nielsen-dense",
        "003",
        "one hidden layer",
        _nielsen(net="nielsen-dense", learning_rate=0.1, epochs=30),
        "over 98 %",
        0.980,
        "400 ReLU units, 30 epochs",
    ),
    Recipe(
        "nielsen-conv",
        "003b",
        "one convolution",
        _nielsen(net="nielsen-conv", learning_rate=0.1),
        "98.78 %",
        0.9878,
    ),
    Recipe(
        "nielsen-two-conv",
        "003c",
        "two convolutions, ReLU",
        _nielsen(net="nielsen-two-conv"),
        "99.23 %",
        0.9923,
    ),
    Recipe(
        "nielsen-expanded",
        "003d",
        "the same on the expanded set",
        _nielsen(
            net="nielsen-two-conv",
            augment="one-pixel",
            batch_size=50,
            learning_rate=0.05,
            momentum=0.9,
            schedule="one-cycle",
        ),
        "99.37 %",
        0.9937,
        "one of the five shifts drawn in each pass, so a fifth of the digits; batch 50, "
        "momentum, one cycle",
    ),
    Recipe(
        "nielsen-dropout",
        "003e",
        "two layers of 1,000, dropout",
        _nielsen(
            net="nielsen-dropout",
            augment="one-pixel",
            epochs=40,
            batch_size=50,
            learning_rate=0.05,
            momentum=0.9,
            schedule="one-cycle",
        ),
        "99.60 %",
        0.9960,
        "as 003d",
    ),
    Recipe(
        "wide9216",
        "004",
        "MNIST project",
        TrainConfig(
            net="wide9216",
            epochs=15,
            batch_size=128,
            learning_rate=1e-3,
            optimizer="adamw",
            schedule="constant",
            augment="none",
            keep="last",
        ),
        "99 % and more",
        0.991,
        "5,000 of the 60,000 digits are kept for validation",
    ),
]

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise unknown_choice("recipe", name, RECIPES)
    return RECIPES[name]
