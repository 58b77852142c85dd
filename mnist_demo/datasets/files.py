"""Data sets of the user's own files: label lists, image folders, a CSV of pixels.

A label list is PaddleOCR's recognition form, `images/train_0_5.png<TAB>5` a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath

import torch

from mnist_demo.datasets.base import DIGITS, Dataset, Split, drawn_apart, held_out_of_them
from mnist_demo.datasets.pictures import Entry, check_alike, read_digits, read_images
from mnist_demo.datasets.pixels import MAX_IMAGES, read_pixels
from mnist_demo.errors import UserError
from mnist_demo.files import PICTURES

PARTS = ("train", "validation", "test")
HELD_OUT = 1 / 6
MAX_LIST_BYTES = 64 * 2**20
FRACTION = re.compile(r"[+-]?\d+[.,]\d*")


def load_files(path: Path, name: str, root: Path | None = None) -> Dataset:
    """The data set at `path`: a list, a CSV, a folder a class, or a folder with these by part.

    A folder may hold train.txt (or train.csv), validation.txt and test.txt, or the image
    folders train, validation and test. Without a validation part a sixth is held out at
    random. `root`: what a list's paths are relative to, its own folder when None.
    Raises UserError that names the file and the line.
    """
    try:
        read = {part: _read(source, root) for part, source in _sources(path).items()}
    except OSError as error:
        place = error.filename or path
        raise UserError(f"{place} cannot be read ({error.strerror or error})") from error
    named = [entry.label for part in read.values() if isinstance(part, list) for entry in part]
    labels = classes_of(named) if named else DIGITS
    if labels != DIGITS and any(isinstance(part, Split) for part in read.values()):
        raise UserError(f"{path} mixes a CSV of digits with pictures of {', '.join(labels)}")
    splits = {part: _split(content, labels) for part, content in read.items()}
    _check_shapes(path, splits)
    noun = "digits" if labels == DIGITS else "images"
    count = sum(map(len, splits.values()))
    train, validation = splits["train"], splits.get("validation")
    title = f"{path.name} ({count:,} {noun}"
    if validation is None:
        train, validation = hold_some_out(path, train)
        title += held_out_of_them(validation)
    return Dataset(name, f"{title})", train, validation, splits.get("test"), labels, noun)


def read_list(path: Path, root: Path | None = None) -> list[Entry]:
    """The pictures of a label list. Raises UserError that names the file and the line."""
    root = root or path.parent
    entries: list[Entry] = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        file, tab, label = line.partition("\t")
        label = label.strip()
        if not tab or not file.strip() or not label or "\t" in label:
            raise UserError(f"{where}: write a picture's path, a tab and its label")
        check_label(label, entries[0].label if entries else label, where)
        entries.append(Entry(_inside(root, file.strip(), where), label, where))
        if len(entries) > MAX_IMAGES:
            raise UserError(f"{path} lists more than {MAX_IMAGES:,} pictures; take fewer")
    if not entries:
        raise UserError(f"{path} is empty; write a picture's path, a tab and its label a line")
    _check_agreed(entries)
    if entries[0].label in DIGITS:
        check_alike(entries)  # things other than digits are compared when they are read
    return entries


def read_folder(folder: Path) -> list[Entry]:
    """The pictures of an image folder, a folder a class, in the order of classes and names."""
    found = (
        Entry(file, place.name, str(file))
        for place in sorted(folder.iterdir())
        if place.is_dir() and not place.name.startswith((".", "__"))
        for file in files_below(place, PICTURES)
    )
    entries = sorted(islice(found, MAX_IMAGES + 1), key=lambda entry: entry.path)
    if len({entry.label for entry in entries}) < 2 and (listed := _only_list(folder)):
        raise UserError(f"{folder} holds a label list; name the list itself: {listed}")
    if not entries:
        raise UserError(
            f"{folder} is no data set: it needs a folder a class with pictures in it, "
            "or a list train.txt"
        )
    if len(entries) > MAX_IMAGES:
        raise UserError(f"{folder} has more than {MAX_IMAGES:,} pictures; take fewer")
    return entries


def pictures_in(folder: Path) -> list[Path]:
    """All picture files below `folder`, in order, as `files_below` finds them."""
    return sorted(files_below(folder, PICTURES))


def files_below(folder: Path, endings: Collection[str]) -> Iterator[Path]:
    """The files at any depth whose names end so, in no order; hidden ones are left out.

    Raises UserError for a folder that cannot be read: what lies in it would be missed, and
    nothing would say so (as `Path.rglob` does).
    """

    def refuse(error: OSError) -> None:
        raise error

    try:
        for place, _, names in os.walk(folder, onerror=refuse):
            for file in (Path(place, name) for name in names if not name.startswith(".")):
                if file.suffix.lower() in endings and file.is_file():
                    yield file
    except OSError as error:
        raise not_read(folder, error) from error


def not_read(path: Path, error: OSError) -> UserError:
    """The error for what the disk refuses to give."""
    return UserError(
        f"{error.filename or path} cannot be read ({error.strerror or error}); give yourself "
        "the right to read it, or leave it out"
    )


def classes_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The ten digits where all are digits; else the names in order, numbers by their value."""
    names = set(labels)
    if names <= set(DIGITS):
        return DIGITS
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def check_label(label: str, first: str, where: str) -> None:
    """Raises UserError for a label that a list beginning with `first` does not take."""
    if FRACTION.fullmatch(label):
        raise UserError(f"{where}: the label {label!r} is no whole number from 0 to 9")
    is_number = label.lstrip("+-").isdecimal()
    if is_number and label not in DIGITS:
        raise UserError(f"{where}: the label {label} is out of range; use 0 to 9")
    if is_number != (first in DIGITS):
        kind = "a number" if first in DIGITS else "a name"
        raise UserError(f"{where}: the label {label!r} is not {kind}, as the first one is")


def _sources(path: Path) -> dict[str, Path]:
    if not path.exists():
        raise UserError(f"there is no {path}; name a label list, a CSV or an image folder")
    if not path.is_dir():
        return {"train": path}
    found = {
        part: path / f"{part}{suffix}"
        for part in PARTS
        for suffix in ("", ".csv", ".txt")
        if (path / f"{part}{suffix}").exists()
    }
    return found if "train" in found else {"train": path}


def _read(path: Path, root: Path | None) -> list[Entry] | Split:
    if path.is_dir():
        return read_folder(path)
    if not path.is_file():  # a device or a pipe, which may never end
        raise UserError(f"{path} is neither a file nor a folder; name a label list or a CSV")
    first = _first_line(path)
    tabs = first.count(b"\t")
    is_csv = tabs != 1 if path.suffix.lower() == ".csv" else b"," in first and not tabs
    return read_pixels(path) if is_csv else read_list(path, root)


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline(1 << 16)


def _only_list(folder: Path) -> Path | None:
    """The one label list in a folder; None where there is none or several."""
    found = [file for file in folder.glob("*.txt") if file.is_file() and _is_list(file)]
    return found[0] if len(found) == 1 else None


def _is_list(path: Path) -> bool:
    """Whether its first line is one of a label list."""
    try:
        file, _, label = _first_line(path).decode("utf-8-sig").partition("\t")
    except (OSError, UnicodeDecodeError):
        return False
    return bool(file.strip() and label.strip()) and "\t" not in label


def _split(content: list[Entry] | Split, labels: tuple[str, ...]) -> Split:
    if isinstance(content, Split):
        return content
    images = read_digits(content) if labels == DIGITS else read_images(content)
    return Split(images, torch.tensor([labels.index(entry.label) for entry in content]))


def hold_some_out(path: Path, split: Split) -> tuple[Split, Split]:
    """The rest and a sixth drawn at random, both in their old order; see `drawn_apart`.

    Raises UserError where there are not two different pictures.
    """
    rest, held_out = drawn_apart(split.images, HELD_OUT, least=1)
    if not len(held_out):
        raise UserError(f"{path} has too few different pictures to hold one out; add more")
    return split.take(rest.sort().values), split.take(held_out.sort().values)


def _check_shapes(path: Path, splits: dict[str, Split]) -> None:
    shapes = {tuple(split.images.shape[1:]) for split in splits.values()}
    if len(shapes) > 1:
        raise UserError(f"the parts of {path} differ in size or colour; make all pictures alike")


def _check_agreed(entries: list[Entry]) -> None:
    """Raises UserError for a picture that is listed twice, as one thing and as another."""
    seen: dict[Path, Entry] = {}
    for entry in entries:
        first = seen.setdefault(entry.path, entry)
        if entry.label != first.label:
            raise UserError(
                f"{entry.where}: {entry.path.name} has the label {entry.label}, but at "
                f"{first.where} the label {first.label}; leave one of them out"
            )


def _inside(root: Path, file: str, where: str) -> Path:
    """The file under `root`. Raises UserError for one that is elsewhere or missing."""
    parts = PurePosixPath(file.replace("\\", "/"))
    if parts.is_absolute() or PureWindowsPath(file).drive or ".." in parts.parts:
        raise UserError(f"{where}: {file} leads out of {root}; write paths relative to it")
    path = root / parts
    try:
        found = path.is_file()
    except (OSError, ValueError):  # too long, or with a zero byte
        found = False
    if not found:
        raise UserError(f"{where}: there is no file {path}")
    return path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise UserError(f"{path} is larger than {MAX_LIST_BYTES // 2**20} MiB; split it")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text; name a label list, a CSV or an image folder"
        ) from error
