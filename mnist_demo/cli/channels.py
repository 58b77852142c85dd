"""`channels`: the channels of one image with their pixels' values, as one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import add_dataset, check_ending, load_data, part_with
from mnist_demo.faults import save_file

HELP = "save one image's red, green and blue channels with the pixel values written in"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", type=int, metavar="INDEX", help="of the image, from 0")
    parser.add_argument(
        "--split", choices=("train", "validation", "test"), default="train", help="default: train"
    )
    add_dataset(parser, "cifar10")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")


def run(args: argparse.Namespace) -> int:
    check_ending(args.out, ".png")

    from mnist_demo.figures import channels_picture, png_bytes

    data = load_data(args, "cifar10")
    split = part_with(data, args.split, args.index)
    label = data.labels[int(split.labels[args.index])]
    title = f"{args.split} image {args.index} of {data.title}: {label}"
    save_file(args.out, png_bytes(channels_picture(split.images[args.index].numpy())))
    print(f"{title}; wrote {args.out}")
    return 0
