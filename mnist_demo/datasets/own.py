"""A user's own digits, photos and CSVs, made a data set once and known by a name from then on.

They lie in `<data folder>/own/NAME` as PNG files with the lists train.txt and
validation.txt: what was held out stays so, whatever is imported later.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mnist_demo.datasets.base import DIGITS, Dataset, Split
from mnist_demo.datasets.collecting import collect
from mnist_demo.datasets.export import write_parts
from mnist_demo.datasets.files import hold_some_out, load_files
from mnist_demo.datasets.pixels import split_of
from mnist_demo.errors import UserError
from mnist_demo.faults import DATA_FOLDER, not_written
from mnist_demo.files import may_write

NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True)
class Imported:
    """What became of a folder of digits."""

    folder: Path
    read: int
    held_out: int
    skipped: list[tuple[Path, str]]  # photos, CSVs or single lines of these, and why


def own_names(folder: Path) -> list[str]:
    """The data sets of the user's own that lie in the data folder."""
    try:
        found = [place.name for place in (folder / "own").iterdir() if is_own(place.name, folder)]
    except OSError:
        return []
    return sorted(found)


def is_own(name: str, folder: Path) -> bool:
    return bool(NAME.fullmatch(name)) and (folder / "own" / name / "train.txt").is_file()


def load_own(name: str, folder: Path) -> Dataset:
    data = load_files(folder / "own" / name, name)
    count = len(data.train) + len(data.validation)
    return replace(data, title=f"your own digits {name!r} ({count:,})")


def import_digits(
    source: Path,
    name: str,
    folder: Path,
    watch: Callable[[list[Path]], Iterable[Path]] = iter,
) -> Imported:
    """Makes `source` the data set `name`: a CSV of pixels, or a folder of photos and CSVs.

    A photo's digit is the name of its folder, or the beginning of its own name: 7_me.jpg,
    7-2.png. A file or a line that cannot be read is left out, but not of a CSV named by
    itself. A digit that gives the same 28x28 as one before is left out, so that none is both
    learned and held out. Raises UserError where there is nothing to make.
    """
    target = _new_place(name, folder)
    digits, skipped = collect(source, watch)
    if len(digits) < 2:
        reason = f", the first: {skipped[0][0].name} {skipped[0][1]}" if skipped else ""
        raise UserError(
            f"{source} has {len(digits)} digits that can be read and differ, two are the least"
            f" ({len(skipped)} were left out{reason})"
        )
    split = split_of(b"".join(bytes([digit.label]) + digit.pixels for digit in digits))
    train, held_out = hold_some_out(source, split)
    _put({"train": train, "validation": held_out}, target)
    return Imported(target, len(split), len(held_out), skipped)


def _new_place(name: str, folder: Path) -> Path:
    from mnist_demo.datasets import DATASETS  # which imports this module

    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a data set; use 1 to 40 of A-Z a-z 0-9 _ -")
    if name in DATASETS:
        raise UserError(f"{name!r} is the name of another data set; choose another one")
    target = folder / "own" / name
    if target.exists():
        raise UserError(f"{target} is there already; choose another name or delete that folder")
    return target


def _put(parts: dict[str, Split], target: Path) -> None:
    """Written beside and renamed into place: a data set is whole or absent."""
    own = target.parent
    if own.parent.exists() and not may_write(own if own.exists() else own.parent):
        raise not_written(target, PermissionError("it is marked read-only"), DATA_FOLDER)
    try:
        own.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=own, prefix=f".{target.name}."))
        try:
            write_parts(parts, DIGITS, beside)
            beside.chmod(0o755)
            beside.rename(target)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise not_written(target, error, DATA_FOLDER) from error
