"""`calibrate`: a net that is as sure as it is right."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from mnist_demo.cli.common import (
    add_checkpoint,
    add_data_dir,
    add_image_root,
    read_checkpoint,
    refuse_place,
)
from mnist_demo.errors import UserError

HELP = "divide a net's logits by the temperature that suits its validation images best"
LEAST = 500  # validation images; of fewer, one that is read wrong decides the temperature


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_image_root(parser)
    add_data_dir(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the new net")


def run(args: argparse.Namespace) -> int:
    refuse_place(args.out)

    import torch

    from mnist_demo.calibration import calibration_error, cooled, reliability, temperature_of
    from mnist_demo.card import number
    from mnist_demo.checkpoint import save_checkpoint
    from mnist_demo.datasets import hold_out, load_dataset
    from mnist_demo.evaluate import evaluate, infer_in_chunks
    from mnist_demo.judging import changed_since
    from mnist_demo.match import check_same_classes

    checkpoint = read_checkpoint(args.checkpoint)
    if checkpoint.members:  # the mean's temperature is not its members', and a vote has none
        raise UserError(
            f"{checkpoint.title}: a temperature suits a single net; calibrate each of them and "
            "join them again with `ensemble`"
        )
    ((trained_on, holdout),) = checkpoint.learned_from
    data = load_dataset(trained_on, args.data_dir, root=args.image_root)
    check_same_classes(checkpoint, data)
    if changed := changed_since(checkpoint, data, args.data_dir):
        raise UserError(f"{changed}; train it again, and calibrate that net")
    data = hold_out(data, holdout) if holdout else data
    part = data.validation
    if len(part) < LEAST:
        raise UserError(
            f"{len(part)} validation {data.noun} of {data.title} are too few to find a "
            f"temperature by; train the net with a larger --holdout, so that {LEAST} are held out"
        )
    before = calibration_error(reliability(evaluate(checkpoint.net, part)))
    logits = torch.cat(list(infer_in_chunks(checkpoint.net, part.images)))
    temperature = temperature_of(logits, part.labels)
    net = cooled(checkpoint.net, temperature)
    result = evaluate(net, part)
    after = calibration_error(reliability(result))
    earlier = number(checkpoint.metrics.get("temperature")) or 1.0  # what it was divided by
    metrics = checkpoint.metrics | {
        "validation_accuracy": result.accuracy,
        "validation_loss": result.loss,
        "temperature": round(earlier * temperature, 4),
    }
    path = save_checkpoint(replace(checkpoint, net=net, metrics=metrics), args.out)
    print(
        f"temperature {temperature:.3f}: expected calibration error {before:.2%} before, "
        f"{after:.2%} after, on {len(part):,} validation images; saved to {path}"
    )
    return 0
