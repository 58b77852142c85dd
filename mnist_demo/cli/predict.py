"""`predict`: what a net reads in pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_demo.cli.common import add_checkpoint, add_json, read_checkpoint
from mnist_demo.errors import UserError
from mnist_demo.files import PICTURES

if TYPE_CHECKING:
    import numpy as np

    from mnist_demo.checkpoint import Checkpoint

HELP = "read the digit in each picture, or name what a net for photos sees in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of them"
    )
    add_checkpoint(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """One line a picture; 1 when some could not be read."""
    checkpoint = read_checkpoint(args.checkpoint)
    failed = False
    for path in pictures_in(args.paths):
        try:
            if path.is_dir():
                raise UserError("has no pictures in it; name a folder of PNG or JPEG files")
            answer = probabilities_in(path, checkpoint)
        except UserError as error:
            failed = True
            reason = " ".join(str(error).removeprefix(str(path)).split())
            if args.json:
                print(json.dumps({"file": str(path), "error": reason}))
            else:
                print(f"error: {printable(path)}: {reason}", file=sys.stderr)
        else:
            tell = _as_json if args.json else _as_text
            print(tell(path, answer, checkpoint.labels))
    return 1 if failed else 0


def pictures_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are named, folders with all pictures below them in order, or as they are."""
    for path in paths:
        found = sorted(
            file
            for file in (path.rglob("*") if path.is_dir() else ())
            if file.suffix.lower() in PICTURES and file.is_file()
        )
        yield from found or [path]


def printable(path: Path) -> str:
    """The path on one line, whatever characters it has."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(path))


def probabilities_in(path: Path, checkpoint: Checkpoint) -> np.ndarray:
    """What the net gives each class, (classes,): from the ink for digits, else from the photo."""
    from mnist_demo.classify import classify_image, classify_photo
    from mnist_demo.datasets import DIGITS
    from mnist_demo.ink import open_image
    from mnist_demo.nets import find_net

    if checkpoint.labels == DIGITS:
        return classify_image(checkpoint.net, open_image(path)).probabilities
    shape = find_net(checkpoint.kind).input_shape
    return classify_photo(checkpoint.net, open_image(path, colour=True), shape)


def _as_json(path: Path, answer: np.ndarray, labels: tuple[str, ...]) -> str:
    from mnist_demo.datasets import DIGITS

    best = int(answer.argmax())
    probabilities = [round(float(p), 6) for p in answer]
    told: dict[str, object] = {"file": str(path), "label": labels[best]}
    if labels == DIGITS:
        told["digit"] = best
    told["confidence"] = round(float(answer[best]), 6)
    return json.dumps(told | {"probabilities": probabilities})


def _as_text(path: Path, answer: np.ndarray, labels: tuple[str, ...]) -> str:
    best = int(answer.argmax())
    each = " ".join(f"{label}:{p:.3f}" for label, p in zip(labels, answer, strict=True))
    return f"{printable(path)}: {labels[best]} ({answer[best]:.1%})  {each}"
