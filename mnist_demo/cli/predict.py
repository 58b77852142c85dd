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
    from mnist_demo.classify import Answer

HELP = "read the digit in each picture"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of them"
    )
    add_checkpoint(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """One line a picture; 1 when some could not be read."""
    checkpoint = read_checkpoint(args.checkpoint)

    from mnist_demo.classify import classify_image
    from mnist_demo.ink import open_image

    failed = False
    for path in pictures_in(args.paths):
        try:
            if path.is_dir():
                raise UserError("has no pictures in it; name a folder of PNG or JPEG files")
            answer = classify_image(checkpoint.net, open_image(path))
        except UserError as error:
            failed = True
            reason = " ".join(str(error).removeprefix(str(path)).split())
            if args.json:
                print(json.dumps({"file": str(path), "error": reason}))
            else:
                print(f"error: {printable(path)}: {reason}", file=sys.stderr)
        else:
            print(_as_json(path, answer) if args.json else _as_text(path, answer))
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


def _as_json(path: Path, answer: Answer) -> str:
    probabilities = [round(float(p), 6) for p in answer.probabilities]
    return json.dumps(
        {
            "file": str(path),
            "digit": answer.digit,
            "confidence": round(answer.confidence, 6),
            "probabilities": probabilities,
        }
    )


def _as_text(path: Path, answer: Answer) -> str:
    each = " ".join(f"{digit}:{p:.3f}" for digit, p in enumerate(answer.probabilities))
    return f"{printable(path)}: {answer.digit} ({answer.confidence:.1%})  {each}"
