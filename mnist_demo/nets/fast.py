"""The net of the recipe `fast`: what reads MNIST at 99 % after the least work.

A CPU spends most of a small net's training on its first layer, whose images are the largest:
its weights' gradient, its norm, and the gradient that the second layer owes it. Here that
layer is not learned: it looks for edges and lines in four directions, as learned first layers
do anyway (benchmark/SPEED.md has what else was tried).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.nets import Normalise, register
from mnist_demo.nets.ours import MNIST_STD

DIRECTIONS = 4
SIDE = 6  # of a filter, in pixels
MARGIN = 2  # pixels of paper at each edge of an MNIST digit that hold no ink to speak of


def oriented_filters() -> torch.Tensor:
    """Edges, and lines of either sign, in four directions: (16, 1, 6, 6), each of mean 0.

    Gabor functions, about as wide as MNIST's strokes; an edge counts from both of its sides.
    """
    axis = torch.arange(SIDE) - (SIDE - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    filters = []
    for step in range(2 * DIRECTIONS):
        angle = math.pi * step / DIRECTIONS
        across = x * math.cos(angle) + y * math.sin(angle)
        along = y * math.cos(angle) - x * math.sin(angle)
        window = torch.exp(-(across**2) / 3 - along**2 / 6)
        sign = 1 if step < DIRECTIONS else -1  # a line is the same from both sides
        filters += [window * torch.sin(1.1 * across), sign * window * torch.cos(1.3 * across)]
    bank = torch.stack(filters)
    bank = bank - bank.mean((1, 2), keepdim=True)
    return (bank / bank.norm(dim=(1, 2), keepdim=True))[:, None]


class Oriented(nn.Module):
    """The fixed first layer with its ReLU: (B, 1, 28, 28) to (B, 16, 12, 12), stride 2.

    Filters of mean 0 need no mean taken from the images.
    """

    filters: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        # Four pixels become one of four channels: a CPU is twice as fast on those.
        halves = oriented_filters().view(-1, SIDE // 2, 2, SIDE // 2, 2)
        self.register_buffer("filters", halves.permute(0, 2, 4, 1, 3).flatten(1, 2).contiguous())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        inner = images[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]
        return F.conv2d(F.pixel_unshuffle(inner, 2), self.filters, padding=1).relu_()


class Conv(nn.Conv2d):
    """A convolution without bias whose gradient is quick in bfloat16 on a CPU too.

    oneDNN works out a small convolution's weight gradient without the matrix units (AMX);
    as one product of matrices it takes about a third of the time. In float32 oneDNN is quicker.
    """

    def __init__(self, inputs: int, outputs: int, **options: Any) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False, **options)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        halves = images.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if self.training and halves and torch.is_grad_enabled():
            return ByProduct.apply(images, self.weight, self.stride[0])  # type: ignore[no-any-return]
        return super().forward(images)


class ByProduct(torch.autograd.Function):
    """3x3, padding 1: F.conv2d, its weight gradient a product of the images' patches."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)  # type: ignore[untyped-decorator]
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, stride: int) -> torch.Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(images, weight)
        ctx.stride = stride
        return F.conv2d(images, weight, stride=stride, padding=1)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        (gradient,) = gradients
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        outputs, inputs = weight.shape[:2]
        rows = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)  # (B H W, O)
        product = long_product(rows, patches(images, ctx.stride))  # (O, 9 C)
        of_weight = product.view(outputs, 3, 3, inputs).permute(0, 3, 1, 2)
        of_images = None
        if ctx.needs_input_grad[0]:
            of_images = torch.ops.aten.convolution_backward(
                gradient, images, weight, None, [ctx.stride] * 2, [1, 1], [1, 1], False, [0, 0], 1,
                [True, False, False],
            )[0]  # fmt: skip
        return of_images, of_weight, None


def long_product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """left' right in float32, for few columns and very many rows: the rows in two halves.

    Two cores take a half each; one product as a whole stays on one.
    """
    if len(left) % 2:
        return (left.t() @ right).float()
    halves, others = (matrix.view(2, len(matrix) // 2, -1) for matrix in (left, right))
    return (halves.transpose(1, 2) @ others).float().sum(0)


def patches(images: torch.Tensor, stride: int) -> torch.Tensor:
    """What a 3x3 convolution with padding 1 sees at each place: (B H' W', 9 C), place by place."""
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))  # (B, H + 2, W + 2, C)
    count, height, width, channels = padded.shape
    down, across = (height - 3) // stride + 1, (width - 3) // stride + 1
    image, row, place, channel = padded.stride()
    windows = padded.as_strided(
        (count, down, across, 3, 3, channels),
        (image, row * stride, place * stride, row, place, channel),
    )
    return windows.reshape(count * down * across, 9 * channels)


class FlattenLast(nn.Module):
    """Place by place, as channels-last images lie in memory: nothing is moved."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.permute(0, 2, 3, 1).flatten(1)


@register("fast", "A fixed layer of edges and lines, two that learn: 99 % after one epoch")
def fast() -> nn.Module:
    return nn.Sequential(
        Normalise((0.0,), (MNIST_STD,)),  # paper stays 0, as padding is
        Oriented(),  # (B, 16, 12, 12)
        Conv(16, 32, stride=2),  # (B, 32, 6, 6)
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        Conv(32, 64, stride=2),  # (B, 64, 3, 3)
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        FlattenLast(),
        nn.Linear(64 * 3 * 3, 10),
    )
