"""`inside`: what goes on inside a net while it reads a picture, as one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import add_checkpoint, check_ending, read_digit_net, refuse_place
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file

HELP = "save what each layer makes of a digit, and what the answer rests on, as a picture"
DOTS = 200  # an inch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=Path, metavar="FILE", help="a picture of one digit")
    add_checkpoint(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")


def run(args: argparse.Namespace) -> int:
    check_ending(args.out, ".png")
    refuse_place(args.out, args.picture, args.checkpoint)
    checkpoint = read_digit_net(args.checkpoint)

    from mnist_demo.checkpoint import released_sceptic
    from mnist_demo.classify import classify_image
    from mnist_demo.figures import inside_figure, png_of
    from mnist_demo.ink import open_image
    from mnist_demo.inside import look_inside

    answer = classify_image(checkpoint.net, open_image(args.picture), released_sceptic())
    if answer.parts:
        raise UserError(
            f"{args.picture} shows {len(answer.parts)} digits side by side ({answer.text}); cut "
            "out one of them"
        )
    inside = look_inside(checkpoint.net, answer.steps.centred)
    title = f"Inside {checkpoint.title}: a {inside.digit}, {answer.confidence:.1%} sure"
    save_file(args.out, png_of(inside_figure(inside, title), DOTS))
    doubt = "looks like no digit; if it is one, then " if answer.is_strange else ""
    print(
        f"{args.picture}: {doubt}{inside.digit} ({answer.confidence:.1%}); "
        f"{len(inside.stages)} layers; wrote {args.out}"
    )
    return 0
