"""models/PREPROCESSING.md followed to the letter, without numpy, PIL or our own code."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, floor, pi, sin

Matrix = list[list[float]]


def preprocess(ink: Matrix) -> tuple[tuple[int, int, int, int], Matrix, Matrix] | None:
    """The box, the fitted digit and the net's input; None where there is nothing to read."""
    dark = [
        (i, j, value) for i, row in enumerate(ink) for j, value in enumerate(row) if value >= 0.15
    ]
    if sum(value for _, _, value in dark) < 4:
        return None
    rows, columns = [i for i, _, _ in dark], [j for _, j, _ in dark]
    top, left, bottom, right = min(rows), min(columns), max(rows) + 1, max(columns) + 1
    crop = [row[left:right] for row in ink[top:bottom]]
    fitted = resize(crop, 20 / max(len(crop), len(crop[0])))
    largest = max(max(map(max, fitted)), 0.000001)
    fitted = [[value / largest for value in row] for row in fitted]
    return (top, left, bottom, right), fitted, centre(fitted)


def centre(digit: Matrix) -> Matrix:
    h, w = len(digit), len(digit[0])
    mass = sum(map(sum, digit))
    y = sum(i * value for i, row in enumerate(digit) for value in row) / mass
    x = sum(j * value for row in digit for j, value in enumerate(row)) / mass
    top = min(max(floor(14 - y + 0.5), 0), 28 - h)
    left = min(max(floor(14 - x + 0.5), 0), 28 - w)
    placed = [[0.0] * 28 for _ in range(28)]
    for i, row in enumerate(digit):
        placed[top + i][left : left + w] = row
    return placed


def resize(values: Matrix, factor: float) -> Matrix:
    if factor == 1:
        return values
    height = max(1, round(len(values) * factor))
    width = max(1, round(len(values[0]) * factor))
    window = hamming if factor < 1 else triangle
    wide = [resize_line(row, width, window) for row in values]
    columns = [resize_line(list(column), height, window) for column in zip(*wide, strict=True)]
    return [[min(max(v, 0.0), 1.0) for v in row] for row in zip(*columns, strict=True)]


def resize_line(values: list[float], n: int, window: Callable[[float], float]) -> list[float]:
    m = len(values)
    s = m / n
    t = max(s, 1)
    line = []
    for i in range(n):
        c = (i + 0.5) * s
        a, b = max(0, int(c - t + 0.5)), min(m, int(c + t + 0.5))
        weights = [window((k + 0.5 - c) / t) for k in range(a, b)]
        total = sum(weight * value for weight, value in zip(weights, values[a:b], strict=True))
        line.append(total / sum(weights))
    return line


def hamming(u: float) -> float:
    if u == 0:
        return 1.0
    return (0.54 + 0.46 * cos(pi * u)) * sin(pi * u) / (pi * u) if abs(u) < 1 else 0.0


def triangle(u: float) -> float:
    return max(0.0, 1 - abs(u))
