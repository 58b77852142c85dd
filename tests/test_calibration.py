"""Calibration: measured as defined, and mended without changing an answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mnist_demo.calibration import calibration_error, cooled, reliability, temperature_of
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation


def logits_of(count: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels that are drawn with exactly their probabilities."""
    rng = torch.Generator().manual_seed(1)
    logits = torch.randn((count, classes), generator=rng) * 2
    return logits, torch.multinomial(logits.softmax(1), 1, generator=rng)[:, 0]


def judged(logits: torch.Tensor, labels: torch.Tensor) -> Evaluation:
    return Evaluation(labels.numpy(), logits.softmax(1).numpy())


def test_the_error_is_the_mean_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.3, 0.7]], dtype=np.float32)
    found = reliability(Evaluation(np.array([0, 1, 1, 1]), probabilities), bins=10)
    assert [(one.count, one.accuracy) for one in found] == [(2, 1.0), (2, 0.5)]
    assert calibration_error(found) == pytest.approx((0.3 + 0.4) / 2, abs=1e-6)


def test_one_that_is_always_sure_and_right_has_no_error() -> None:
    found = reliability(Evaluation(np.array([0, 1]), np.eye(2, dtype=np.float32)))
    assert [one.high for one in found] == [1.0]
    assert calibration_error(found) == 0


@pytest.mark.parametrize("wrong_by", [0.3, 1.0, 4.0])
def test_the_temperature_that_was_put_on_is_found(wrong_by: float) -> None:
    logits, labels = logits_of(20_000)
    assert temperature_of(logits * wrong_by, labels) == pytest.approx(wrong_by, rel=0.05)


def test_cooling_calibrates_and_changes_no_answer() -> None:
    logits, labels = logits_of(20_000)
    last = nn.Linear(4, 4)
    with torch.no_grad():
        last.weight.copy_(torch.eye(4) * 3)  # three times as sure as it should be
        last.bias.zero_()
    net = nn.Sequential(last)
    before = calibration_error(reliability(judged(net(logits).detach(), labels)))
    mended = cooled(net, temperature_of(net(logits).detach(), labels))
    after = judged(mended(logits).detach(), labels)
    assert before > 0.1 > 0.02 > calibration_error(reliability(after))
    assert np.array_equal(after.predicted, net(logits).argmax(1).numpy())
    assert last.weight.max().item() == 3  # the net itself is left alone


def test_a_net_without_a_linear_end_is_refused() -> None:
    with pytest.raises(UserError, match="linear layer"):
        cooled(nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(1)), 2.0)
