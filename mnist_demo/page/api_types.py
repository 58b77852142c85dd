"""What the endpoints answer with, as their users see it: every key may be absent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, get_args, get_origin, get_type_hints


class Reading(TypedDict, total=False):
    """What a net reads in a picture, or an error that says what to change."""

    text: str  # the digit, or the digits of a row
    is_a_digit: bool  # False for what looks like none, and for a row of several
    digit: int  # the likeliest
    confidence: float  # 0 to 1; of a row, that of the digit it is least sure of
    probabilities: list[float]  # of the ten digits
    error: str


class Report(TypedDict, total=False):
    """How a net does on images that it was not trained on."""

    net: str
    images: str  # which they are
    count: int
    accuracy: float  # 0 to 1
    loss: float
    per_class: dict[str, float | None]  # accuracy; None for a class without images
    confusion: list[list[int]]  # a row for each true class
    error: str


class TrainingEvent(TypedDict, total=False):
    """What happened in a training; which keys there are depends on `event`."""

    event: str  # waiting, training, epoch, done, stopped or error
    ahead: int  # of you in the line
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None
    images_per_second: float | None
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    net: str  # the name that classify and evaluate know it by
    message: str
    accuracy: float
    judged_by: str  # the images that `accuracy` is of
    seconds: float
    error: str


def with_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with its annotations as types, for Gradio reads no text there.

    An endpoint that answers bit by bit is described by one bit.
    """
    hints = get_type_hints(function)
    if get_origin(hints["return"]) is not None and get_args(hints["return"]):
        hints["return"] = get_args(hints["return"])[0]
    function.__annotations__ = hints
    return function
