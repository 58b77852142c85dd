"""Nets and augmentations of one's own: any that the bounds allow works, nothing else passes."""

from __future__ import annotations

import contextlib

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mnist_demo.augment import Warp, find_augment, warp
from mnist_demo.errors import UserError
from mnist_demo.nets import NETS, build_net, count_parameters, find_net
from mnist_demo.nets.custom import ACTIVATIONS, MAX_PARAMETERS, POOLS, CustomNet, fitted
from mnist_demo.summary import rows_of, summarise


@settings(max_examples=25, deadline=None)
@given(
    blocks=st.integers(1, 4),
    width=st.integers(4, 64),
    kernel=st.sampled_from([3, 5]),
    norm=st.sampled_from(["batch", "none"]),
    pool=st.sampled_from(POOLS),
    activation=st.sampled_from(list(ACTIVATIONS)),
    dropout=st.floats(0, 0.7),
    dense=st.integers(0, 512),
    shape=st.sampled_from([(1, 28, 28), (3, 32, 32), (1, 17, 40)]),
)
def test_what_the_bounds_allow_can_be_built_and_comes_back_from_its_line(
    shape: tuple[int, int, int], **values: int | float | str
) -> None:
    try:
        net = CustomNet(**values).fitted(shape, 10)  # type: ignore[arg-type]
    except UserError as error:
        assume("parameters" not in str(error))
        raise
    assert CustomNet.parse(str(net)) == net
    spec = find_net(str(net))
    assert spec.input_shape == shape
    built = build_net(spec.name, seed=1).eval()
    assert built(torch.rand(2, *shape)).shape == (2, 10)
    assert count_parameters(built) == summarise(spec).parameters <= MAX_PARAMETERS


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("custom:blocks=0", "blocks is 0; choose from 1 to 4"),
        ("custom:blocks=5", "choose from 1 to 4"),
        ("custom:blocks=2.5", "must be a whole number, not '2.5'"),
        ("custom:blocks=", "blocks has no value"),
        ("custom:blocks", "blocks has no value"),
        ("custom:blocks=2,blocks=3", "blocks is there twice"),
        ("custom:width=1e9", "whole number"),
        ("custom:kernel=4", "no custom kernel is called 4; choose one of: 3, 5"),
        ("custom:dropout=nan", "dropout is nan"),
        ("custom:dropout=0.8", "choose from 0 to 0.7"),
        ("custom:dropout=half", "must be a number"),
        ("custom:dense=-1", "dense is -1"),
        ("custom:dense=" + "9" * 5000, "longer than"),
        ("custom:activation=step", "choose one of: relu"),
        ("custom:depth=3", "no custom setting is called 'depth'; choose one of: blocks"),
        ("custom:input=28x28", "write channels"),
        ("custom:input=1x99x28", "write channels"),
        ("custom:input=1x8x8,blocks=4", "leave nothing"),
        ("custom:blocks=1,width=64,dense=512", "6,428,874 parameters"),
    ],
)
def test_any_other_line_says_what_to_write(line: str, text: str) -> None:
    with pytest.raises(UserError, match=text):
        find_net(line)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_line_does_worse_than_a_user_error(text: str) -> None:
    for line in (f"custom:{text}", f"warp:{text}"):
        with contextlib.suppress(UserError):
            find_net(line) if line.startswith("custom") else find_augment(line)


def test_no_word_after_the_colon_leaves_the_default() -> None:
    assert CustomNet.parse("custom") == CustomNet.parse("custom:") == CustomNet()
    plain = build_net("custom", seed=5).state_dict()
    described = build_net(str(CustomNet()), seed=5).state_dict()
    assert all(torch.equal(plain[name], described[name]) for name in plain)


def test_a_net_of_ones_own_fits_the_data_and_others_stay_what_they_are() -> None:
    assert find_net(fitted("custom:width=8", (3, 32, 32), 10)).input_shape == (3, 32, 32)
    assert fitted("compact", (3, 32, 32), 10) == "compact"


def test_parameters_and_multiply_adds_are_those_worked_out_by_hand() -> None:
    """Tutorial 004's net: its parameters are the tutorial's own figure."""
    summary = summarise(find_net("wide9216"))
    convolutions = 26 * 26 * 32 * 1 * 9 + 24 * 24 * 64 * 32 * 9
    assert summary.parameters == 1_199_882
    assert summary.multiply_adds == convolutions + 9216 * 128 + 128 * 10 == 11_992_448
    rows = rows_of(summary)
    assert rows[0] == ("Input", "1×28×28", "", "")
    assert ("Max pooling 2×2", "64×12×12", "", "") in rows
    assert rows[-1] == ("Fully connected", "10", "1,290", "1,280")


@pytest.mark.parametrize("name", NETS)
def test_every_net_can_be_summed_up_without_computing(name: str) -> None:
    before = torch.get_rng_state()
    summary = summarise(find_net(name))
    assert torch.equal(torch.get_rng_state(), before)
    assert summary.layers[-1].shape == (find_net(name).classes,)
    assert summary.parameters == count_parameters(build_net(name))
    assert summary.multiply_adds > 0


def test_a_warp_does_what_its_amounts_say() -> None:
    images = torch.rand(4, 1, 28, 28)

    def rng() -> torch.Generator:
        return torch.Generator().manual_seed(3)

    still = find_augment("warp:rotate=0,scale=0,shift=0")(images, rng())
    assert torch.allclose(still, images, atol=1e-5)
    turned = find_augment("warp:rotate=20,scale=0,shift=0")(images, rng())
    assert torch.equal(turned, warp(images, rng(), degrees=20))
    assert not torch.allclose(turned, images, atol=0.01)
    line = str(Warp(rotate=7.5, scale=0.2, shift=1))
    assert line == "warp:rotate=7.5,scale=0.2,shift=1"
    assert find_augment(line) == Warp(7.5, 0.2, 1.0)
    for wrong in ("warp:rotate=90", "warp:turn=3", "warp:shift=x"):
        with pytest.raises(UserError, match="warp"):
            find_augment(wrong)
