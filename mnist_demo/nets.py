"""The networks, by name. Each takes float images in [0, 1] and gives logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mnist_demo.errors import unknown_choice

MNIST_MEAN, MNIST_STD = 0.1307, 0.3081


class Normalise(nn.Module):
    """Takes away the training set's mean and divides by its standard deviation, a channel each.

    The first layer of every net, so that no caller can forget it or do it differently.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self.mean) / self.std


@dataclass(frozen=True)
class NetSpec:
    """An entry of the registry: how to build a net and what it is for."""

    name: str
    build: Callable[[], nn.Module]
    summary: str
    source: str
    dataset: str = "mnist"
    input_shape: tuple[int, int, int] = (1, 28, 28)


NETS: dict[str, NetSpec] = {}


def register(
    name: str, summary: str, source: str = "ours"
) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    def add(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        NETS[name] = NetSpec(name, build, summary, source)
        return build

    return add


def find_net(name: str) -> NetSpec:
    if name not in NETS:
        raise unknown_choice("net", name, NETS)
    return NETS[name]


def build_net(name: str, seed: int = 0) -> nn.Module:
    """A fresh net on the CPU whose weights depend on `seed` alone."""
    spec = find_net(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return spec.build()


def count_parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


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
    return nn.Sequential(
        normalise(),
        *conv_bn(1, 16, 5, stride=2, padding=2),  # (B, 16, 14, 14)
        *conv_bn(16, 32, 3, padding=1),
        nn.MaxPool2d(2),  # (B, 32, 7, 7)
        *conv_bn(32, 64, 3, padding=1),
        nn.MaxPool2d(2),  # (B, 64, 3, 3)
        nn.Flatten(),
        nn.Linear(64 * 3 * 3, 10),
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
