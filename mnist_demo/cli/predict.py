"""`predict`: what a net reads in pictures."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_demo.cli.common import add_checkpoint, add_json, printable, read_checkpoint
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from mnist_demo.checkpoint import Checkpoint
    from mnist_demo.classify import Answer

HELP = "read the digit or digits in each picture, or name what a net for photos sees in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of them"
    )
    add_checkpoint(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """One line a picture; 1 when some could not be read."""
    from mnist_demo.datasets.files import not_read, pictures_in

    checkpoint = read_checkpoint(args.checkpoint)
    failed = False
    waiting = args.paths[::-1]  # the next one last
    while waiting:
        path = waiting.pop()
        try:
            if path.is_dir():
                found = pictures_in(path)
                if not found:
                    raise UserError("has no pictures in it; name a folder of PNG or JPEG files")
                waiting += found[::-1]
                continue
            line = (_as_json if args.json else _as_text)(path, checkpoint)
        except (UserError, OSError) as error:
            failed = True
            if isinstance(error, OSError):  # a name too long, a folder that is closed
                error = not_read(path, error)
            reason = " ".join(str(error).removeprefix(f"{path} ").split())
            if args.json:
                print(json.dumps({"file": str(path), "error": reason}))
            else:
                print(f"error: {printable(path)}: {printable(reason)}", file=sys.stderr)
        else:
            print(line)
    return 1 if failed else 0


def _as_json(path: Path, checkpoint: Checkpoint) -> str:
    answer = _read(path, checkpoint)
    probabilities = answer.probabilities if answer else _seen(path, checkpoint)
    best = int(probabilities.argmax())
    told: dict[str, object] = {"file": str(path), "label": checkpoint.labels[best]}
    confidence = float(probabilities[best])
    if answer:
        is_one = not (answer.is_strange or answer.parts)
        confidence = min(part.confidence for part in answer.parts or (answer,))
        told |= {"label": answer.text, "digit": best, "is_a_digit": is_one}
    told["confidence"] = round(confidence, 6)
    return json.dumps(told | {"probabilities": [round(float(p), 6) for p in probabilities]})


def _as_text(path: Path, checkpoint: Checkpoint) -> str:
    answer = _read(path, checkpoint)
    probabilities = answer.probabilities if answer else _seen(path, checkpoint)
    if answer and answer.parts:
        each = " ".join(f"{part.digit} ({part.confidence:.1%})" for part in answer.parts)
        return f"{printable(path)}: {answer.text}, {len(answer.parts)} digits: {each}"
    best = int(probabilities.argmax())
    labels = [printable(label) for label in checkpoint.labels]
    label = labels[best]
    if answer and answer.is_strange:
        label = f"looks like no digit; if it is one, then {label}"
    each = " ".join(f"{name}:{p:.3f}" for name, p in zip(labels, probabilities, strict=True))
    return f"{printable(path)}: {label} ({probabilities[best]:.1%})  {each}"


def _read(path: Path, checkpoint: Checkpoint) -> Answer | None:
    """What a net for digits reads; None from any other."""
    from mnist_demo.checkpoint import released_sceptic
    from mnist_demo.classify import classify_image
    from mnist_demo.datasets import DIGITS
    from mnist_demo.ink import open_image

    if checkpoint.labels != DIGITS:
        return None
    return classify_image(checkpoint.answering, open_image(path), released_sceptic())


def _seen(path: Path, checkpoint: Checkpoint) -> np.ndarray:
    """What a net for other things than digits gives each class, (classes,)."""
    from mnist_demo.classify import classify_image, classify_photo
    from mnist_demo.ink import open_image
    from mnist_demo.nets import find_net

    if checkpoint.takes_ink:
        return classify_image(checkpoint.answering, open_image(path)).probabilities
    shape = find_net(checkpoint.kind).input_shape
    return classify_photo(checkpoint.answering, open_image(path, colour=True), shape)
