"""Two nets on the same images: which of them reads what right.

The first net's numbering of the images is kept throughout, so that what holds for one
evaluation (orders, pages, descriptions) holds for a comparison too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mnist_demo.browse import describe
from mnist_demo.errors import unknown_choice
from mnist_demo.evaluate import Evaluation

GROUPS = ("both", "first", "second", "neither")  # who is right


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two evaluations and where the images of the first, (N,), stand in the second."""

    first: Evaluation
    second: Evaluation
    places: np.ndarray  # (N,): an index into the second, -1 where it has no such image

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        """Indices into the first evaluation, ascending, of the images that both were shown."""
        shared = np.flatnonzero(self.places >= 0)
        there = self.places[shared]
        first = self.first.predicted[shared] == self.first.truth[shared]
        second = self.second.predicted[there] == self.second.truth[there]
        masks = (first & second, first & ~second, ~first & second, ~first & ~second)
        return {name: shared[mask] for name, mask in zip(GROUPS, masks, strict=True)}

    @property
    def total(self) -> int:
        return int((self.places >= 0).sum())

    def select(self, group: str) -> np.ndarray:
        """The images of one group. Raises UserError where there is no such group."""
        if group not in GROUPS:
            raise unknown_choice("group", group, GROUPS)
        return self.groups[group]

    def describe(self, index: int) -> dict[str, Any]:
        """What there is to say of one image that both were shown, with the second's answer."""
        return describe(self.first, index) | {
            "other": describe(self.second, int(self.places[index]))
        }

    def counts(self) -> dict[str, int]:
        return {name: len(indices) for name, indices in self.groups.items()}


def places_of(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Where each image of the first array stands in the second, -1 where nowhere, (N,).

    Both uint8 (N, C, H, W), compared pixel by pixel; images that occur twice are paired in order.
    """
    if images.shape == others.shape and np.array_equal(images, others):
        return np.arange(len(images))
    if images.shape[1:] != others.shape[1:]:
        return np.full(len(images), -1)
    waiting: dict[bytes, list[int]] = {}
    for place in range(len(others) - 1, -1, -1):
        waiting.setdefault(others[place].tobytes(), []).append(place)
    found = (waiting.get(image.tobytes()) for image in images)
    return np.array([places.pop() if places else -1 for places in found], dtype=np.int64)
