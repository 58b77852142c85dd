"""`data`: a data set as files, its figures, one image of it, and own digits made one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_demo.cli.common import (
    add_data_dir,
    add_dataset,
    add_json,
    check_ending,
    load_data,
    part_with,
)
from mnist_demo.faults import save_file

if TYPE_CHECKING:
    import numpy as np

HELP = "export data sets, show their figures and images, import your own digits"
PARTS = ("train", "validation", "test")
SAVED_AS = (".png", ".csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    export = actions.add_parser("export", help="write PNG files with a label list for each part")
    add_dataset(export)
    export.add_argument("--out", type=Path, required=True, metavar="DIR")
    export.add_argument("--split", choices=(*PARTS, "all"), default="all")
    export.set_defaults(action=_export)

    stats = actions.add_parser("stats", help="mean, standard deviation, images of each class")
    add_dataset(stats)
    add_json(stats)
    stats.set_defaults(action=_stats)

    show = actions.add_parser("show", help="print one image as text; save it as PNG or CSV")
    show.add_argument("index", type=int, metavar="INDEX", help="from 0")
    add_dataset(show)
    show.add_argument("--split", choices=PARTS, default="train")
    show.add_argument("--numbers", action="store_true", help="print pixels from 0 to 255")
    show.add_argument(
        "--out",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="save it as FILE.png or FILE.csv; may be repeated",
    )
    show.set_defaults(action=_show)

    imports = actions.add_parser("import", help="make your own digits a data set")
    imports.add_argument(
        "source",
        type=Path,
        metavar="FOLDER|CSV",
        help="photos in folders 0 to 9, or named after their digit as in 7_me.jpg; CSVs of "
        "pixels as the page saves them, in a folder or one by itself",
    )
    imports.add_argument("--name", required=True, help="what --dataset will call it")
    add_data_dir(imports)
    imports.set_defaults(action=_import)


def run(args: argparse.Namespace) -> int:
    code: int = args.action(args)
    return code


def _export(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from mnist_demo.datasets.export import export_parts

    data = load_data(args)
    parts = data.parts if args.split == "all" else {args.split: data.part(args.split)}
    total = sum(map(len, parts.values()))
    with tqdm(total=total, unit="image", leave=False, disable=None) as bar:

        def watch(numbers: Any) -> Any:
            for number in numbers:
                yield number
                bar.update()

        lists = export_parts(parts, data.labels, args.out, watch)
    for path, split in zip(lists, parts.values(), strict=True):
        print(f"{path}: {len(split):,} {data.noun} of {data.title}")
    return 0


def _stats(args: argparse.Namespace) -> int:
    from mnist_demo.datasets.stats import counts_per_class, stats_of, training_part

    data = load_data(args)
    split, which = training_part(data)
    stats = stats_of(split.images)
    counts = {part: counts_per_class(of, data.labels) for part, of in data.parts.items()}
    if args.json:
        report = {
            "dataset": data.name,
            "title": data.title,
            "shape": data.shape,
            "over": which,
            "images": stats.images,
            "mean": stats.mean,
            "std": stats.std,
            "channel_means": stats.channel_means,
            "channel_stds": stats.channel_stds,
            "per_class": counts,
        }
        print(json.dumps(report, indent=2))
        return 0
    print(f"{data.title}: {' x '.join(map(str, data.shape))}")
    print(f"over the {stats.images:,} {data.noun} of {which}, pixels from 0 to 1:")
    print(f"  mean {stats.mean}  standard deviation {stats.std}")
    if len(stats.channel_means) == 3:
        colours = zip(
            ("red", "green", "blue"), stats.channel_means, stats.channel_stds, strict=True
        )
        for colour, mean, std in colours:
            print(f"  {colour:5} mean {mean}  standard deviation {std}")
    width = max(map(len, (*data.labels, "class")))
    print("class".ljust(width) + "".join(f"{part:>12}" for part in counts))
    for label in data.labels:
        print(label.ljust(width) + "".join(f"{of[label]:>12,}" for of in counts.values()))
    sums = (sum(of.values()) for of in counts.values())
    print("all".ljust(width) + "".join(f"{total:>12,}" for total in sums))
    return 0


def _show(args: argparse.Namespace) -> int:
    from mnist_demo.datasets.stats import as_text

    for path in args.out:
        check_ending(path, *SAVED_AS)
    data = load_data(args)
    split = part_with(data, args.split, args.index)
    image = split.images[args.index].numpy()
    for path in args.out:  # before a word is printed, of which `head` may not read the last
        _save_image(image, path)
    print(f"{args.split} {args.index} of {data.title}: {data.labels[split.labels[args.index]]}")
    print(as_text(image, args.numbers))
    for path in args.out:
        print(f"wrote {path}")
    return 0


def _save_image(image: np.ndarray, path: Path) -> None:
    from mnist_demo.datasets.pictures import to_image
    from mnist_demo.datasets.stats import as_csv
    from mnist_demo.figures import png_bytes

    is_table = path.suffix.lower() == ".csv"
    save_file(path, as_csv(image) if is_table else png_bytes(to_image(image)))


def _import(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from mnist_demo.datasets import data_folder
    from mnist_demo.datasets.own import import_digits

    def watch(files: list[Path]) -> Any:
        return tqdm(files, unit="file", leave=False, disable=None)

    done = import_digits(args.source, args.name, data_folder(args.data_dir), watch)
    for path, reason in done.skipped:
        print(f"left out: {path}: {' '.join(reason.split())}", file=sys.stderr)
    print(
        f"{done.read:,} digits, {done.held_out:,} of them held out; left out: "
        f"{len(done.skipped):,}; wrote {done.folder}; use them with --dataset {args.name}"
    )
    return 0
