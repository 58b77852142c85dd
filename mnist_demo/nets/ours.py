"""Nets of our own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mnist_demo.nets import Normalise, register

MNIST_MEAN, MNIST_STD = 0.1307, 0.3081


def normalise() -> Normalise:
    return Normalise((MNIST_MEAN,), (MNIST_STD,))


def conv_bn(inputs: int, outputs: int, kernel: int, **options: Any) -> list[nn.Module]:
    """Convolution, batch norm, ReLU; the norm's shift stands in for the bias."""
    return [
        nn.Conv2d(inputs, outputs, kernel, bias=False, **options),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


@register("compact", "Three convolutions with batch norm: learns in seconds, the default to train")
def compact() -> nn.Module:
    return _compact(10)


@register(
    "sceptic",
    "As compact, with two answers: a digit, or something else",
    dataset="digit-or-not",
    classes=2,
)
def sceptic() -> nn.Module:
    return _compact(2)


def _compact(classes: int) -> nn.Module:
    return nn.Sequential(
        normalise(),
        *conv_bn(1, 16, 5, stride=2, padding=2),  # (B, 16, 14, 14)
        *conv_bn(16, 32, 3, padding=1),
        nn.MaxPool2d(2),  # (B, 32, 7, 7)
        *conv_bn(32, 64, 3, padding=1),
        nn.MaxPool2d(2),  # (B, 64, 3, 3)
        nn.Flatten(),
        nn.Linear(64 * 3 * 3, classes),
    )


@register(
    "deep", "Seven convolutions, strides instead of pooling: the architecture that is released"
)
def deep() -> nn.Module:
    """After C. Deotte's "25 million images" (Kaggle 2018): 7 convolutions with batch norm."""
    return nn.Sequential(
        normalise(),
        *conv_bn(1, 32, 3),  # (B, 32, 26, 26)
        *conv_bn(32, 32, 3),  # (B, 32, 24, 24)
        *conv_bn(32, 32, 5, stride=2, padding=2),  # (B, 32, 12, 12)
        nn.Dropout(0.3),
        *conv_bn(32, 64, 3),  # (B, 64, 10, 10)
        *conv_bn(64, 64, 3),  # (B, 64, 8, 8)
        *conv_bn(64, 64, 5, stride=2, padding=2),  # (B, 64, 4, 4)
        nn.Dropout(0.3),
        *conv_bn(64, 128, 4),  # (B, 128, 1, 1)
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    )


@register("perceptron", "One hidden layer, no convolution: what the first chapters start from")
def perceptron() -> nn.Module:
    return nn.Sequential(
        normalise(), nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)
    )


@register("linear", "No hidden layer: one picture of weights a digit, the plainest net there is")
def linear() -> nn.Module:
    return nn.Sequential(normalise(), nn.Flatten(), nn.Linear(784, 10))


class Residual(nn.Module):
    """Adds what the layers make of their input to the input itself (He et al. 2015)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers: nn.Module = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images + self.layers(images)  # type: ignore[no-any-return]


@register(
    "resnet7",
    "Seven convolutions, four of them in residual pairs: our best for MNIST alone",
)
def resnet7() -> nn.Module:
    """Four pixels become one of four channels: a quarter of the places, each with more to say.

    Widths and places are those that a CPU's matrix units are quickest at.
    """
    return nn.Sequential(
        Normalise((0.0,), (MNIST_STD,)),  # paper stays 0, as padding is
        nn.PixelUnshuffle(2),  # (B, 4, 14, 14)
        *conv_bn(4, 64, 3, padding=1),
        Residual(*conv_bn(64, 64, 3, padding=1), *conv_bn(64, 64, 3, padding=1)),
        nn.MaxPool2d(2),  # (B, 64, 7, 7)
        *conv_bn(64, 96, 3, padding=1),
        Residual(*conv_bn(96, 96, 3, padding=1), *conv_bn(96, 96, 3, padding=1)),
        *conv_bn(96, 128, 3, stride=2),  # (B, 128, 3, 3)
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(128 * 3 * 3, 10),
    )
