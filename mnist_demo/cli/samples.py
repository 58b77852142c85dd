"""`samples`: a few images with what a net says of them, as one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import (
    add_checkpoint,
    add_data_dir,
    add_image_root,
    check_ending,
    read_checkpoint,
)
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file

HELP = "save a sample of predictions as a picture, titled predicted (true)"
MOST = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    parser.add_argument(
        "--dataset",
        metavar="NAME|PATH",
        help="as for `evaluate` (default: what the net was trained on; for digits MNIST, else "
        "sample)",
    )
    parser.add_argument("--count", type=int, default=16, help=f"1 to {MOST} (default: 16)")
    parser.add_argument("--seed", type=int, default=1, help="decides the sample (default: 1)")
    add_image_root(parser)
    add_data_dir(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.count <= MOST:
        raise UserError(f"--count is {args.count}; choose from 1 to {MOST}")
    check_ending(args.out, ".png")
    checkpoint = read_checkpoint(args.checkpoint)

    import numpy as np
    import torch

    from mnist_demo.cli.evaluate import choose_split
    from mnist_demo.datasets import best_available, load_dataset
    from mnist_demo.evaluate import evaluate
    from mnist_demo.figures import png_of, samples_figure
    from mnist_demo.judging import OF_DIGITS
    from mnist_demo.match import check_same_classes

    trained_on, _ = checkpoint.learned_from[0]
    digits = trained_on in OF_DIGITS
    name = args.dataset or (best_available(args.data_dir) if digits else trained_on)
    data = load_dataset(name, args.data_dir, root=args.image_root)
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
    print(f"{result.correct} of {count} right, a sample of the {words}; wrote {args.out}")
    return 0
