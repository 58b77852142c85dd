"""Full MNIST, where its files are on disk."""

from __future__ import annotations

from pathlib import Path

from mnist_demo.datasets.base import Dataset, Split, cut
from mnist_demo.errors import UserError

VALIDATION_PER_CLASS = 500  # exactly the digits of the embedded sample
SIZES = {  # bytes: a header, then a byte a pixel or a label
    "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}


def load_mnist(folder: Path) -> Dataset:
    """All of MNIST: 55,000 to train, 5,000 to validate, 10,000 to test.

    The validation digits are the first 500 of each class of the training set, which are
    those of the embedded sample: a net trained here has never seen the sample.
    """
    from torchvision.datasets import MNIST

    if not mnist_is_in(folder):
        if all((folder / "MNIST" / "raw" / name).is_file() for name in SIZES):
            raise _damaged(folder)
        raise UserError(
            f"MNIST is not in {folder}; fetch it with `python -m mnist_demo download`, "
            "point MNIST_DEMO_DATA at a folder that has it, or use the data set 'sample'"
        )
    parts = []
    for is_train, count in ((True, 60_000), (False, 10_000)):
        try:
            raw = MNIST(str(folder), train=is_train, download=False)
        except (OSError, RuntimeError, ValueError, AssertionError, EOFError) as error:
            raise _damaged(folder) from error
        shapes = raw.data.shape, raw.targets.shape
        if shapes != ((count, 28, 28), (count,)) or raw.targets.max() > 9:
            raise _damaged(folder)
        parts.append(Split(raw.data[:, None].contiguous(), raw.targets.long()))
    train, validation = cut(parts[0], VALIDATION_PER_CLASS)
    return Dataset("mnist", "full MNIST", train, validation, parts[1])


def _damaged(folder: Path) -> UserError:
    where = folder / "MNIST" / "raw"
    return UserError(
        f"the MNIST files in {where} are damaged; delete that folder and run "
        "`python -m mnist_demo download`"
    )


def mnist_is_in(folder: Path) -> bool:
    """Whether all four files are there, each as long as it must be."""
    return not missing_from(folder)


def missing_from(folder: Path) -> list[str]:
    """The files that are not there, or not as long as they must be: a cut one is not MNIST."""
    raw = folder / "MNIST" / "raw"
    return [name for name, size in SIZES.items() if _size(raw / name) != size]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
