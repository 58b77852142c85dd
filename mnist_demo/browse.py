"""Looking through an evaluation: which digits, in which order, a page at a time.

All of it is read off the one array of probabilities; no net is asked again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from mnist_demo.calibration import calibration_error, reliability
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.evaluate import Evaluation

MAX_PAGE_SIZE = 96
SURENESS = 10  # steps of confidence that are shown
FLOORS = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)  # where the bars of accuracy may begin


@dataclass(frozen=True)
class Filter:
    """Which digits to look at: of a true class, taken for a class, right or wrong."""

    truth: int | None = None
    predicted: int | None = None
    right: bool = False  # the right answers instead of the mistakes

    def select(self, evaluation: Evaluation) -> np.ndarray:
        """The indices of the digits that pass, ascending. Raises UserError for no such class."""
        classes = evaluation.probabilities.shape[1]
        mask = (evaluation.predicted == evaluation.truth) == self.right
        for chosen, actual in (
            (self.truth, evaluation.truth),
            (self.predicted, evaluation.predicted),
        ):
            if chosen is not None:
                if not 0 <= chosen < classes:
                    raise UserError(f"there is no class {chosen}; choose from 0 to {classes - 1}")
                mask &= actual == chosen
        return np.flatnonzero(mask)


def confidence(evaluation: Evaluation) -> np.ndarray:
    """The probability of each digit's predicted class, (N,)."""
    return evaluation.probabilities.max(1)


Key = Callable[[Evaluation, np.ndarray], np.ndarray]

# Each gives the numbers to sort by, ascending; ties go by loss, then by index.
SORTS: dict[str, Key] = {
    "loss": lambda evaluation, chosen: -evaluation.losses[chosen],
    "confident": lambda evaluation, chosen: -confidence(evaluation)[chosen],
    "unsure": lambda evaluation, chosen: confidence(evaluation)[chosen],
    "truth": lambda evaluation, chosen: evaluation.truth[chosen],
}


def ordered(evaluation: Evaluation, indices: np.ndarray, sort: str) -> np.ndarray:
    """`indices` sorted by "loss" (largest first), "confident" or "unsure" first, or "truth"."""
    if sort not in SORTS:
        raise unknown_choice("order", sort, SORTS)
    keys = (indices, -evaluation.losses[indices], SORTS[sort](evaluation, indices))
    return indices[np.lexsort(keys)]


def page_count(total: int, size: int) -> int:
    """How many pages `total` digits fill; none still make one, an empty one."""
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise UserError(f"{size} digits a page; choose from 1 to {MAX_PAGE_SIZE}")
    return max(1, math.ceil(total / size))


def page_slice(indices: np.ndarray, page: int, size: int) -> np.ndarray:
    """The digits on a page, counted from 0. Raises UserError beyond the last."""
    pages = page_count(len(indices), size)
    if not 0 <= page < pages:
        raise UserError(f"there is no page {page + 1}; the last one is {pages}")
    return indices[page * size : (page + 1) * size]


def describe(evaluation: Evaluation, index: int) -> dict[str, Any]:
    """What there is to say of one digit, in numbers that JSON can hold."""
    return {
        "index": int(index),
        "truth": int(evaluation.truth[index]),
        "predicted": int(evaluation.predicted[index]),
        "loss": round(float(evaluation.losses[index]), 4),
        "probabilities": [round(float(p), 5) for p in evaluation.probabilities[index]],
    }


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The whole evaluation in numbers that JSON can hold; None for a class without digits."""
    per_class = evaluation.per_class
    worst = min(part for part in per_class if part is not None)
    return {
        "total": len(evaluation.truth),
        "wrong": len(evaluation.truth) - evaluation.correct,
        "accuracy": evaluation.accuracy,
        "confusion": evaluation.confusion.tolist(),
        "per_class": per_class,
        # Bars from 0 would all look alike: they begin below the worst class.
        "floor": next(floor for floor in FLOORS if floor < worst or floor == 0),
        "reliability": [vars(one) for one in reliability(evaluation, SURENESS)],
        "calibration_error": calibration_error(reliability(evaluation)),
    }


def sprite(images: np.ndarray, columns: int) -> Image.Image:
    """Pictures uint8 (N, C, H, W) as one, row by row; grey for one channel, colour for three."""
    count, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"{channels} channels; a picture has 1 or 3")
    rows = max(1, math.ceil(count / columns))
    cells = np.zeros((rows * columns, channels, height, width), dtype=np.uint8)
    cells[:count] = images
    sheet = (
        cells.reshape(rows, columns, channels, height, width)
        .transpose(0, 3, 1, 4, 2)  # (rows, H, columns, W, C)
        .reshape(rows * height, columns * width, channels)
    )
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
