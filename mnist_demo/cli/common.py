"""What several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_demo.errors import UserError

if TYPE_CHECKING:
    from mnist_demo.checkpoint import Checkpoint
    from mnist_demo.datasets import Dataset, Split

FULLEST = "MNIST where it is on disk, else sample"
OF_THE_NET = f"what the net was trained on; for digits {FULLEST}"


def add_dataset(parser: argparse.ArgumentParser, usual: str = FULLEST) -> None:
    """The options that `load_data` reads; `usual` says in words what it loads without them."""
    parser.add_argument(
        "--dataset",
        metavar="NAME|PATH",
        help="mnist, sample, cifar10, a name of your own, or the path of a label list, an "
        f"image folder or a CSV of pixels (default: {usual})",
    )
    add_image_root(parser)
    add_data_dir(parser)


def load_data(args: argparse.Namespace, usual: str | None = None) -> Dataset:
    """What --dataset names, else the set called `usual`, else the fullest of MNIST."""
    from mnist_demo.datasets import best_available, load_dataset

    name = args.dataset or usual or best_available(args.data_dir)
    return load_dataset(name, args.data_dir, root=args.image_root)


def part_with(data: Dataset, name: str, index: int) -> Split:
    """The part of that name. Raises UserError where it has no image of that number."""
    part = data.part(name)
    if not 0 <= index < len(part):
        raise UserError(
            f"there is no image {index} in the {name} part of {data.title}; "
            f"choose from 0 to {len(part) - 1}"
        )
    return part


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where data sets lie (default: $MNIST_DEMO_DATA, else ./data)",
    )


def add_image_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image-root",
        type=Path,
        metavar="DIR",
        help="what the paths in a label list are relative to (default: the list's folder)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help="cuda, mps or cpu (default: the fastest)")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="the net to use, or a folder that `hub save` wrote (default: the released one)",
    )


def refuse_place(path: Path, *read: Path | None) -> None:
    """Raises UserError before the long work where a file could not be written.

    Or where it would replace one that is `read` for it.
    """
    from mnist_demo.files import may_write

    parent = next((folder for folder in path.absolute().parents if folder.exists()), path)
    if path.is_dir() or not parent.is_dir() or not may_write(parent):
        raise UserError(f"cannot write {path}; choose another place with --out")
    if path.exists() and any(given and given.exists() and path.samefile(given) for given in read):
        raise UserError(
            f"{path} is read for this and would be lost; choose another place with --out"
        )


def printable(text: object) -> str:
    """On one line, without what a terminal would act on or cannot show: a path, a file's words."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def told_of(checkpoint: Checkpoint) -> str:
    """What it is and what it learned from, as its file has it."""
    return printable(f"{checkpoint.title}, trained on {checkpoint.dataset}")


def check_ending(path: Path, *endings: str) -> None:
    """Raises UserError for a name that promises another kind of file than will be written."""
    if path.suffix.lower() not in endings:
        raise UserError(f"cannot save {path}; its name must end in {' or '.join(endings)}")


def read_checkpoint(path: Path | None) -> Checkpoint:
    """The checkpoint in `path`, a file or a folder; the released one when None."""
    from mnist_demo.checkpoint import RELEASED, load_checkpoint

    return load_checkpoint(path or RELEASED)


def read_digit_net(path: Path | None) -> Checkpoint:
    """As `read_checkpoint`, a net that reads digits. Raises UserError for any other."""
    from mnist_demo.datasets import DIGITS
    from mnist_demo.nets import find_net, in_words

    checkpoint = read_checkpoint(path)
    shape = find_net(checkpoint.kind).input_shape
    if checkpoint.labels != DIGITS or shape != (1, 28, 28):
        raise UserError(
            f"the net {checkpoint.title} tells {', '.join(checkpoint.labels)} apart in images of "
            f"{in_words(shape)}, not drawn digits; choose another with --checkpoint"
        )
    return checkpoint
