"""A data set as PNG files with label lists, and back without losing a bit.

The form is `images/train_0_5.png<TAB>5`, PaddleOCR's for recognition; PNG, for JPEG
would change the pixels. `load_dataset(folder)` reads it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mnist_demo.datasets.base import Split
from mnist_demo.datasets.files import check_label
from mnist_demo.datasets.pictures import to_image
from mnist_demo.errors import UserError
from mnist_demo.faults import not_written
from mnist_demo.files import write_whole

IMAGES = "images"
Watch = Callable[[Iterable[int]], Iterable[int]]


def export_parts(
    parts: Mapping[str, Split],
    labels: tuple[str, ...],
    folder: Path,
    watch: Watch = iter,
) -> list[Path]:
    """Writes each part's pictures and its list `folder`/PART.txt; the paths of the lists.

    `watch` goes round each part's numbers, as tqdm does. Raises UserError where a list is
    there already, would not be read again or the disk refuses.
    """
    for label in labels:
        try:
            check_label(label, labels[0], f"{folder}, the lists")
        except UserError as error:
            raise UserError(
                f"{error}; name the classes' folders anew, as in kind-{label}"
            ) from error
    for path in (folder / f"{part}.txt" for part in parts):
        if path.exists():
            raise UserError(f"{path} is there already; choose another folder with --out")
    try:
        return write_parts(parts, labels, folder, watch)
    except OSError as error:
        raise not_written(folder, error, "choose another folder with --out") from error


def write_parts(
    parts: Mapping[str, Split], labels: tuple[str, ...], folder: Path, watch: Watch = iter
) -> list[Path]:
    """What `export_parts` writes, over what lies there. Raises OSError where the disk refuses."""
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    lists = []
    for part, split in parts.items():
        lines = [_write(folder, part, split, i, labels) for i in watch(range(len(split)))]
        lists.append(folder / f"{part}.txt")
        write_whole(lists[-1], "".join(lines).encode())  # last: a list has all its pictures
    return lists


def _write(folder: Path, part: str, split: Split, index: int, labels: tuple[str, ...]) -> str:
    label = labels[int(split.labels[index])]
    name = f"{IMAGES}/{part}_{index}_{re.sub(r'[^A-Za-z0-9_-]', '-', label)}.png"
    to_image(split.images[index].numpy()).save(folder / name)
    return f"{name}\t{label}\n"
