"""`ensemble`: several nets in one file, which answer together."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import refuse_place, told_of

HELP = "put several nets into one file, to answer together"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "nets", nargs="+", type=Path, metavar="NET.safetensors", help="2 to 5 nets of one kind"
    )
    parser.add_argument(
        "--how",
        choices=("mean", "vote"),
        default="mean",
        help="mean of their probabilities, or a majority vote where the mean decides between "
        "equals (default: mean)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors")


def run(args: argparse.Namespace) -> int:
    refuse_place(args.out, *args.nets)

    from mnist_demo.checkpoint import combine, load_checkpoint, save_checkpoint
    from mnist_demo.ensemble import MAX_MEMBERS
    from mnist_demo.errors import UserError

    if not 2 <= len(args.nets) <= MAX_MEMBERS:  # before any is read
        raise UserError(f"{len(args.nets)} files; name 2 to {MAX_MEMBERS} nets")
    together = combine([load_checkpoint(path) for path in args.nets], args.how)
    path = save_checkpoint(together, args.out)
    print(f"{told_of(together)}; wrote {path}")
    return 0
