"""The tutorials' nets, layer by layer, against what the tutorials print or the book's text says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from mnist_demo.nets import NETS, Normalise, build_net, find_net

Row = tuple[Any, ...]

MNIST = ("Normalise", (0.1307,), (0.3081,))
HALVES = ("Normalise", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
AS_THEY_ARE = ("Normalise", (0.0,), (1.0,))
POOL = ("MaxPool2d", 2, 2, 0)
RELU, SIGMOID, FLATTEN = ("ReLU",), ("Sigmoid",), ("Flatten", 1)


def conv(inputs: int, outputs: int, kernel: int, padding: int = 0) -> Row:
    return ("Conv2d", inputs, outputs, (kernel, kernel), (1, 1), (padding, padding))


def linear(inputs: int, outputs: int) -> Row:
    return ("Linear", inputs, outputs)


def dropout(part: float) -> Row:
    return ("Dropout", part)


LAYERS: dict[str, list[Row]] = {
    # 000: DigitNet.classifier
    "digitnet": [
        MNIST,
        *(conv(1, 16, 3), POOL, RELU),
        *(conv(16, 32, 5), POOL, RELU),
        *(conv(32, 64, 3), FLATTEN),
        *(linear(256, 128), linear(128, 10)),
    ],
    # 001: MNISTModel, which has no normalisation: the recipe's note says that ours has
    "threeconv": [
        MNIST,
        *(conv(1, 16, 3, padding=1), RELU, POOL),
        *(conv(16, 32, 3, padding=1), RELU, POOL),
        *(conv(32, 64, 3, padding=1), RELU, POOL),
        *(FLATTEN, linear(64 * 3 * 3, 256), linear(256, 10)),
    ],
    # 002: Net
    "cifar-threeconv": [
        HALVES,
        *(conv(3, 16, 3, padding=1), RELU, POOL),
        *(conv(16, 32, 3, padding=1), RELU, POOL),
        *(conv(32, 64, 3, padding=1), RELU, POOL),
        *(FLATTEN, dropout(0.3), linear(64 * 4 * 4, 500), RELU),
        *(dropout(0.3), linear(500, 10)),
    ],
    # 003a: Net
    "lenet500": [
        MNIST,
        *(conv(1, 20, 5), RELU, POOL),
        *(conv(20, 50, 5), RELU, POOL),
        *(FLATTEN, linear(4 * 4 * 50, 500), RELU),
        *(linear(500, 10), ("LogSoftmax", 1)),
    ],
    # 003: ours in its size and its ReLU
    "nielsen-dense": [AS_THEY_ARE, FLATTEN, linear(784, 400), RELU, linear(400, 10)],
    # 003b: network3.py pools first, then comes the activation
    "nielsen-conv": [
        AS_THEY_ARE,
        *(conv(1, 20, 5), POOL, SIGMOID),
        *(FLATTEN, linear(20 * 12 * 12, 100), SIGMOID, linear(100, 10)),
    ],
    # 003c and 003d
    "nielsen-two-conv": [
        AS_THEY_ARE,
        *(conv(1, 20, 5), POOL, RELU),
        *(conv(20, 40, 5), POOL, RELU),
        *(FLATTEN, linear(40 * 4 * 4, 100), RELU, linear(100, 10)),
    ],
    # 003e and 003f: network3.py drops what comes into a layer, its softmax layer too
    "nielsen-dropout": [
        AS_THEY_ARE,
        *(conv(1, 20, 5), POOL, RELU),
        *(conv(20, 40, 5), POOL, RELU, FLATTEN),
        *(dropout(0.5), linear(40 * 4 * 4, 1000), RELU),
        *(dropout(0.5), linear(1000, 1000), RELU),
        *(dropout(0.5), linear(1000, 10)),
    ],
    # 004: MNISTModel
    "wide9216": [
        MNIST,
        *(conv(1, 32, 3), RELU, conv(32, 64, 3), RELU, POOL),
        *(dropout(0.25), FLATTEN, linear(9216, 128), RELU),
        *(dropout(0.5), linear(128, 10)),
    ],
}
# The arguments that decide what a layer does; of a kind that is not here, its name alone.
DECIDE = {
    "Conv2d": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "MaxPool2d": ("kernel_size", "stride", "padding"),
    "Linear": ("in_features", "out_features"),
    "Dropout": ("p",),
    "Flatten": ("start_dim",),
    "LogSoftmax": ("dim",),
}
# Of the nets that are ours; CIFAR-10's are those that its users go by.
OURS: dict[str, Row] = dict.fromkeys(
    ("compact", "sceptic", "deep", "perceptron", "linear"), MNIST[1:]
)
OURS |= dict.fromkeys(("resnet7", "fast"), ((0.0,), (0.3081,)))
OURS |= {"custom": MNIST[1:], "photo": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))}


def row_of(layer: nn.Module) -> Row:
    kind = type(layer).__name__
    if isinstance(layer, Normalise):
        return (kind, *figures_of(layer))
    return (kind, *(getattr(layer, name) for name in DECIDE.get(kind, ())))


def figures_of(layer: Normalise) -> Row:
    """Mean and standard deviation, a channel each, as they were written before float32."""
    return tuple(tuple(round(float(x), 6) for x in part.flatten()) for part in layer.buffers())


def test_every_net_of_a_source_is_in_the_table() -> None:
    assert set(LAYERS) == {name for name, spec in NETS.items() if spec.source[:3].isdigit()}
    assert set(LAYERS) | set(OURS) == set(NETS)


@pytest.mark.parametrize("name", LAYERS)
def test_a_net_has_its_sources_layers_in_order_and_no_others(name: str) -> None:
    net = build_net(name)
    assert type(net) is nn.Sequential  # so that the order is what runs
    assert [row_of(layer) for layer in net] == LAYERS[name]


@pytest.mark.parametrize("name", OURS)
def test_ours_normalise_by_their_data_sets_mean_and_std(name: str) -> None:
    layer = next(build_net(name).children())
    assert isinstance(layer, Normalise)
    assert figures_of(layer) == OURS[name]


@pytest.mark.parametrize("name", NETS)
def test_normalising_takes_the_mean_and_divides_by_the_std(name: str) -> None:
    mean, std = LAYERS[name][0][1:] if name in LAYERS else OURS[name]
    layer = next(build_net(name).children())
    white = layer(torch.ones(1, *find_net(name).input_shape))
    for channel, (middle, spread) in enumerate(zip(mean, std, strict=True)):
        expected = torch.full_like(white[0, channel], (1 - middle) / spread)
        assert torch.allclose(white[0, channel], expected, atol=1e-5)
