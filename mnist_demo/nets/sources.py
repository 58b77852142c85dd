"""The nets of the tutorials that this project grew out of, layer by layer as they have them.

Each keeps the shape that its source gives, so that its figure can be checked; what the
sources do around them (data, recipe) is in `mnist_demo.recipes`.
"""

from __future__ import annotations

from torch import nn

from mnist_demo.nets import Normalise, register
from mnist_demo.nets.ours import normalise

BLOG_000 = "000: digit recognition with PyTorch and a CNN (2024)"
BLOG_001 = "001: PyTorch CNN in practice, MNIST"
BLOG_002 = "002: PyTorch and CNN image classification, CIFAR-10"
BOOK_003 = "003: Neural Networks and Deep Learning (Nielsen 2015), PyTorch notes"
BLOG_004 = "004: MNIST project, training and inference script"


@register("digitnet", "Three unpadded convolutions; no ReLU between its two last layers", BLOG_000)
def digitnet() -> nn.Module:
    return nn.Sequential(
        normalise(),
        nn.Conv2d(1, 16, 3),  # (B, 16, 26, 26)
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 5),  # (B, 32, 9, 9)
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),  # (B, 64, 2, 2)
        nn.Flatten(),
        nn.Linear(256, 128),
        nn.Linear(128, 10),
    )


@register("threeconv", "Three padded convolutions with pooling, then two layers", BLOG_001)
def threeconv() -> nn.Module:
    return nn.Sequential(
        normalise(),
        *_pooled_convolutions(1),  # (B, 64, 3, 3)
        nn.Flatten(),
        nn.Linear(576, 256),
        nn.Linear(256, 10),
    )


@register(
    "cifar-threeconv",
    "Three padded convolutions with pooling and dropout, for colour pictures",
    BLOG_002,
    dataset="cifar10",
    input_shape=(3, 32, 32),
)
def cifar_threeconv() -> nn.Module:
    return nn.Sequential(
        Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        *_pooled_convolutions(3),  # (B, 64, 4, 4)
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(1024, 500),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(500, 10),
    )


@register("lenet500", "PyTorch's classic example: two convolutions and 500 units", BOOK_003)
def lenet500() -> nn.Module:
    return nn.Sequential(
        normalise(),
        nn.Conv2d(1, 20, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 20, 12, 12)
        nn.Conv2d(20, 50, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 50, 4, 4)
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
        nn.LogSoftmax(1),
    )


@register("nielsen-dense", "One hidden layer, fully connected", BOOK_003)
def nielsen_dense() -> nn.Module:
    return nn.Sequential(
        unchanged(), nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 10)
    )


@register("nielsen-conv", "One convolution, pooling and a sigmoid layer of 100", BOOK_003)
def nielsen_conv() -> nn.Module:
    return nn.Sequential(
        unchanged(),
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2),  # (B, 20, 12, 12)
        nn.Sigmoid(),
        nn.Flatten(),
        nn.Linear(2880, 100),
        nn.Sigmoid(),
        nn.Linear(100, 10),
    )


@register("nielsen-two-conv", "A second convolution, and ReLU for the sigmoid", BOOK_003)
def nielsen_two_conv() -> nn.Module:
    return nn.Sequential(
        *_nielsen_convolutions(), nn.Linear(640, 100), nn.ReLU(), nn.Linear(100, 10)
    )


@register("nielsen-dropout", "Two layers of 1,000 with dropout after two convolutions", BOOK_003)
def nielsen_dropout() -> nn.Module:
    return nn.Sequential(
        *_nielsen_convolutions(),
        nn.Dropout(0.5),
        nn.Linear(640, 1000),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1000, 1000),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1000, 10),
    )


@register("wide9216", "Two convolutions, one pooling, 9,216 features into 128 units", BLOG_004)
def wide9216() -> nn.Module:
    return nn.Sequential(
        normalise(),
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 64, 12, 12)
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def unchanged() -> Normalise:
    """Nielsen's nets take the pixels as they are, from 0 to 1."""
    return Normalise((0.0,), (1.0,))


def _pooled_convolutions(channels: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return layers


def _nielsen_convolutions() -> list[nn.Module]:
    return [
        unchanged(),
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(20, 40, 5),
        nn.MaxPool2d(2),  # (B, 40, 4, 4)
        nn.ReLU(),
        nn.Flatten(),
    ]
