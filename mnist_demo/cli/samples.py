"""`samples`: a few images with what a net says of them, as one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import (
    OF_THE_NET,
    add_checkpoint,
    add_dataset,
    check_ending,
    load_data,
    printable,
    read_checkpoint,
)
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file

HELP = "save a sample of predictions as a picture, titled predicted (true)"
MOST = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    add_dataset(parser, OF_THE_NET)
    parser.add_argument("--count", type=int, default=16, help=f"1 to {MOST} (default: 16)")
    parser.add_argument("--seed", type=int, default=1, help="decides the sample (default: 1)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.count <= MOST:
        raise UserError(f"--count is {args.count}; choose from 1 to {MOST}")
    check_ending(args.out, ".png")
    checkpoint = read_checkpoint(args.checkpoint)

    import numpy as np
    import torch

    from mnist_demo.cli.evaluate import choose_split
    from mnist_demo.evaluate import evaluate
    from mnist_demo.figures import png_of, samples_figure
    from mnist_demo.judging import name_to_judge
    from mnist_demo.match import check_same_classes

    data = load_data(args, name_to_judge(checkpoint, args.data_dir))
    check_same_classes(checkpoint, data)
    split, words = choose_split(None, checkpoint, data, args.data_dir)
    count = min(args.count, len(split))
    chosen = np.random.default_rng(abs(args.seed)).choice(len(split), count, replace=False)
    part = split.take(torch.from_numpy(chosen))
    result = evaluate(checkpoint.net, part)
    figure = samples_figure(
        part.images.numpy(), result.truth.tolist(), result.predicted.tolist(), data.labels
    )
    save_file(args.out, png_of(figure))
    print(
        f"{result.correct} of {count} right, a sample of the {printable(words)}; wrote {args.out}"
    )
    return 0
