"""Which images a net may be judged by: none that it was trained on."""

from __future__ import annotations

from collections.abc import Callable

from mnist_demo.datasets.base import Dataset, Split, hold_out, without
from mnist_demo.errors import UserError

# The test sets of these are in no training set of these.
KNOWN = ("mnist", "sample", "cifar10", "drawn", "mnist-and-drawn")


def unseen_by(
    trained_on: str,
    data: Dataset,
    holdout: float,
    load: Callable[[str], Dataset],
) -> tuple[Split, str]:
    """The images of `data` to judge a net by, and what they are in words.

    `trained_on` and `holdout` are the set that the net was trained on and the part of it
    that was held out at random (0: the usual one). Sets that are not known to be apart are
    compared pixel by pixel with the training images that `load` finds by their name.
    Raises UserError where nothing is left, or nobody can know.
    """
    same = trained_on == data.name
    if data.test is not None and (same or {trained_on, data.name} <= set(KNOWN)):
        whose = "MNIST's test set" if data.name == "mnist" else f"the test set of {data.title}"
        return data.test, f"{len(data.test):,} {data.noun} of {whose}"
    if same:
        held_out = hold_out(data, holdout).validation if holdout else data.validation
        return held_out, f"{len(held_out):,} held-out {data.noun} of {data.title}"
    everything = data.test or data.untested
    words = f"{data.noun} of {data.title}"
    of_mnist = trained_on in ("mnist", "mnist-and-drawn")
    if of_mnist and (data.name, holdout) == ("sample", 0.0):
        # Seen by no training step, but full MNIST is validated on them.
        return everything, f"{len(everything):,} {words} (those it was validated on)"
    seen = training_images(trained_on, holdout, load)
    if seen is None:
        if of_mnist and data.name == "sample":
            raise UserError(
                "this net was trained on a random part of MNIST, so on some of the embedded "
                "sample; fetch full MNIST with `python -m mnist_demo download` to judge it"
            )
        note = f", {trained_on} is not here to compare them with"
        return everything, f"{len(everything):,} {words}{note}"
    unseen = without(everything, seen)
    if not len(unseen):
        raise UserError(f"this net was trained on all {words}; judge it by another data set")
    return unseen, f"{len(unseen):,} {words}"


def training_images(name: str, holdout: float, load: Callable[[str], Dataset]) -> Split | None:
    """What a net learned from; None where that set is not here."""
    try:
        data = load(name)
    except UserError:
        return None
    return (hold_out(data, holdout) if holdout else data).train
