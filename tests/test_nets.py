"""Every net of the registry keeps the same promises."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.nets import NETS, Normalise, build_net, check_fit, count_parameters, find_net
from mnist_demo.nets.colour import ColourEdges, patch_filters

# Of the tutorials' nets as their sources have them; of ours as they are known and released.
PARAMETERS = {
    "compact": 29_434,
    "sceptic": 24_818,
    "deep": 325_994,
    "perceptron": 101_770,
    "linear": 7_850,
    "resnet7": 420_554,
    "photo": 1_160_960,
    "fast": 29_002,
    "digitnet": 65_674,
    "threeconv": 173_578,
    "cifar-threeconv": 541_094,
    "lenet500": 431_080,
    "nielsen-dense": 318_010,
    "nielsen-conv": 289_630,
    "nielsen-two-conv": 85_670,
    "nielsen-dropout": 1_672_570,
    "wide9216": 1_199_882,
    "custom": 206_970,
}

every_net = pytest.mark.parametrize("name", NETS)


@every_net
def test_it_gives_ten_logits_an_image(name: str) -> None:
    net = build_net(name).eval()
    images = torch.rand(3, *find_net(name).input_shape)
    assert net(images).shape == (3, find_net(name).classes)
    # An image's logits do not depend on its neighbours.
    assert torch.allclose(net(images)[:1], net(images[:1]), atol=1e-5)


@every_net
def test_it_has_parameters_and_says_what_it_is(name: str) -> None:
    spec = find_net(name)
    assert count_parameters(spec.build()) == PARAMETERS[name]
    assert spec.name == name
    assert spec.summary
    assert spec.source


def test_every_net_has_its_size_in_the_table() -> None:
    assert set(PARAMETERS) == set(NETS)


@every_net
def test_a_fresh_one_knows_nothing(name: str, sample: Dataset) -> None:
    net = build_net(name, seed=3)
    images = sample.train.images[::20].float() / 255
    channels, height, width = find_net(name).input_shape
    images = F.interpolate(images, (height, width)).repeat(1, channels, 1, 1)
    net.train()  # batch norm has no running figures yet
    with torch.no_grad():
        classes = find_net(name).classes
        loss = F.cross_entropy(net(images), sample.train.labels[::20] % classes)
    assert float(loss) == pytest.approx(math.log(classes), abs=0.45)


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
    shape = find_net(name).input_shape
    mean, std = layer.mean.expand(1, *shape), layer.std
    assert float(layer(mean).abs().max()) == 0
    assert torch.allclose(layer(mean + std), torch.ones(1), atol=1e-5)
    images = torch.rand(2, *shape)
    rest = net[1:](layer(images))  # type: ignore[index]
    assert torch.equal(rest, net(images))


@pytest.mark.parametrize("name", ["cifar-threeconv", "photo"])
def test_a_colour_net_names_its_data_set(name: str) -> None:
    assert find_net(name).dataset == "cifar10"


@every_net
def test_it_is_refused_images_of_another_shape_and_the_fitting_nets_are_named(name: str) -> None:
    shape = find_net(name).input_shape
    check_fit(name, shape)
    other = (3, 32, 32) if shape == (1, 28, 28) else (1, 28, 28)
    with pytest.raises(UserError) as caught:
        check_fit(name, other)
    named = str(caught.value).partition("nets that fit: ")[2].split(", ")
    assert named == [
        *(
            net
            for net, spec in NETS.items()
            if (spec.input_shape, spec.classes) == (other, 10) and net != "custom"
        ),
        "a net of your own as in custom:blocks=2",
    ]


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UserError, match="choose one of: .*compact"):
        build_net("resnet-9000")


def test_the_photo_nets_first_layer_is_fixed_and_loses_nothing() -> None:
    filters = patch_filters().flatten(1)
    assert torch.allclose(filters @ filters.t(), torch.eye(12), atol=1e-6)
    edges = ColourEdges().train()
    photos = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = edges(photos)
    assert found.shape == (64, 24, 32, 32)
    assert not list(edges.parameters())
    either = found[:, :12] - found[:, 12:]  # each sign has its half
    assert (either.std((0, 2, 3)) - 1).abs().max() < 0.01
    assert not (found[:, :12] * found[:, 12:]).any()
