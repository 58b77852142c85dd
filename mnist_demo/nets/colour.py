"""Our net for colour photos, after K. Jordan's airbench (2024) and D. Page's ResNet (2018)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.nets import Normalise, register
from mnist_demo.nets.ours import conv_bn

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
SIDE = 2  # of a patch, in pixels
# Brightness, red against blue, and green against both: what the colours of photos vary in.
COLOUR_AXES = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))


def patch_filters() -> torch.Tensor:
    """The mean of a patch and its edges, in each of the colour axes: (12, 3, 2, 2)."""
    axes = torch.tensor(COLOUR_AXES)
    places = torch.arange(SIDE) + 0.5
    waves = torch.stack([torch.cos(math.pi * places * k / SIDE) for k in range(SIDE)])
    axes, waves = (rows / rows.norm(dim=1, keepdim=True) for rows in (axes, waves))
    return torch.einsum("ac,vy,hx->avhcyx", axes, waves, waves).reshape(-1, 3, SIDE, SIDE)


class ColourEdges(nn.Module):
    """A fixed first layer: (B, 3, 32, 32) to (B, 24, 32, 32), either sign of each filter's answer.

    These filters are about the principal components of any photo's patches; the norm makes them
    equally strong. airbench works both out from the training images.
    """

    filters: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", patch_filters())
        self.norm = nn.BatchNorm2d(len(self.filters), affine=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            found = self.norm(F.conv2d(F.pad(images, (0, 1, 0, 1)), self.filters))
            return torch.cat([found, -found], 1).relu_()


class Scale(nn.Module):
    """Multiplies by a fixed factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images * self.factor


def pooled_conv_bn(inputs: int, outputs: int) -> list[nn.Module]:
    """Pooled before the norm, which then has a quarter of the pixels to go through."""
    convolution, *rest = conv_bn(inputs, outputs, 3, padding=1)
    return [convolution, nn.MaxPool2d(2), *rest]


@register(
    "photo",
    "Six convolutions behind fixed filters of edges and colours: our best for colour photos",
    dataset="cifar10",
    input_shape=(3, 32, 32),
)
def photo() -> nn.Module:
    return nn.Sequential(
        Normalise(CIFAR_MEAN, CIFAR_STD),
        ColourEdges(),  # (B, 24, 32, 32)
        *pooled_conv_bn(24, 64),  # (B, 64, 16, 16)
        *conv_bn(64, 64, 3, padding=1),
        *pooled_conv_bn(64, 128),  # (B, 128, 8, 8)
        *conv_bn(128, 128, 3, padding=1),
        *pooled_conv_bn(128, 256),  # (B, 256, 4, 4)
        *conv_bn(256, 256, 3, padding=1),
        nn.MaxPool2d(4),  # (B, 256, 1, 1)
        nn.Flatten(),
        nn.Linear(256, 10, bias=False),
        Scale(1 / 9),  # a fresh net would be far too sure
    )
