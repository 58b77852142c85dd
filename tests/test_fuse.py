"""A net ready to answer gives the answers that it gave before."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mnist_demo.ensemble import Ensemble
from mnist_demo.fuse import fused
from mnist_demo.nets import NETS, build_net


def settled(name: str, seed: int) -> nn.Module:
    """A net whose batch norms have seen something, as after training."""
    net = build_net(name, seed).train()
    with torch.no_grad():
        net(torch.rand(32, *NETS[name].input_shape, generator=torch.Generator().manual_seed(seed)))
    return net.eval()


@pytest.mark.parametrize("name", NETS)
def test_same_answers(name: str) -> None:
    net = settled(name, 1)
    images = torch.rand(4, *NETS[name].input_shape)
    with torch.inference_mode():
        assert torch.allclose(fused(net)(images), net(images), atol=1e-4)


def test_the_net_itself_is_left_alone() -> None:
    net = settled("deep", 1).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    ready = fused(net)
    assert net.training
    assert not ready.training
    assert not any(isinstance(layer, nn.BatchNorm2d | nn.Dropout) for layer in ready.modules())
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_an_ensemble_is_made_ready_member_by_member() -> None:
    net = Ensemble([settled("compact", 1), settled("linear", 2)], "vote").eval()
    images = torch.rand(4, 1, 28, 28)
    with torch.inference_mode():
        assert torch.allclose(fused(net)(images), net(images), atol=1e-4)
