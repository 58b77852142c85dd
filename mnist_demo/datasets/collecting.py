"""Gathers digits from photos and CSVs, each once: what is left out is told with its reason."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mnist_demo.datasets.base import DIGITS
from mnist_demo.datasets.files import files_below, not_read
from mnist_demo.datasets.pictures import digit_pixels
from mnist_demo.datasets.pixels import pixel_rows
from mnist_demo.errors import UserError
from mnist_demo.files import PICTURES

OF_FILE = re.compile(r"([0-9])[_-]")
MAX_DIGITS = 20_000  # of all files together, and as many files
MAX_WRONG = 100  # lines of a CSV, of which the rest is not read then
CSV = ".csv"


@dataclass(frozen=True)
class Digit:
    """One that was read: a photo, or a line of a CSV."""

    label: int
    pixels: bytes  # uint8 (28, 28)
    where: str  # the photo's path, or "digits/anna.csv, line 3"


def collect(
    source: Path, watch: Callable[[list[Path]], Iterable[Path]]
) -> tuple[list[Digit], list[tuple[Path, str]]]:
    """The digits of all files, each once, and what was left out."""
    digits: dict[bytes, Digit] = {}
    skipped: list[tuple[Path, str]] = []
    read = 0
    for file in watch(_files_of(source)):
        reasons, before = [], read
        for found in _digits_of(file, source):
            if isinstance(found, UserError):
                if file == source:
                    raise found
                reasons.append(_without(file, str(found)))
                continue
            read += 1
            if read > MAX_DIGITS:
                raise UserError(f"{source} has more than {MAX_DIGITS:,} digits; take fewer")
            same = digits.setdefault(found.pixels, found)
            if same is not found:
                words = f"{found.where} shows the same as {_without(source, same.where)}"
                reasons.append(_without(file, words))
        if read == before and len(reasons) > 1:  # another table: told once, not for each line
            reasons = [f"has no line that is a digit: {reasons[0]}"]
        skipped += [(file, reason) for reason in reasons]
    return list(digits.values()), skipped


def _files_of(source: Path) -> list[Path]:
    """A CSV by itself, or the photos and CSVs below a folder, in order."""
    try:
        if source.is_file() and source.suffix.lower() == CSV:
            return [source]
        if not source.is_dir():
            what = "is neither a folder nor a CSV" if source.exists() else "is not there"
            raise UserError(f"{source} {what}; name a folder with digits, or a CSV of pixels")
    except OSError as error:
        raise not_read(source, error) from error
    files = list(islice(files_below(source, {*PICTURES, CSV}), MAX_DIGITS + 1))
    if len(files) > MAX_DIGITS:
        raise UserError(f"{source} has more than {MAX_DIGITS:,} photos and CSVs; take fewer")
    return sorted(files)


def _digits_of(file: Path, source: Path) -> Iterator[Digit | UserError]:
    """A photo's digit or a CSV's, or why one cannot be had."""
    try:
        if file.suffix.lower() == CSV:
            yield from _digits_of_csv(file)
        else:
            yield Digit(digit_of(file, source), digit_pixels(file).tobytes(), str(file))
    except UserError as error:
        yield error
    except OSError as error:
        yield not_read(file, error)


def _digits_of_csv(path: Path) -> Iterator[Digit | UserError]:
    wrong = 0
    for number, row in pixel_rows(path):
        where = f"{path}, line {number}"
        found = row if isinstance(row, UserError) else _digit_of_row(row, where)
        yield found
        wrong += isinstance(found, UserError)
        if wrong == MAX_WRONG:
            raise UserError(f"{where}: {wrong} lines up to it are wrong; what follows is not read")


def _digit_of_row(row: bytes, where: str) -> Digit | UserError:
    if len(set(row[1:])) == 1:
        return UserError(f"{where} shows no ink")
    return Digit(row[0], row[1:], where)


def _without(path: Path, text: str) -> str:
    """What comes after the path that a text begins with."""
    return text.removeprefix(str(path)).lstrip(f"{os.sep}, ")


def digit_of(photo: Path, source: Path) -> int:
    """The digit that a photo's folder or name tells. Raises UserError where neither does."""
    for place in photo.relative_to(source).parents:
        if place.name in DIGITS:
            return int(place.name)
    match = OF_FILE.match(photo.name)
    if not match:
        raise UserError(
            "tells no digit; put it into a folder 0 to 9, or name it after the digit as in "
            f"7_{photo.name}"
        )
    return int(match[1])
