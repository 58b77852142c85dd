"""`benchmark own`: what some of a writer's own digits do for the others of the same hand.

For each writer a net learns from the embedded sample alone, as the Train tab does with its
defaults, and another one from the writer's first digits beside it; both read the rest.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.drawn import add_strokes, full, read, read_strokes
from mnist_demo.errors import UserError
from mnist_demo.strokes import PenDigit, draw_anywhere

if TYPE_CHECKING:
    from torch import nn

    from mnist_demo.datasets import Dataset, Split

WAYS = ("without", "with")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_strokes(parser)
    parser.add_argument(
        "--count", type=int, default=3, help="of each digit, to learn from (default: 3)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="nets of each kind (default: 3)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    from mnist_demo.datasets import cut, load_dataset
    from mnist_demo.datasets.beside import learn_beside
    from mnist_demo.evaluate import evaluate

    if args.seeds < 1:
        raise UserError(f"--seeds is {args.seeds}; choose 1 or more")
    digits = read_strokes(args)
    writers = sorted({digit.writer for digit in digits})
    hands = {writer: _drawn([d for d in digits if d.writer == writer]) for writer in writers}
    parts = {writer: cut(hand, args.count) for writer, hand in hands.items()}
    if not all(len(rest) for rest, _ in parts.values()):
        raise UserError(
            f"some writer has no more than {args.count} of each; choose a lower --count"
        )
    sample, seeds = load_dataset("sample"), list(range(1, args.seeds + 1))
    accuracies: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    held_out: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in seeds:
        alone = _net(sample, seed)
        pairs = [(alone, _net(learn_beside(sample, own), seed)) for _, own in parts.values()]
        for way, nets in zip(WAYS, zip(*pairs, strict=True), strict=True):
            rests = [rest for rest, _ in parts.values()]
            both = zip(nets, rests, strict=True)
            accuracies[way].append([evaluate(net, rest).accuracy for net, rest in both])
            known = [evaluate(net, sample.validation).accuracy for net in nets]
            held_out[way].append(sum(known) / len(known))
    return {
        "machine": describe_machine("torch", "numpy"),
        "writers": writers,
        "each": args.count,
        "seeds": seeds,
        "digits": [len(rest) for rest, _ in parts.values()],
        "accuracy": accuracies,
        "sample_accuracy": held_out,
    }


def _drawn(digits: Sequence[PenDigit]) -> Split:
    """One hand's digits, drawn anywhere on the pad and read as it reads them."""
    import torch

    from mnist_demo.datasets import Split

    inks = [draw_anywhere(d.strokes, np.random.default_rng(i)) for i, d in enumerate(digits)]
    images = torch.from_numpy(np.round(255 * read(full, inks)).astype(np.uint8))
    return Split(images[:, None], torch.tensor([digit.label for digit in digits]))


def _net(data: Dataset, seed: int) -> nn.Module:
    from mnist_demo.config import TrainConfig
    from mnist_demo.nets import build_net
    from mnist_demo.train import keep, train

    config = TrainConfig(dataset="sample", seed=seed)
    net = build_net(config.net, seed)
    for _ in keep(train(net, data.train, data.validation, config), net, config.keep):
        pass
    return net.eval()


def format_report(result: dict[str, Any]) -> str:
    lines = [
        machine_line(result["machine"]),
        f"{10 * result['each']} digits of each of the writers {result['writers']} beside the "
        f"embedded sample, or none; read are their other {sum(result['digits'])}, by nets of the "
        f"seeds {result['seeds']}",
        "",
        f"{'own digits':12}{'mean':>8}  {'by writer':50}  the sample's held-out digits",
    ]
    for way in WAYS:
        by_writer = np.mean(result["accuracy"][way], axis=0)
        mean = np.average(by_writer, weights=result["digits"])
        each = ", ".join(f"{value:.2%}" for value in by_writer)
        known = np.mean(result["sample_accuracy"][way])
        lines.append(f"{way:12}{mean:>8.2%}  {each:50}  {known:.2%}")
    return "\n".join(lines)
