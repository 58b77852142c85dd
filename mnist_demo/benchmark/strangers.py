"""`benchmark strangers`: whether drawings that are no digit are known from those that are.

Digits of writers that nothing was learned from, against letters, shapes and scribbles of
fonts and kinds that nothing was learned from. AUROC: how often a stranger is doubted more
than a digit, over all pairs of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.drawn import add_strokes, read_strokes
from mnist_demo.cli.common import add_checkpoint, read_digit_net
from mnist_demo.errors import UserError
from mnist_demo.hands import Rng
from mnist_demo.strangers import KINDS, any_letter, in_a_row, in_another_hand, printed
from mnist_demo.strokes import PenDigit, Stroke, draw_anywhere

if TYPE_CHECKING:
    from torch import nn

    from mnist_demo.classify import Answer

Maker = Callable[[Rng, Sequence[PenDigit]], Sequence[Stroke]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_strokes(parser)
    parser.add_argument(
        "--sceptic", type=Path, metavar="FILE", help="the net that doubts (default: the released)"
    )
    parser.add_argument("--count", type=int, default=500, help="drawings of a kind (default: 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the drawings (default: 0)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    from mnist_demo.checkpoint import SCEPTIC, load_checkpoint
    from mnist_demo.classify import classify_ink
    from mnist_demo.datasets.drawn import until_inked

    digits = read_strokes(args)
    net = read_digit_net(args.checkpoint).answering
    doubting = load_checkpoint(args.sceptic or SCEPTIC)
    if not doubting.is_sceptic:
        raise UserError(
            f"the net {doubting.title} was trained on {doubting.dataset} and doubts nothing; name "
            "one trained on digit-or-not with --sceptic"
        )
    sceptic = doubting.answering

    def draw(make: Maker) -> list[Answer]:
        rng = np.random.default_rng(args.seed)

        def read() -> Answer:
            return classify_ink(net, draw_anywhere(make(rng, digits), rng), sceptic)

        return [until_inked(read) for _ in range(args.count)]

    known = draw(lambda rng, pens: _one_of(pens, rng).strokes)
    print_like = draw(lambda rng, pens: printed(rng, "judge"))
    strange = {kind: draw(_judged(maker)) for kind, maker in KINDS.items()}
    letters = draw(_judged(any_letter))
    doubts = {kind: [a.doubt for a in answers] for kind, answers in strange.items()}
    of_digits = [a.doubt for a in known]
    return {
        "machine": describe_machine("torch", "numpy", "pillow"),
        "drawings": args.count,
        "seed": args.seed,
        "writers": sorted({digit.writer for digit in digits}),
        "auroc": {
            **{kind: auroc(of_digits, found) for kind, found in doubts.items()},
            "all of these": auroc(of_digits, [d for found in doubts.values() for d in found]),
            "any letter, B, O, S and the like too": auroc(of_digits, [a.doubt for a in letters]),
        },
        "digits_called_strange": float(np.mean([a.is_strange for a in known])),
        "printed_digits_called_strange": float(np.mean([a.is_strange for a in print_like])),
        "called_strange": {
            kind: float(np.mean([a.is_strange for a in answers]))
            for kind, answers in strange.items()
        },
        "rows_read": {str(n): rows_read(net, sceptic, digits, n, args) for n in (2, 3)},
    }


def rows_read(
    net: nn.Module, sceptic: nn.Module, digits: Sequence[PenDigit], length: int, args: Any
) -> float:
    """The part of rows of `length` digits of which every digit is read."""
    from mnist_demo.classify import classify_ink

    rng = np.random.default_rng(args.seed)
    right = 0
    for _ in range(args.count):
        row = [_one_of(digits, rng) for _ in range(length)]
        answer = classify_ink(net, draw_anywhere(in_a_row(row, rng), rng), sceptic)
        right += answer.text == "".join(str(digit.label) for digit in row)
    return right / args.count


def auroc(known: Sequence[float], strange: Sequence[float]) -> float:
    """The part of pairs in which the stranger is doubted more, an equal pair counting half."""
    both = np.concatenate([known, strange])
    _, place, count = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    above = ranks[len(known) :].sum() - len(strange) * (len(strange) + 1) / 2
    return float(above / (len(known) * len(strange)))


def _judged(make: Callable[[Rng, str, Sequence[PenDigit]], list[Stroke]]) -> Maker:
    return lambda rng, digits: in_another_hand(make(rng, "judge", digits), rng)


def _one_of(digits: Sequence[PenDigit], rng: Rng) -> PenDigit:
    return digits[int(rng.integers(len(digits)))]


def format_report(result: dict[str, Any]) -> str:
    lines = [
        machine_line(result["machine"]),
        f"{result['drawings']} drawings of a kind, seed {result['seed']}; digits of writers "
        f"{result['writers'][0]} to {result['writers'][-1]}",
        "",
        f"{'digits against':40}{'AUROC':>8}{'called strange':>16}",
    ]
    for kind, value in result["auroc"].items():
        called = result["called_strange"].get(kind)
        lines.append(f"{kind:40}{value:>8.4f}{'' if called is None else f'{called:.1%}':>16}")
    lines += [
        "",
        f"digits called strange {result['digits_called_strange']:.1%}, "
        f"printed ones {result['printed_digits_called_strange']:.1%}",
        *(f"rows of {n} digits read whole {part:.1%}" for n, part in result["rows_read"].items()),
    ]
    return "\n".join(lines)
