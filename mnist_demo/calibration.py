"""Whether a net is as sure as it should be (Guo et al. 2017, "On calibration")."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation

BINS = 15
RANGE = (0.05, 20.0)  # temperatures that are looked at


@dataclass(frozen=True)
class Bin:
    """Answers of about one confidence: how sure the net was of them, and how often right."""

    low: float
    high: float
    count: int
    confidence: float  # mean
    accuracy: float


def reliability(result: Evaluation, bins: int = BINS) -> list[Bin]:
    """The answers by confidence, in bins of equal width; empty ones are left out."""
    confidence = result.probabilities.max(1)
    right = result.predicted == result.truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        Bin(
            n / bins,
            (n + 1) / bins,
            int(inside.sum()),
            float(confidence[inside].mean()),
            float(right[inside].mean()),
        )
        for n in range(bins)
        if (inside := place == n).any()
    ]


def calibration_error(found: Sequence[Bin]) -> float:
    """The expected calibration error: how far confidence is from accuracy, on average."""
    total = sum(one.count for one in found)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in found) / total


def temperature_of(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """What to divide logits (N, classes) by for the lowest loss on `labels`.

    The loss has one lowest point along the temperature: it is closed in on by thirds.
    """

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits.double() / np.exp(log_temperature), labels))

    low, high = np.log(RANGE)
    while high - low > 1e-4:
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return float(np.exp((low + high) / 2))


@torch.no_grad()
def cooled(net: nn.Module, temperature: float) -> nn.Module:
    """A copy whose logits are divided by `temperature`, worked into its last layer.

    Raises UserError for a net that does not end in a linear layer.
    """
    net = copy.deepcopy(net)
    last = net[-1] if isinstance(net, nn.Sequential) and len(net) else None
    if not isinstance(last, nn.Linear):
        raise UserError("only a net that ends in a linear layer can be calibrated")
    for tensor in last.parameters():
        tensor.div_(temperature)
    return net
