"""The net and recipe `fast`: its fixed layer, its quick gradient, that it learns."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F

from mnist_demo.datasets import Dataset
from mnist_demo.evaluate import evaluate
from mnist_demo.fuse import fused
from mnist_demo.nets import build_net, find_net
from mnist_demo.nets.fast import (
    ByProduct,
    Conv,
    Oriented,
    long_product,
    oriented_filters,
    patches,
)
from mnist_demo.recipes import find_recipe
from mnist_demo.train import Epoch, train


def test_filters_see_no_difference_between_paper_and_ink_alone() -> None:
    filters = oriented_filters()
    assert filters.shape == (16, 1, 6, 6)
    assert filters.mean((1, 2, 3)).abs().max() < 1e-6
    assert torch.allclose(filters.flatten(1).norm(dim=1), torch.ones(16))
    likeness = filters.flatten(1) @ filters.flatten(1).t() - torch.eye(16)
    assert likeness.max() < 0.95  # no two of them are the same


def test_the_fixed_layer_is_its_filters_at_stride_2() -> None:
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    plain = F.conv2d(images[:, :, 2:-2, 2:-2], oriented_filters(), stride=2, padding=2).relu()
    assert torch.allclose(Oriented()(images), plain, atol=1e-5)
    assert not list(Oriented().parameters())


@pytest.mark.parametrize(("stride", "side"), [(1, 6), (2, 6), (2, 7)])
def test_the_quick_gradient_is_the_gradient(stride: int, side: int) -> None:
    torch.manual_seed(0)
    weight = Conv(3, 5).double().weight
    images = torch.randn(4, 3, side, side, dtype=torch.float64, requires_grad=True)
    plain = F.conv2d(images, weight, stride=stride, padding=1)
    wanted = torch.autograd.grad((plain**2).sum(), (images, weight))
    output = ByProduct.apply(images, weight, stride)
    found = torch.autograd.grad((output**2).sum(), (images, weight))
    assert torch.allclose(output, plain)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other)


def test_patches_are_what_a_convolution_sees() -> None:
    images = torch.randn(2, 3, 6, 6)
    weight = torch.randn(5, 3, 3, 3)
    product = patches(images, 2) @ weight.permute(0, 2, 3, 1).flatten(1).t()
    plain = F.conv2d(images, weight, stride=2, padding=1)
    assert torch.allclose(product.view(2, 3, 3, 5).permute(0, 3, 1, 2), plain, atol=1e-4)


def test_its_gradient_is_in_bfloat16_where_the_recipe_says_so() -> None:
    net = build_net("fast").train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.rand(8, 1, 28, 28))
    assert logits.dtype == torch.bfloat16
    logits.float().sum().backward()
    assert {p.grad.dtype for p in net.parameters() if p.grad is not None} == {torch.float32}
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("halves", [True, False])
def test_the_product_is_taken_in_bfloat16_alone(halves: bool) -> None:
    images = torch.rand(2, 3, 6, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=halves):
        output = Conv(3, 5).train()(images)
    assert ("ByProduct" in str(output.grad_fn)) == halves


def test_the_recipe_learns_the_sample_in_one_pass(sample: Dataset) -> None:
    config = find_recipe("fast").config
    net = build_net(config.net, config.seed)
    last = list(train(net, sample.train, sample.validation, config))[-1]
    assert isinstance(last, Epoch)
    assert last.epoch == config.epochs == 1
    assert last.validation_accuracy > 0.85  # fifteen batches
    answers = evaluate(copy.deepcopy(net), sample.validation)
    assert evaluate(fused(net), sample.validation).accuracy == pytest.approx(
        answers.accuracy, abs=0.003
    )


def test_it_is_small_and_takes_digits() -> None:
    assert find_net("fast").input_shape == (1, 28, 28)
    assert find_recipe("fast").source == "ours"


@pytest.mark.parametrize("rows", [6, 7])
def test_a_long_product_is_the_same_by_halves(rows: int) -> None:
    left, right = torch.rand(rows, 3), torch.rand(rows, 4)
    torch.testing.assert_close(long_product(left, right), left.t() @ right)
