"""Ink that may be several digits, taken apart from left to right."""

from __future__ import annotations

import numpy as np

from mnist_demo.ink import label_patches
from mnist_demo.preprocess import INK

MAX_PARTS = 8
SPECK = 0.02  # of all ink; a patch of less belongs to the nearest other
OVERLAP = 0.3  # of the narrower patch's width: from here on two patches are strokes of one digit
WIDE = 0.8  # width over height from which on one patch may be two digits that touch
CUTS = 3  # places that are tried then

Span = tuple[int, int, list[int]]  # of columns, from left to right, and the patches in it


def ways_apart(ink: np.ndarray, cut: bool = True) -> list[list[np.ndarray]]:
    """The ways in which the ink (H, W) may be several digits, the likeliest first.

    Each is a list of two or more inks of the same shape, which together are the whole.
    Patches that stand side by side are parts; with `cut` a wide one is cut where it is thin.
    """
    groups = side_by_side(ink)
    if len(groups) > MAX_PARTS:
        return []
    ways = [groups] if len(groups) > 1 else []
    if cut and 0 < len(groups) < MAX_PARTS:
        # The widest patch may be two digits that touch, beside others that stand apart.
        widest = max(range(len(groups)), key=lambda i: _width(groups[i]))
        pairs = halves(groups[widest])
        ways += [[*groups[:widest], *pair, *groups[widest + 1 :]] for pair in pairs]
    return ways


def side_by_side(ink: np.ndarray) -> list[np.ndarray]:
    """The patches of ink from left to right, those above one another together."""
    labels = label_patches(ink >= INK)
    weights = np.bincount(labels.ravel(), ink.ravel()).tolist()
    speck = SPECK * sum(weights[1:])
    covers = np.zeros((len(weights), ink.shape[1]), dtype=bool)  # each patch: which columns
    covers[labels, np.arange(ink.shape[1])] = True
    lefts = covers.argmax(1).tolist()
    rights = (ink.shape[1] - covers[:, ::-1].argmax(1)).tolist()
    spans: list[Span] = []
    for patch in sorted(range(1, len(weights)), key=lambda n: -weights[n]):
        span = (lefts[patch], rights[patch], [patch])
        if weights[patch] < speck and spans:
            nearest = min(spans, key=lambda other: _gap(other, span))
            spans[spans.index(nearest)] = _together(nearest, span)
            continue
        touching = [other for other in spans if _overlap(other, span) >= OVERLAP]
        for other in touching:
            spans.remove(other)
            span = _together(other, span)
        spans.append(span)
    belongs = np.zeros((len(spans), len(weights)), dtype=bool)
    for group, (_, _, patches) in zip(belongs, sorted(spans), strict=True):
        group[patches] = True
    return [np.where(group[labels], ink, 0) for group in belongs]


def halves(ink: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cuts of one wide patch in two, where the least ink is in the way."""
    rows, columns = (np.flatnonzero((ink >= INK).any(axis)) for axis in (1, 0))
    if not len(rows) or len(columns) < WIDE * len(rows):
        return []
    left, right = int(columns[0]), int(columns[-1]) + 1
    middle = np.arange(left + (right - left) // 4, right - (right - left) // 4)
    profile = ink.sum(0)
    places: list[int] = []
    for place in middle[np.argsort(profile[middle], kind="stable")]:
        if all(abs(place - other) > (right - left) / 12 for other in places):
            places.append(int(place))
        if len(places) == CUTS:
            break
    across = np.arange(ink.shape[1])
    return [
        (np.where(across < place, ink, 0), np.where(across >= place, ink, 0)) for place in places
    ]


def _together(first: Span, second: Span) -> Span:
    first[2].extend(second[2])  # not a new list for each of a thousand specks
    return min(first[0], second[0]), max(first[1], second[1]), first[2]


def _overlap(first: Span, second: Span) -> float:
    """As a part of the narrower one's width."""
    common = min(first[1], second[1]) - max(first[0], second[0])
    return common / min(first[1] - first[0], second[1] - second[0])


def _gap(first: Span, second: Span) -> int:
    return max(first[0], second[0]) - min(first[1], second[1])


def _width(ink: np.ndarray) -> int:
    return int(np.count_nonzero((ink >= INK).any(0)))
