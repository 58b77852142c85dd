"""`benchmark drawn`: how many pen digits a net reads when they are drawn anywhere on the pad.

Real strokes (UCI pendigits) are drawn as the sketchpad draws them, the digit 35 to 85 % of
the canvas high, the brush 3 to 8 % wide, anywhere; then read with the whole preprocessing
and with each of its steps left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.cli.common import add_checkpoint, read_digit_net
from mnist_demo.errors import UserError
from mnist_demo.preprocess import (
    BOX,
    SIDE,
    NoInkError,
    centre_by_mass,
    crop_to,
    find_box,
    fit,
    preprocess_ink,
    shrink_only,
)
from mnist_demo.strokes import FILE, TEST_WRITERS, PenDigit, draw_anywhere, load_pen_digits

Method = Callable[[np.ndarray], np.ndarray]  # ink (H, W) to (28, 28)


def full(ink: np.ndarray) -> np.ndarray:
    return preprocess_ink(ink).centred


def without_proportions(ink: np.ndarray) -> np.ndarray:
    """The crop is stretched to 20x20 whatever its shape."""
    crop = Image.fromarray(crop_to(ink, find_box(ink)).astype(np.float32))
    square = np.asarray(crop.resize((BOX, BOX), Image.Resampling.HAMMING), dtype=np.float32)
    return centre_by_mass(np.clip(square / max(float(square.max()), 1e-6), 0, 1))


def without_centre_of_mass(ink: np.ndarray) -> np.ndarray:
    """The box is centred instead."""
    fitted = fit(crop_to(ink, find_box(ink)))
    placed = np.zeros((SIDE, SIDE), dtype=np.float32)
    top, left = ((SIDE - side) // 2 for side in fitted.shape)
    placed[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return placed


def without_fitting(ink: np.ndarray) -> np.ndarray:
    """Centred by mass in the size it was drawn in."""
    shrunk = shrink_only(ink)
    return centre_by_mass(crop_to(shrunk, find_box(shrunk)))


METHODS: dict[str, Method] = {
    "all steps": full,
    "stretched to 20x20": without_proportions,
    "box centred, not the mass": without_centre_of_mass,
    "not fitted into 20x20": without_fitting,
    "canvas merely shrunk": shrink_only,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_strokes(parser)
    parser.add_argument("--count", type=int, default=1000, help="digits a seed (default: 1000)")
    parser.add_argument("--seeds", type=int, default=3, help="drawings of it all (default: 3)")


def add_strokes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--strokes", type=Path, metavar="FILE", help="default: pen_digits.json.gz beside MNIST"
    )
    parser.add_argument(
        "--writers",
        type=read_ranges,
        metavar="LIST",
        default=set(TEST_WRITERS),
        help="as in 21-30,4 (default: 26-30, which no released net has learned from)",
    )


def read_strokes(args: argparse.Namespace) -> list[PenDigit]:
    """The digits of the chosen writers. Raises UserError for none of them, or a count of none."""
    from mnist_demo.datasets import data_folder

    if args.count < 1:
        raise UserError(f"--count is {args.count}; choose 1 or more")
    path = args.strokes or data_folder() / FILE
    if not args.strokes and not path.is_file():
        raise UserError(f"there are no pen strokes at {path}; name the file with --strokes")
    digits = [d for d in load_pen_digits(path) if d.writer in args.writers]
    if not digits:
        raise UserError(f"{path} has no digit of these writers; choose others with --writers")
    return digits


def run(args: argparse.Namespace) -> dict[str, Any]:
    if args.seeds < 1:
        raise UserError(f"--seeds is {args.seeds}; choose 1 or more")
    digits = read_strokes(args)
    checkpoint = read_digit_net(args.checkpoint)
    seeds = list(range(args.seeds))
    runs = [measure(checkpoint.net, digits, args.count, seed) for seed in seeds]
    return {
        "machine": describe_machine("torch", "numpy", "pillow"),
        "net": checkpoint.name,
        "writers": sorted({digit.writer for digit in digits}),
        "digits": min(args.count, len(digits)),
        "seeds": seeds,
        "accuracy": {name: [run[name] for run in runs] for name in METHODS},
    }


def measure(net: Any, digits: Sequence[PenDigit], count: int, seed: int) -> dict[str, float]:
    """The accuracy of each method on `count` of the digits, drawn once."""
    from mnist_demo.classify import probabilities_of

    rng = np.random.default_rng(seed)
    chosen = [digits[i] for i in rng.permutation(len(digits))[:count]]
    truth = np.array([digit.label for digit in chosen])
    inks = [draw_anywhere(digit.strokes, rng) for digit in chosen]
    return {
        name: float(np.mean(probabilities_of(net, read(method, inks)).argmax(1) == truth))
        for name, method in METHODS.items()
    }


def read(method: Method, inks: Sequence[np.ndarray]) -> np.ndarray:
    """(N, 28, 28); black where the method finds no ink, which no net can answer rightly."""
    pictures = np.zeros((len(inks), SIDE, SIDE), dtype=np.float32)
    for picture, ink in zip(pictures, inks, strict=True):
        try:
            picture[:] = method(ink)
        except NoInkError:
            continue
    return pictures


def read_ranges(text: str) -> set[int]:
    """ "21-30,4" to the numbers it names."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def format_report(result: dict[str, Any]) -> str:
    writers = len(result["writers"])
    lines = [
        machine_line(result["machine"]),
        f"net {result['net']}; {result['digits']} digits of {writers} writers, drawn with each "
        f"of the seeds {result['seeds']}",
        "",
        f"{'preprocessing':28}{'mean':>8}  lowest to highest",
    ]
    for name, values in result["accuracy"].items():
        mean = sum(values) / len(values)
        lines.append(f"{name:28}{mean:>8.2%}  {min(values):.2%} to {max(values):.2%}")
    return "\n".join(lines)
