"""The recipes of the tutorials that the project grew out of.

What a source says stands beside what its figure must show here. Where a recipe departs
from its source, `differs` says how; the sources' bugs are mended silently only where they
change nothing but the result's honesty (README lists them).

Some sources would keep two cores busy for hours: `config` is then a shorter way to the same
figure, and `full` what the source does, for a machine with a GPU.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mnist_demo.config import TrainConfig
from mnist_demo.recipes.recipe import NEXT_TO_NONE, Recipe

BOOK = TrainConfig(  # Nielsen's ladder: network3.py's settings
    batch_size=10,
    epochs=60,
    learning_rate=0.03,
    optimizer="sgd",
    momentum=0.0,
    weight_decay=0.0,
    schedule="constant",
    augment="none",
    holdout=1 / 6,
)
# A core learns from 64 digits in little more time than from 10.
SHORT: dict[str, Any] = {
    "batch_size": 64,
    "epochs": 20,
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "schedule": "one-cycle",
    "keep": "last",
    "precision": "auto",
}

ONE_OF_FIVE = "200 epochs, each with one of the five shifts of a digit, for {} over all five"
LAST = ", the last kept and not the best"
DENSE_UNITS = "400 ReLU units, not the book's sigmoids"
KEPT_BACK = "5,000 of the 60,000 digits are kept for validation"


def _book(**changes: Any) -> TrainConfig:
    return replace(BOOK, **changes)


def _short(net: str, **changes: Any) -> TrainConfig:
    return replace(BOOK, net=net, **(SHORT | changes))


DENSE = _book(net="nielsen-dense", learning_rate=0.1, epochs=30)
CONV = _book(net="nielsen-conv", learning_rate=0.1)
TWO_CONV = _book(net="nielsen-two-conv", weight_decay=2e-5)  # lambda 0.1 over 5,000 batches
EXPANDED = replace(TWO_CONV, augment="one-pixel", epochs=200, weight_decay=4e-6)
DROPOUT = _book(net="nielsen-dropout", augment="one-pixel", epochs=200)
SHORT_DROPOUT = _short(
    "nielsen-dropout",
    augment="affine",
    batch_size=256,
    learning_rate=0.2,
    epochs=40,
    label_smoothing=0.1,
    average=0.995,
    focus=0.8,
    holdout=NEXT_TO_NONE,
)


CIFAR = TrainConfig(
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
)
WIDE = TrainConfig(
    net="wide9216",
    epochs=15,
    batch_size=128,
    learning_rate=1e-3,
    optimizer="adamw",
    schedule="constant",
    augment="none",
    keep="last",
)

SOURCES = [
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
        "turned digits are interpolated bilinearly, not taken from the nearest pixels",
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
        f"{KEPT_BACK}, and choose the epoch in place of the test set; pixels are normalised by "
        "MNIST's mean and standard deviation, not only brought to 0 to 1",
    ),
    Recipe(
        "cifar-threeconv",
        "002",
        "PyTorch and CNN image classification",
        replace(
            CIFAR,
            epochs=20,
            batch_size=64,
            learning_rate=0.05,
            momentum=0.9,
            weight_decay=5e-4,
            schedule="one-cycle",
            augment="flip",
            keep="last",
            precision="auto",
        ),
        "75.64 %, test loss 0.7087",
        0.756,
        f"20 epochs in one cycle{LAST}, batch 64, momentum 0.9, learning rate 0.05, "
        "weight decay 0.0005, 16-bit arithmetic where quick; "
        "each picture mirrored half of the time",
        full=CIFAR,
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
        KEPT_BACK,
        test_batch=1000,
        log_interval=10,
    ),
    Recipe(
        "nielsen-dense",
        "003",
        "one hidden layer",
        _short("nielsen-dense", weight_decay=5e-5, precision="float32"),
        "over 98 %",
        0.980,
        f"{DENSE_UNITS}; 20 epochs in one cycle{LAST}, batch 64, momentum 0.9, learning rate 0.1, "
        "weight decay 0.00005",
        full=DENSE,
        full_differs=f"{DENSE_UNITS}; 30 epochs without weight decay (the book has lambda = 5)",
    ),
    Recipe(
        "nielsen-conv",
        "003b",
        "one convolution",
        _short("nielsen-conv", learning_rate=0.2, weight_decay=5e-5, epochs=15),
        "98.78 %",
        0.9878,
        f"15 epochs in one cycle{LAST}, batch 64, momentum 0.9, learning rate 0.2, "
        "weight decay 0.00005, 16-bit arithmetic where quick",
        full=CONV,
    ),
    Recipe(
        "nielsen-two-conv",
        "003c",
        "two convolutions, ReLU",
        _short("nielsen-two-conv"),
        "99.23 %",
        0.9923,
        f"20 epochs in one cycle{LAST}, batch 64, momentum 0.9, learning rate 0.1, "
        "weight decay 0.0005, 16-bit arithmetic where quick",
        full=TWO_CONV,
    ),
    Recipe(
        "nielsen-expanded",
        "003d",
        "two convolutions, digits moved by a pixel",
        _short("nielsen-two-conv", augment="one-pixel", epochs=15),
        "99.37 %",
        0.9937,
        "15 epochs, each with one of the five shifts of a digit, drawn anew; the rest as 003c",
        full=EXPANDED,
        full_differs=ONE_OF_FIVE.format(60),
    ),
    Recipe(
        "nielsen-dropout",
        "003e",
        "two layers of 1,000, dropout",
        SHORT_DROPOUT,
        "99.60 %",
        0.9960,
        f"40 epochs of all but ten of the digits in one cycle{LAST}, batch 256, "
        "momentum 0.9, learning rate 0.2, weight decay 0.0005, label smoothing 0.1, "
        "average of the weights, focus 0.8 on doubtful digits, 16-bit arithmetic where quick; "
        "each digit turned, resized, slanted and moved at random, in place of the one-pixel shifts",
        views=True,
        full=DROPOUT,
        full_differs=ONE_OF_FIVE.format(40),
    ),
    Recipe(
        "nielsen-five",
        "003f",
        "five nets with dropout, by majority vote",
        SHORT_DROPOUT,
        "99.67 %",
        0.9967,
        "five of 003e as they are trained here",
        members=5,
        views=True,
        full=DROPOUT,
        full_differs=ONE_OF_FIVE.format(40),
    ),
    Recipe(
        "wide9216",
        "004",
        "MNIST project",
        replace(WIDE, epochs=4, learning_rate=2e-3, schedule="one-cycle", precision="auto"),
        "99 % and more",
        0.991,
        f"4 epochs in one cycle, learning rate 0.002, 16-bit arithmetic where quick; {KEPT_BACK}",
        full=WIDE,
        full_differs=KEPT_BACK,
    ),
]
