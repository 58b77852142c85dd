"""Where the arithmetic runs, and in how many bits."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mnist_demo import fuse, learner
from mnist_demo.config import TrainConfig
from mnist_demo.device import (
    available_devices,
    describe_device,
    pick_device,
    quick_in_bfloat16,
    quick_layout,
)
from mnist_demo.errors import UserError
from mnist_demo.learner import make_learner
from mnist_demo.nets import build_net

CPU = torch.device("cpu")


def test_a_device_that_is_not_here_is_refused_and_those_that_are_named() -> None:
    with pytest.raises(UserError, match="no device 'tpu' here; choose one of: .*cpu"):
        pick_device("tpu")
    assert pick_device("cpu") == CPU


def test_a_gpu_that_its_driver_cannot_start_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert available_devices() == ["cpu"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert available_devices() == ["cuda:0", "cpu"]


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_channels_come_last_in_memory_but_on_mps(device: str) -> None:
    net: Any = SimpleNamespace(parameters=lambda: [SimpleNamespace(device=torch.device(device))])
    wanted = torch.contiguous_format if device == "mps" else torch.channels_last
    assert quick_layout(net) == wanted


@pytest.mark.parametrize("wanted", [torch.contiguous_format, torch.channels_last])
def test_a_net_learns_and_answers_in_the_layout_of_its_device(
    wanted: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (learner, fuse):
        monkeypatch.setattr(module, "quick_layout", lambda net: wanted)
    net = build_net("compact")
    make_learner(net, TrainConfig())
    for one in (net, fuse.fused(net)):
        weights = [p for p in one.parameters() if p.ndim == 4 and min(p.shape[1:]) > 1]
        assert weights
        assert all(weight.is_contiguous(memory_format=wanted) for weight in weights)


def test_what_bounds_its_speed_is_said() -> None:
    said = describe_device(CPU)
    assert f"{torch.get_num_threads()} thread" in said
    assert ("bfloat16" in said) == quick_in_bfloat16(CPU)


@pytest.mark.parametrize(
    ("precision", "quick", "expected"),
    [
        ("float32", True, torch.float32),
        ("bfloat16", False, torch.bfloat16),
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
    ],
)
def test_a_step_is_in_16_bits_if_asked_for_or_where_it_is_quick(
    monkeypatch: pytest.MonkeyPatch, precision: str, quick: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(learner, "quick_in_bfloat16", lambda device: quick)
    net = build_net("linear")
    seen = []
    net.register_forward_hook(lambda module, images, logits: seen.append(logits.dtype))
    config = dataclasses.replace(TrainConfig(), net="linear", precision=precision)
    make_learner(net, config).learn(torch.rand(8, 1, 28, 28), torch.arange(8), 0.01, 1)
    assert seen == [expected]
