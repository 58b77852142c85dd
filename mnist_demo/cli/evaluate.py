"""`evaluate`: how well a net does on digits that it was not trained on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_demo.cli.common import (
    OF_THE_NET,
    add_checkpoint,
    add_dataset,
    add_device,
    add_json,
    check_ending,
    load_data,
    printable,
    read_checkpoint,
    told_of,
)
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file

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
    add_dataset(parser, OF_THE_NET)
    parser.add_argument(
        "--reliability",
        type=Path,
        metavar="FILE.png",
        help="a picture of how often the net is right against how sure it is",
    )
    parser.add_argument(
        "--views",
        action="store_true",
        help="the mean over each image and its four shifts by a pixel, of a photo its mirror "
        "image's too: five or ten times the work",
    )
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.reliability:
        check_ending(args.reliability, ".png")
    checkpoint = read_checkpoint(args.checkpoint)

    from mnist_demo.calibration import BINS, calibration_error, reliability
    from mnist_demo.device import pick_device
    from mnist_demo.evaluate import evaluate
    from mnist_demo.figures import png_of, reliability_figure
    from mnist_demo.judging import name_to_judge
    from mnist_demo.match import check_same_classes
    from mnist_demo.views import Views

    data = load_data(args, name_to_judge(checkpoint, args.data_dir))
    check_same_classes(checkpoint, data)
    split, name = choose_split(args.split, checkpoint, data, args.data_dir)
    device = pick_device(args.device)
    net = Views(checkpoint.net) if args.views else checkpoint.net
    result = evaluate(net.to(device), split.to(device))
    bins = reliability(result)
    if args.reliability:
        save_file(args.reliability, png_of(reliability_figure(bins)))
    if args.json:
        report = {
            "checkpoint": str(args.checkpoint or "released"),
            "net": checkpoint.name,
            "trained_on": checkpoint.dataset,
            "dataset": data.name,
            "digits": name,
            "count": len(split),
            "views": args.views,
            "accuracy": result.accuracy,
            "correct": result.correct,
            "loss": result.loss,
            "calibration_error": calibration_error(bins),
            "per_class": dict(zip(data.labels, result.per_class, strict=True)),
            "confusion": result.confusion.tolist(),
        }
        print(json.dumps(report, indent=2))
    else:
        print(f"net {told_of(checkpoint)}; judged by {printable(name)}")
        print(describe(result, tuple(map(printable, data.labels))))
        print(f"\nexpected calibration error {calibration_error(bins):.2%}, in {BINS} bins")
    return 0


def choose_split(
    wanted: str | None, checkpoint: Checkpoint, data: Dataset, folder: Path | None = None
) -> tuple[Split, str]:
    """The images to judge a net by and what they are, in words."""
    from mnist_demo.datasets import load_dataset, training_images, without
    from mnist_demo.judging import beside_in_question, changed_since, images_beside, unseen
    from mnist_demo.material import images_of

    def load(name: str) -> Dataset:
        return data if name == data.name else load_dataset(name, folder)

    def read(name: str) -> Split:
        return images_of(name, folder)[0]

    if wanted == "test" and data.test is None:
        raise UserError(
            f"{data.title} has no test set; fetch full MNIST with `python -m mnist_demo "
            "download`, or leave --split out"
        )
    changed = changed_since(checkpoint, data, folder)
    told = f"; {changed}" if changed else ""
    if wanted != "validation":
        split, name = unseen(checkpoint, data, load, read)
        return split, name + told
    name = f"the {len(data.validation):,} validation {data.noun} of {data.title}"
    rest = data.validation
    for trained_on, holdout in checkpoint.learned_from:
        if trained_on == data.name and not holdout:
            continue
        seen = training_images(trained_on, holdout, load)
        if seen is None:
            name += f"; {trained_on} is not here to see whether this net was trained on any"
        else:
            rest = without(rest, seen)
    has_own = any(holdout for _, holdout in checkpoint.learned_from)  # a validation part
    beside = checkpoint.learned_beside if has_own else beside_in_question(checkpoint, data)
    for file in beside:
        own = images_beside(file, load, read)
        if own is None:
            name += f"; {file} is not here to see whether this net was trained on any"
        else:
            rest = without(rest, own)
    if known := len(data.validation) - len(rest):
        name += f", {known:,} of which this net was trained on"
    return data.validation, name + told


def describe(result: Evaluation, labels: tuple[str, ...]) -> str:
    """Accuracy and loss, the confusion matrix and the accuracy of each class."""
    wide = max(6, *(len(label) + 1 for label in labels))
    lines = [
        f"accuracy {result.accuracy:.2%}  ({result.correct} of {len(result.truth)})  "
        f"loss {result.loss:.4f}",
        "",
        "true \\ predicted",
        " " * wide + "".join(f"{label:>{wide}}" for label in labels) + "  accuracy",
    ]
    for label, row, part in zip(labels, result.confusion, result.per_class, strict=True):
        cells = "".join(f"{count:>{wide}}" for count in row)
        accuracy = "-" if part is None else f"{part:.2%}"
        lines.append(f"{label:>{wide}}{cells}  {accuracy:>8}")
    return "\n".join(lines)
