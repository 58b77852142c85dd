"""The networks, by name. Each takes float images in [0, 1] and gives logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import nn

from mnist_demo.errors import UserError, unknown_choice


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
    classes: int = 10


NETS: dict[str, NetSpec] = {}


def register(
    name: str,
    summary: str,
    source: str = "ours",
    dataset: str = "mnist",
    input_shape: tuple[int, int, int] = (1, 28, 28),
    classes: int = 10,
) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    """Puts the function below it into the registry."""

    def add(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        NETS[name] = NetSpec(name, build, summary, source, dataset, input_shape, classes)
        return build

    return add


# Nets that are described and not listed, "custom:blocks=2" say, by what stands before the colon.
FAMILIES: dict[str, Callable[[str], NetSpec]] = {}
OWN = "a net of your own as in custom:blocks=2"  # fits any images


def register_family(kind: str, find: Callable[[str], NetSpec]) -> None:
    FAMILIES[kind] = find


def is_described(name: str) -> bool:
    kind, colon, _ = name.partition(":")
    return bool(colon) and kind in FAMILIES


def find_net(name: str) -> NetSpec:
    """The net of this name or description. Raises UserError where there is none."""
    if is_described(name):
        return FAMILIES[name.partition(":")[0]](name)
    if name not in NETS:
        raise unknown_choice("net", name, NETS)
    return NETS[name]


def fitting(shape: tuple[int, ...]) -> list[str]:
    """The names of the nets that take images of this shape (C, H, W) and know ten classes."""
    wanted = (tuple(shape), 10)
    return [name for name, spec in NETS.items() if (spec.input_shape, spec.classes) == wanted]


def check_fit(name: str, shape: tuple[int, ...], labels: Sequence[str] = ()) -> None:
    """Raises UserError where `name` cannot take images (C, H, W) or tell these classes apart.

    What the registry does not hold was made for its data set; of a net that is described,
    the description says how many classes.
    """
    spec = find_net(name) if is_described(name) else NETS.get(name)
    if spec is None:
        return
    if spec.input_shape != tuple(shape):
        nets = ", ".join([*(net for net in fitting(shape) if net not in FAMILIES), OWN])
        raise UserError(
            f"the net {name!r} takes images of {in_words(spec.input_shape)}, these are of "
            f"{in_words(shape)}; nets that fit: {nets}"
        )
    if labels and name in NETS and len(labels) != spec.classes:
        raise UserError(
            f"the net {name!r} tells {spec.classes} classes apart, these images have "
            f"{len(labels)} ({', '.join(labels[:12])}); choose such data, or {OWN}"
        )


def in_words(shape: tuple[int, ...]) -> str:
    """Such as: 28x28 pixels in grey."""
    channels, height, width = shape
    return f"{width}x{height} pixels in {'grey' if channels == 1 else 'colour'}"


def build_net(name: str, seed: int = 0) -> nn.Module:
    """A fresh net on the CPU whose weights depend on `seed` alone."""
    spec = find_net(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return spec.build()


def count_parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


for _module in ("ours", "colour", "fast", "sources", "custom"):  # each fills the registry
    import_module(f"{__name__}.{_module}")
