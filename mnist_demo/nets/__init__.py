"""The networks, by name. Each takes float images in [0, 1] and gives logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import nn

from mnist_demo.errors import unknown_choice


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
    name: str,
    summary: str,
    source: str = "ours",
    dataset: str = "mnist",
    input_shape: tuple[int, int, int] = (1, 28, 28),
) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    """Puts the function below it into the registry."""

    def add(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        NETS[name] = NetSpec(name, build, summary, source, dataset, input_shape)
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


for _module in ("ours", "sources"):  # each fills the registry as it is imported
    import_module(f"{__name__}.{_module}")
