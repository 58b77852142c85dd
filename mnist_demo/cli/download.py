"""`download`: fetches MNIST."""

from __future__ import annotations

import argparse

from mnist_demo.cli.common import add_data_dir

HELP = "fetch MNIST into the data folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_dir(parser)
    parser.add_argument(
        "--mirror",
        action="append",
        metavar="URL",
        help="a folder on the web that has MNIST's .gz files; may be repeated "
        "(default: torchvision's mirrors)",
    )


def run(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from mnist_demo.datasets import data_folder
    from mnist_demo.download import download_mnist

    folder = data_folder(args.data_dir)
    source: tuple[str, str] | None = None
    with tqdm(unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for progress in download_mnist(folder, args.mirror):
            if (progress.mirror, progress.file) != source:
                source = (progress.mirror, progress.file)
                bar.reset(progress.total)
                bar.set_description(f"{progress.file} ({progress.number} of {progress.files})")
            bar.update(progress.done - bar.n)
    print(f"MNIST is in {folder}" + ("" if source else ", as before"))
    return 0
