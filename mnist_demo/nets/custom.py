"""A net of one's own, described by a line: `custom:blocks=2,width=32,dropout=0.4`.

What tutorial 004's last chapter suggests to try: more or wider convolutions, batch norm,
dropout, another activation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import nn

from mnist_demo.described import Described, Range
from mnist_demo.errors import UserError
from mnist_demo.nets import NETS, NetSpec, Normalise, count_parameters, register_family
from mnist_demo.nets.colour import CIFAR_MEAN, CIFAR_STD
from mnist_demo.nets.ours import MNIST_MEAN, MNIST_STD

MAX_PARAMETERS = 5_000_000
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
POOLS = ("max", "average", "stride")
INPUT = re.compile(r"([13])x([0-9]{1,2})x([0-9]{1,2})")
SIDES = Range(8, 64)  # pixels


@dataclass(frozen=True)
class CustomNet(Described):
    """Blocks of convolution and pooling, each twice as wide as the one before, then layers."""

    blocks: int = 2
    width: int = 16  # channels of the first block
    kernel: int = 3
    norm: str = "batch"
    pool: str = "max"
    activation: str = "relu"
    dropout: float = 0.25  # before each of the last layers
    dense: int = 128  # units between the convolutions and the classes; 0: none
    input: str = "1x28x28"
    classes: int = 10

    KIND: ClassVar = "custom"
    ALLOWED: ClassVar = {
        "blocks": Range(1, 4),
        "width": Range(4, 64),
        "kernel": (3, 5),
        "norm": ("batch", "none"),
        "pool": POOLS,
        "activation": tuple(ACTIVATIONS),
        "dropout": Range(0, 0.7),
        "dense": Range(0, 512),
        "classes": Range(2, 100),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if not INPUT.fullmatch(self.input) or not all(
            SIDES.low <= side <= SIDES.high for side in self.shape[1:]
        ):
            raise UserError(
                f"custom input is {self.input!r}; write channels (1 or 3), height and width "
                f"({SIDES.low:g} to {SIDES.high:g}), as in 1x28x28"
            )
        if min(self.sizes[-1]) < 1:
            raise UserError(f"{self.blocks} blocks leave nothing of {self.input}; take fewer")
        with torch.device("meta"):
            parameters = count_parameters(self.build())
        if parameters > MAX_PARAMETERS:
            raise UserError(
                f"this custom net has {parameters:,} parameters; make it narrower, with fewer "
                f"dense units or more blocks, to stay within {MAX_PARAMETERS:,}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        channels, height, width = map(int, self.input.split("x"))
        return channels, height, width

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width after each block; a stride rounds up, pooling down."""
        more = 1 if self.pool == "stride" else 0
        _, height, width = self.shape
        sizes = []
        for _ in range(self.blocks):
            height, width = (height + more) // 2, (width + more) // 2
            sizes.append((height, width))
        return sizes

    def fitted(self, shape: tuple[int, int, int], classes: int) -> CustomNet:
        """The same for images of this shape and that many classes."""
        return replace(self, input="x".join(map(str, shape)), classes=classes)

    def build(self) -> nn.Module:
        channels = self.shape[0]
        grey = channels == 1
        layers: list[nn.Module] = [
            Normalise((MNIST_MEAN,), (MNIST_STD,)) if grey else Normalise(CIFAR_MEAN, CIFAR_STD)
        ]
        for block in range(self.blocks):
            layers += self._block(channels, self.width * 2**block)
            channels = self.width * 2**block
        features = channels * self.sizes[-1][0] * self.sizes[-1][1]
        layers.append(nn.Flatten())
        if self.dense:
            layers += [*self._dropout(), nn.Linear(features, self.dense), self._activation()]
            features = self.dense
        layers += [*self._dropout(), nn.Linear(features, self.classes)]
        return nn.Sequential(*layers)

    def _block(self, inputs: int, outputs: int) -> list[nn.Module]:
        has_norm = self.norm == "batch"
        stride = 2 if self.pool == "stride" else 1
        pools: dict[str, list[nn.Module]] = {
            "max": [nn.MaxPool2d(2)],
            "average": [nn.AvgPool2d(2)],
            "stride": [],
        }
        return [
            nn.Conv2d(
                inputs, outputs, self.kernel, stride, self.kernel // 2, bias=not has_norm
            ),  # the norm's shift stands in for the bias
            *([nn.BatchNorm2d(outputs)] if has_norm else []),
            self._activation(),
            *pools[self.pool],
        ]

    def _activation(self) -> nn.Module:
        return ACTIVATIONS[self.activation]()

    def _dropout(self) -> list[nn.Module]:
        return [nn.Dropout(self.dropout)] if self.dropout else []


def fitted(name: str, shape: tuple[int, int, int], classes: int) -> str:
    """`name`, and where it is a net of one's own, the one that fits these images and classes."""
    if not CustomNet.is_in(name):
        return name
    return str(CustomNet.parse(name).fitted(shape, classes))


def spec_of(line: str) -> NetSpec:
    net = CustomNet.parse(line)
    kind = "mnist" if net.shape == (1, 28, 28) else "cifar10" if net.shape[0] == 3 else "own"
    blocks = f"{net.blocks} block" + ("s" if net.blocks > 1 else "")
    summary = f"Your own: {blocks}, the first {net.width} wide, {net.dense or 'no'} dense units"
    return NetSpec(str(net), net.build, summary, "yours", kind, net.shape, net.classes)


register_family("custom", spec_of)
NETS["custom"] = NetSpec(
    "custom",
    CustomNet().build,
    "Your own: choose its blocks, width, dropout and more",
    "yours",
)
