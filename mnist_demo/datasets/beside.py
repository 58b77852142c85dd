"""Digits of one's own, learned from beside a data set: the net meets the hand it is to read."""

from __future__ import annotations

from dataclasses import replace

import torch

from mnist_demo.datasets.base import Dataset, Split, joined, without
from mnist_demo.errors import UserError

SHARE = 0.4  # of an epoch that is theirs, however few they are
MOST_TIMES = 100  # that one of them is shown an epoch


def learn_beside(data: Dataset, own: Split, *judges: Dataset) -> Dataset:
    """`data` with `own` among what is learned from, each shown as often as `SHARE` asks for.

    None of them is an image that `data` or one of `judges` reports on. Raises UserError where
    they are no images of that kind, or none is left.
    """
    if own.images.shape[1:] != data.train.images.shape[1:]:
        raise UserError(
            f"{data.title} has images of another kind; learn from your digits beside other digits, "
            "or leave them out"
        )
    for known in (data.validation, *(other.reported for other in (data, *judges))):
        own = without(own, known)
    if not len(own):
        raise UserError(
            "the net is judged by all of your digits, so none is left to learn from; name others"
        )
    wanted = round(SHARE / (1 - SHARE) * len(data.train) / len(own))
    times = min(max(1, wanted), MOST_TIMES)
    shown = own.take(torch.arange(len(own)).repeat(times)).to(data.train.labels.device)
    title = f"{data.title} and {len(own):,} of your own"
    return replace(data, train=joined(data.train, shown), title=title)
