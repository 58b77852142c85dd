"""`channels`: the channels of one image with their pixels' values, as one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import add_data_dir, add_image_root, check_ending
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file

HELP = "save one image's red, green and blue channels with the pixel values written in"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", type=int, metavar="INDEX", help="of the image, from 0")
    parser.add_argument(
        "--dataset", metavar="NAME|PATH", default="cifar10", help="default: cifar10"
    )
    parser.add_argument(
        "--split", choices=("train", "validation", "test"), default="train", help="default: train"
    )
    add_image_root(parser)
    add_data_dir(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png")


def run(args: argparse.Namespace) -> int:
    check_ending(args.out, ".png")

    from mnist_demo.browse import png_bytes
    from mnist_demo.datasets import load_dataset
    from mnist_demo.figures import channels_picture

    data = load_dataset(args.dataset, args.data_dir, root=args.image_root)
    split = data.part(args.split)
    if not 0 <= args.index < len(split):
        raise UserError(
            f"there is no image {args.index} in the {args.split} part of {data.title}; "
            f"choose from 0 to {len(split) - 1}"
        )
    label = data.labels[int(split.labels[args.index])]
    title = f"{args.split} image {args.index} of {data.title}: {label}"
    save_file(args.out, png_bytes(channels_picture(split.images[args.index].numpy())))
    print(f"{title}; wrote {args.out}")
    return 0
