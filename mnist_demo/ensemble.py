"""Several nets that answer together: the mean of their probabilities, or a majority vote."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.errors import UserError, unknown_choice

MAX_MEMBERS = 5  # as many as the book's committee has (tutorial 003)
NAME = "ensemble"  # what stands for the net's name where a checkpoint holds several


def mean(logits: torch.Tensor) -> torch.Tensor:
    """The log of the members' mean probabilities; logits (members, B, classes)."""
    return logits.log_softmax(2).logsumexp(0) - math.log(len(logits))


def vote(logits: torch.Tensor) -> torch.Tensor:
    """A class's log probability is its part of the votes; the mean decides between equals.

    The mean is mixed in with a weight too small to outdo one vote, which also leaves no
    class at zero, where the loss would be infinite.
    """
    members, _, classes = logits.shape
    votes = F.one_hot(logits.argmax(2), classes).sum(0) / members
    weight = 0.5 / (members + 1)  # under 1 / (members + 1), a vote outweighs any mean
    return ((1 - weight) * votes + weight * mean(logits).exp()).clamp_min(1e-12).log()


HOWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"mean": mean, "vote": vote}


class Ensemble(nn.ModuleList):
    """Its tensors are the members' own, with "0.", "1." and so on before their names."""

    def __init__(self, members: Sequence[nn.Module], how: str = "mean") -> None:
        if not 2 <= len(members) <= MAX_MEMBERS:
            raise UserError(f"an ensemble of {len(members)} nets; choose 2 to {MAX_MEMBERS} nets")
        if how not in HOWS:
            raise unknown_choice("way to combine nets", how, HOWS)
        super().__init__(members)
        self.how = how

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = torch.stack([member(images).float() for member in self])
        return HOWS[self.how](logits)
