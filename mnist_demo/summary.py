"""A net layer by layer: shapes, parameters and multiply-adds for one image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from mnist_demo.nets import NetSpec


@dataclass(frozen=True)
class Layer:
    """What goes on in one layer, for one image."""

    name: str
    shape: tuple[int, ...]  # of what it gives, without the batch
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers)


def summarise(spec: NetSpec) -> Summary:
    """Of one image; the weights are whatever the memory holds.

    Built on torch's "meta" device, which draws no weights; but not run there, where torch
    would import its compiler (2.5 s of work, for a table).
    """
    with torch.device("meta"):
        net = spec.build().eval()
    _give_memory(net)
    image = torch.zeros(1, *spec.input_shape)
    layers: list[Layer] = []

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        own = sum(p.numel() for p in module.parameters(recurse=False))
        shape = tuple(output.shape[1:])
        layers.append(Layer(name_of(module), shape, own, multiply_adds(module, shape)))

    for module in net.modules():
        if not next(module.children(), None):
            module.register_forward_hook(note)
    with torch.no_grad():
        net(image)
    return Summary(spec.input_shape, tuple(layers))


def _give_memory(net: nn.Module) -> None:
    """`net.to_empty("cpu")`, for which torch would import sympy (half a second of work)."""
    for module in net.modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            empty = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
            is_learned = isinstance(tensor, nn.Parameter)
            setattr(module, name, nn.Parameter(empty) if is_learned else empty)


def multiply_adds(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Of convolutions and fully connected layers; beside them the rest is nothing."""
    if isinstance(module, nn.Conv2d):
        each = module.in_channels // module.groups * math.prod(module.kernel_size)
        return math.prod(shape) * each
    if isinstance(module, nn.Linear):
        return module.in_features * module.out_features
    return 0


NAMES: dict[str, str] = {
    "Conv2d": "Convolution",
    "BatchNorm2d": "Batch norm",
    "MaxPool2d": "Max pooling",
    "AvgPool2d": "Average pooling",
    "Linear": "Fully connected",
    "PixelUnshuffle": "Pixels to channels",
    "LogSoftmax": "Log-softmax",
}


def name_of(module: nn.Module) -> str:
    """The kind of layer with what decides it, in words."""
    kind = type(module).__name__
    name = NAMES.get(kind, kind)
    if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        name += f" {by(module.kernel_size)}"
    if isinstance(module, nn.Conv2d) and module.stride != (1, 1):
        name += f", stride {module.stride[0]}"
    if isinstance(module, nn.Dropout):
        name += f" {module.p:g}"
    return name


def by(size: int | tuple[int, ...]) -> str:
    """5 or (5, 5) as 5×5."""
    return f"{size}×{size}" if isinstance(size, int) else "×".join(map(str, size))


def rows_of(summary: Summary) -> list[tuple[str, str, str, str]]:
    """What a table of it shows: layer, shape, parameters, multiply-adds; the input comes first."""

    def number(value: int) -> str:
        return f"{value:,}" if value else ""

    first = ("Input", by(summary.input_shape), "", "")
    return [first] + [
        (layer.name, by(layer.shape), number(layer.parameters), number(layer.multiply_adds))
        for layer in summary.layers
    ]


HEADERS = ("layer", "gives", "parameters", "multiply-adds")
