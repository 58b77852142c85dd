"""CIFAR-10 (Krizhevsky 2009): 32x32 colour images of ten kinds of things.

From torchvision's archive where it lies in the data folder, else from an image folder
`cifar10/{train,test}/<class>/`, also zipped: thousands of small files, so they are decoded
once and kept in one file.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from mnist_demo.datasets.base import Dataset, Split, cut_at_random
from mnist_demo.datasets.files import pictures_in
from mnist_demo.datasets.made import cached
from mnist_demo.datasets.pictures import colour_pixels
from mnist_demo.errors import UserError

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
ARCHIVE = "cifar-10-batches-py"  # torchvision's, unpacked
IMAGE_FOLDER = "cifar10"
ZIPPED = "cifar10-jpeg.zip"
VALIDATION = 0.2  # of the training images, as the tutorial does
FULL = {"train": 50_000, "test": 10_000}
MAX_FILES = 100_000
MAX_FILE = 2**20  # bytes
MEMBER = re.compile(rf"(train|test)/({'|'.join(CLASSES)})/[^/]+\.(?:jpe?g|png)", re.IGNORECASE)

Parts = dict[str, Split]


def cifar_is_in(folder: Path) -> bool:
    places = (folder / ARCHIVE).is_dir(), (folder / IMAGE_FOLDER).is_dir()
    return any(places) or (folder / ZIPPED).is_file()


def load_cifar10(folder: Path) -> Dataset:
    """40,000 images to train, 10,000 to validate (a fifth, by seed 42), 10,000 to test."""
    if (folder / ARCHIVE).is_dir():
        parts, title = _of_archive(folder), "CIFAR-10"
    elif (folder / IMAGE_FOLDER).is_dir():
        source = folder / IMAGE_FOLDER
        is_lossy = any(source.glob("*/*/*.[jJ][pP]*"))
        parts = _decoded(source, folder)
        title = "CIFAR-10 (JPEG re-encoded)" if is_lossy else "CIFAR-10"
    elif (folder / ZIPPED).is_file():
        parts, title = _decoded(folder / ZIPPED, folder), "CIFAR-10 (JPEG re-encoded)"
    else:
        raise UserError(
            f'CIFAR-10 is not in {folder}; fetch it with `python -c "from torchvision.datasets '
            f"import CIFAR10; CIFAR10('{folder}', download=True)\"`, or put there an image folder "
            f"{IMAGE_FOLDER}/{{train,test}}/<class>/ or {ZIPPED}"
        )
    counts = {part: len(split) for part, split in parts.items()}
    if counts != FULL:
        title += f", {counts['train']:,} + {counts['test']:,} images of it"
    train, validation = cut_at_random(parts["train"], VALIDATION)
    return Dataset("cifar10", title, train, validation, parts["test"], CLASSES, "images")


def _of_archive(folder: Path) -> Parts:
    from torchvision.datasets import CIFAR10  # checks each file's md5 before it unpickles it

    parts = {}
    for part in FULL:
        try:
            raw = CIFAR10(str(folder), train=part == "train", download=False)
        except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
            raise UserError(
                f"the files in {folder / ARCHIVE} are damaged; delete that folder and fetch "
                "CIFAR-10 again"
            ) from error
        images = torch.from_numpy(raw.data.transpose(0, 3, 1, 2).copy())
        parts[part] = Split(images, torch.tensor(raw.targets))
    return parts


def _decoded(source: Path, folder: Path) -> Parts:
    """The images of a folder or zip: from the cache, else decoded and put there."""

    def make() -> dict[str, torch.Tensor]:
        decoded = _of_members(_zipped(source) if source.is_file() else _unzipped(source), source)
        images = {f"{part}.x": split.images for part, split in decoded.items()}
        return images | {f"{part}.y": split.labels for part, split in decoded.items()}

    keys = {f"{part}.{letter}" for part in FULL for letter in "xy"}
    tensors = cached(f"cifar10-{_fingerprint(source)}.safetensors", folder, keys, make)
    return {part: Split(tensors[f"{part}.x"], tensors[f"{part}.y"]) for part in FULL}


def _of_members(members: Iterator[tuple[str, Path | bytes]], source: Path) -> Parts:
    images: dict[str, list[np.ndarray]] = {part: [] for part in FULL}
    labels: dict[str, list[int]] = {part: [] for part in FULL}
    for name, content in members:
        part, label = name.lower().split("/")[:2]
        try:
            images[part].append(colour_pixels(content))
        except UserError as error:
            raise UserError(f"{source}, {name}: {error}") from error
        labels[part].append(CLASSES.index(label))
        if len(images[part]) > MAX_FILES:
            raise UserError(f"{source} has more than {MAX_FILES:,} images; that is not CIFAR-10")
    for part in FULL:
        missing = [name for i, name in enumerate(CLASSES) if i not in labels[part]]
        if missing:
            raise UserError(f"{source} has no images in {part}/{missing[0]}; get it again")
    return {
        part: Split(torch.from_numpy(np.stack(images[part])), torch.tensor(labels[part]))
        for part in FULL
    }


def _unzipped(source: Path) -> Iterator[tuple[str, Path | bytes]]:
    for path in pictures_in(source):
        name = path.relative_to(source).as_posix()
        if MEMBER.fullmatch(name):
            yield name, path


def _zipped(source: Path) -> Iterator[tuple[str, Path | bytes]]:
    try:
        with zipfile.ZipFile(source) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                if MEMBER.fullmatch(info.filename) and info.file_size <= MAX_FILE:
                    yield info.filename, archive.read(info)
    except (
        *(OSError, EOFError, zipfile.BadZipFile, zlib.error),
        *(RuntimeError, NotImplementedError),  # locked, or packed in another way
    ) as error:
        raise UserError(f"{source} is damaged ({error}); get it again") from error


def _fingerprint(source: Path) -> str:
    """Changes whenever the zip does, or a class's folder gets or loses a file."""
    places = [source] if source.is_file() else [p for p in source.glob("*/*") if p.is_dir()]
    stats = [(str(place), place.stat()) for place in sorted(places)]
    text = repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
