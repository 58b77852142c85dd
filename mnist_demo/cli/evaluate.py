"""`evaluate`: how well a net does on digits that it was not trained on."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mnist_demo.cli.common import add_checkpoint, add_data_dir, add_json, read_checkpoint
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    from mnist_demo.checkpoint import Checkpoint
    from mnist_demo.datasets import Dataset, Split
    from mnist_demo.evaluate import Evaluation

HELP = "accuracy, loss and confusion matrix of a net"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    parser.add_argument(
        "--split",
        choices=("test", "validation"),
        help="default: the largest set of digits that the net was not trained on",
    )
    parser.add_argument("--dataset", help="mnist or sample (default: MNIST where it is on disk)")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the fastest)")
    add_data_dir(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    checkpoint = read_checkpoint(args.checkpoint)

    from mnist_demo.datasets import best_available, load_dataset
    from mnist_demo.device import pick_device
    from mnist_demo.evaluate import evaluate

    data = load_dataset(args.dataset or best_available(args.data_dir), args.data_dir)
    if checkpoint.labels != data.labels:
        raise UserError(
            f"the net knows the classes {', '.join(checkpoint.labels)}, which are not those of "
            f"{data.name!r}; choose a data set with --dataset"
        )
    split, name = choose_split(args.split, checkpoint, data)
    device = pick_device(args.device)
    result = evaluate(checkpoint.net.to(device), split.to(device))
    if args.json:
        report = {
            "checkpoint": str(args.checkpoint or "released"),
            "net": checkpoint.name,
            "trained_on": checkpoint.dataset,
            "dataset": data.name,
            "digits": name,
            "count": len(split),
            "accuracy": result.accuracy,
            "correct": result.correct,
            "loss": result.loss,
            "per_class": dict(zip(data.labels, result.per_class.tolist(), strict=True)),
            "confusion": result.confusion.tolist(),
        }
        print(json.dumps(report, indent=2))
    else:
        print(f"net {checkpoint.name}, trained on {checkpoint.dataset}; judged by {name}")
        print(describe(result, data.labels))
    return 0


def choose_split(wanted: str | None, checkpoint: Checkpoint, data: Dataset) -> tuple[Split, str]:
    """The digits to judge a net by and what they are, in words."""
    from mnist_demo.datasets import unseen_by

    if wanted == "test" and data.test is None:
        raise UserError(
            f"{data.title} has no test set; fetch full MNIST with `python -m mnist_demo "
            "download`, or leave --split out"
        )
    if wanted != "validation":
        split, name = unseen_by(checkpoint.dataset, data)
    else:
        split = data.validation
        name = f"the {len(split):,} validation digits of {data.title}"
    sample_in_mnist = checkpoint.dataset == "sample" and data.name == "mnist"
    if split is not data.test and (sample_in_mnist or checkpoint.config.get("holdout")):
        name += ", some of which this net was trained on"
    return split, name


def describe(result: Evaluation, labels: tuple[str, ...]) -> str:
    """Accuracy and loss, the confusion matrix and the accuracy of each class."""
    lines = [
        f"accuracy {result.accuracy:.2%}  ({result.correct} of {len(result.truth)})  "
        f"loss {result.loss:.4f}",
        "",
        "true \\ predicted",
        "      " + "".join(f"{label:>6}" for label in labels) + "  accuracy",
    ]
    for label, row, part in zip(labels, result.confusion, result.per_class, strict=True):
        lines.append(f"{label:>6}" + "".join(f"{count:>6}" for count in row) + f"  {part:>8.2%}")
    return "\n".join(lines)
