"""Which nets of a visitor may stand beside another, and the two side by side."""

from __future__ import annotations

import contextlib
from typing import Any

from mnist_demo.compare import Comparison, places_of
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.page.context import Context
from mnist_demo.page.visitors import Visitor


class Unread(UserError):
    """A net is not evaluated, or not any more: it has learned on."""


def others(context: Context, visitor: Visitor, choice: object) -> list[tuple[str, str]]:
    """The visitor's other nets that tell the same classes apart, as (title, choice)."""
    labels = context.checkpoint(visitor, choice).labels
    return [
        (title, other)
        for title, other in context.choices(visitor)
        if other != choice and _labels(context, visitor, other) == labels
    ]


def _labels(context: Context, visitor: Visitor, choice: object) -> tuple[str, ...] | None:
    """None where a net cannot be read: only who chooses that one has to be told."""
    with contextlib.suppress(UserError):
        return context.labels(visitor, choice)
    return None


def compare(
    context: Context, visitor: Visitor, choice: object, other: object, first: Evaluation
) -> Comparison:
    """The net `choice`, evaluated as `first`, beside `other`, which may have to be evaluated.

    Raises UserError for nets of other classes, or that no image was kept from both.
    """
    second = context.evaluation(visitor, other)
    return beside(context, visitor, choice, other, first, second)


def known(
    context: Context, visitor: Visitor, choice: object, other: object, first: Evaluation
) -> Comparison:
    """The same where both are evaluated already. Raises UserError where they are not."""
    second = context.known_evaluation(visitor, other)
    if second is None:
        raise Unread("the second net is not evaluated yet; choose it again")
    return beside(context, visitor, choice, other, first, second)


def beside(
    context: Context,
    visitor: Visitor,
    choice: object,
    other: object,
    first: Evaluation,
    second: Evaluation,
) -> Comparison:
    a, b = context.checkpoint(visitor, choice), context.checkpoint(visitor, other)
    if a.labels != b.labels:
        raise UserError(
            "these two nets tell different things apart; choose nets of the same classes"
        )
    ours, theirs = context.digits_for(a)[0].images, context.digits_for(b)[0].images
    places = places_of(ours.cpu().numpy(), theirs.cpu().numpy())
    if len(places) != len(first.truth) or places.max(initial=-1) >= len(second.truth):
        raise UserError("one of the two nets has changed; open the gallery again")
    if not (places >= 0).any():
        raise UserError(
            "no image was kept from both nets, so they cannot be compared; "
            "train both on one data set"
        )
    return Comparison(first, second, places)


def summary(both: Comparison, other: object, title: str, noun: str) -> dict[str, Any]:
    """A comparison's figures as the page shows them."""
    few = both.total < len(both.first.truth) or both.total < len(both.second.truth)
    note = f"Compared on the {both.total:,} {noun} that neither was trained on." if few else ""
    return {"other": other, "name": title, "counts": both.counts(), "note": note}
