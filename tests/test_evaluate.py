"""Evaluation against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnist_demo.datasets import Dataset
from mnist_demo.evaluate import Evaluation, evaluate, infer, infer_in_chunks
from mnist_demo.nets import build_net


@given(st.integers(1, 60), st.integers(0, 10**6))
def test_all_figures_are_those_of_a_plain_loop(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, count)
    probabilities = rng.dirichlet(np.ones(4), count).astype(np.float32)
    result = Evaluation(truth, probabilities)

    confusion = [[0] * 4 for _ in range(4)]
    loss = 0.0
    wrong = []
    for i in range(count):
        guess = max(range(4), key=lambda c, i=i: probabilities[i][c])  # type: ignore[misc]
        confusion[truth[i]][guess] += 1
        own = -math.log(max(probabilities[i][truth[i]], 1e-12))
        loss += own / count
        if guess != truth[i]:
            wrong.append((own, i))

    right = sum(confusion[c][c] for c in range(4))
    assert result.confusion.tolist() == confusion
    assert result.correct == right
    assert result.accuracy == right / count
    assert result.loss == pytest.approx(loss, rel=1e-4)
    for part, row, c in zip(result.per_class, confusion, range(4), strict=True):
        assert part == (pytest.approx(row[c] / sum(row)) if sum(row) else None)
    worst_first = [result.losses[i] for i in result.mistakes()]
    assert sorted(i for _, i in wrong) == sorted(result.mistakes())
    assert worst_first == sorted(worst_first, reverse=True)


def test_a_net_is_evaluated_as_image_after_image(sample: Dataset) -> None:
    net = build_net("compact", 1)
    split = sample.validation.take(torch.arange(0, 1000, 40))
    result = evaluate(net, split)
    net.eval()
    with torch.no_grad():
        for i in range(len(split)):
            logits = net(split.images[i : i + 1].float() / 255)
            expected = logits.softmax(1)[0].numpy()
            assert np.allclose(result.probabilities[i], expected, atol=1e-5)
    assert np.array_equal(result.truth, split.labels.numpy())


def test_chunks_do_not_change_the_outcome(sample: Dataset) -> None:
    net = build_net("deep", 1)
    images = sample.validation.images[:25]
    chunks = list(infer_in_chunks(net, images, chunk=10))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert torch.allclose(torch.cat(chunks), infer(net, images), atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_inference_leaves_mode_and_running_figures_alone(sample: Dataset, training: bool) -> None:
    net = build_net("deep").train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    images = sample.validation.images[:10]
    assert torch.equal(infer(net, images), infer(net, images))  # no dropout
    assert net.training is training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
