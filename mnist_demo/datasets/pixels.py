"""A single CSV of pixels: a digit a line, its label first, then 784 values from 0 to 255."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from mnist_demo.datasets.base import Split
from mnist_demo.datasets.pictures import ready
from mnist_demo.errors import UserError
from mnist_demo.preprocess import SIDE

VALUES = 1 + SIDE * SIDE
FORMS = (
    f"a CSV of pixels has {VALUES} values a line, a label and {VALUES - 1} pixels, separated by "
    "commas; a label list has a picture's path, a tab and its label"
)
MAX_LINE = 16_384  # bytes
MAX_IMAGES = 200_000


def read_pixels(path: Path) -> Split:
    """The digits of a CSV; a first line of names is passed over.

    Raises UserError that names the file and the line, and OSError.
    """
    rows: list[bytes] = []
    for _, row in pixel_rows(path):
        if isinstance(row, UserError):
            raise row
        rows.append(row)
        if len(rows) > MAX_IMAGES:
            raise UserError(f"{path} has more than {MAX_IMAGES:,} digits; take fewer")
    return split_of(b"".join(rows))


def split_of(rows: bytes) -> Split:
    """Digits of a label and 784 pixels each."""
    values = torch.from_numpy(np.frombuffer(rows, np.uint8).reshape(-1, VALUES).copy())
    images = values[:, 1:].reshape(-1, 1, SIDE, SIDE).contiguous()
    return Split(images, values[:, 0].long())


def pixel_rows(path: Path) -> Iterator[tuple[int, bytes | UserError]]:
    """The number of each line with its label and pixels, 785 bytes, or with what is wrong there.

    So that one wrong line need not spoil the others. The pixels are as `ready` has them. Raises
    UserError for a file that has no lines of digits or from where on it has none, and OSError.
    """
    is_empty = True
    with path.open("rb") as file:
        for number, line in _lines(file, path):
            cells = line.removeprefix(b"\xef\xbb\xbf").split(b",")
            if number == 1 and not _is_number(cells[0]):
                continue
            is_empty = False
            try:
                row = _row(cells, f"{path}, line {number}")
            except UserError as error:
                yield number, error
            else:
                yield number, row
    if is_empty:
        raise UserError(f"{path} has no digits; {FORMS}")


def _lines(file: object, path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):  # type: ignore[attr-defined]
        number += 1
        if len(line) > MAX_LINE:
            raise UserError(
                f"{path}, line {number} is longer than {MAX_LINE} bytes; write a digit a line, "
                f"its label and {VALUES - 1} pixels"
            )
        if line.strip():
            yield number, line.strip()


def _row(cells: list[bytes], where: str) -> bytes:
    if len(cells) != VALUES:
        what = f"a label and {SIDE}x{SIDE} pixels" if all(map(_is_number, cells)) else FORMS
        raise UserError(f"{where} has {len(cells)} values, not {VALUES}: {what}")
    try:
        row = bytes(map(int, cells))
    except ValueError:
        row = bytes(_byte(cell, where) for cell in cells)
    if row[0] > 9:
        raise UserError(f"{where}: the label {row[0]} is out of range; use 0 to 9")
    try:
        return row[:1] + ready(np.frombuffer(row, np.uint8, offset=1).reshape(SIDE, SIDE)).tobytes()
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _byte(cell: bytes, where: str) -> int:
    """One value, also as "12.0"."""
    text = cell.decode(errors="replace").strip()
    try:
        value = float(text)
    except ValueError as error:
        raise UserError(f"{where}: {text[:40]!r} is not a number") from error
    if not (value.is_integer() and 0 <= value <= 255):
        raise UserError(f"{where}: {text[:40]} is out of range; use whole numbers from 0 to 255")
    return int(value)


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
