"""Every net of the registry keeps the same promises."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.nets import NETS, Normalise, build_net, count_parameters, find_net

every_net = pytest.mark.parametrize("name", NETS)


@every_net
def test_it_gives_ten_logits_an_image(name: str) -> None:
    net = build_net(name).eval()
    images = torch.rand(3, *find_net(name).input_shape)
    assert net(images).shape == (3, 10)
    # An image's logits do not depend on its neighbours.
    assert torch.allclose(net(images)[:1], net(images[:1]), atol=1e-5)


@every_net
def test_it_has_parameters_and_says_what_it_is(name: str) -> None:
    spec = find_net(name)
    assert count_parameters(spec.build()) == sum(p.numel() for p in spec.build().parameters()) > 0
    assert spec.name == name
    assert spec.summary
    assert spec.source


@every_net
def test_a_fresh_one_knows_nothing(name: str, sample: Dataset) -> None:
    images = sample.train.images[::20].float() / 255
    net = build_net(name, seed=3)
    net.train()  # batch norm has no running figures yet
    with torch.no_grad():
        loss = F.cross_entropy(net(images), sample.train.labels[::20])
    assert float(loss) == pytest.approx(2.3026, abs=0.45)  # ln 10


@every_net
def test_the_seed_decides_the_weights_and_nothing_else_changes(name: str) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, other = (build_net(name, seed) for seed in (7, 7, 8))
    assert torch.equal(torch.rand(1), expected)  # the caller's randomness is left alone
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    pairs = zip(first.parameters(), other.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)


@every_net
def test_it_normalises_by_itself(name: str) -> None:
    net = build_net(name).eval()
    layer = next(net.children())
    assert isinstance(layer, Normalise)
    assert {"0.mean", "0.std"} <= set(net.state_dict())  # a checkpoint brings it along
    mean, std = layer.mean.expand(1, 1, 28, 28), layer.std
    assert float(layer(mean).abs().max()) == 0
    assert torch.allclose(layer(mean + std), torch.ones(1), atol=1e-5)
    images = torch.rand(2, 1, 28, 28)
    rest = net[1:](layer(images))  # type: ignore[index]
    assert torch.equal(rest, net(images))


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UserError, match="choose one of: .*compact"):
        build_net("resnet-9000")
