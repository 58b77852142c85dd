"""Pictures of data and answers, as tutorial 002 draws them, without a window or global state."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mnist_demo.calibration import Bin

COLUMNS = 8
RIGHT, WRONG = "green", "red"
CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}


def samples_figure(
    images: np.ndarray, truth: Sequence[int], predicted: Sequence[int], labels: Sequence[str]
) -> Figure:
    """Images uint8 (N, C, H, W), each titled "predicted (true)": green if right, else red."""
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(images))
    rows = -(-len(images) // columns)
    # A title must fit above its picture: long names ask for more room.
    wide = max(1.3, 0.16 * max(map(len, labels)))
    figure = Figure(figsize=(wide * columns, 1.65 * rows), layout="constrained")
    for place, (image, true, said) in enumerate(zip(images, truth, predicted, strict=True)):
        axes = figure.add_subplot(rows, columns, place + 1, xticks=[], yticks=[])
        if len(image) == 1:
            axes.imshow(image[0], cmap="gray", vmin=0, vmax=255)
        else:
            axes.imshow(image.transpose(1, 2, 0))
        colour = RIGHT if said == true else WRONG
        axes.set_title(f"{labels[said]} ({labels[true]})", color=colour, fontsize=8)
    return figure


def channels_figure(image: np.ndarray, title: str = "") -> Figure:
    """The channels of an image uint8 (C, H, W) in grey, the value of each pixel written in it.

    White on dark and black on light: darker than the brightest over 2.5, as 002 has it. Its
    values are divided by 255 here, so that they run from 0 to 1.
    """
    from matplotlib.figure import Figure

    count, height, width = image.shape
    figure = Figure(figsize=(0.4 * width * count, 0.4 * height + 1), layout="constrained")
    for place, (name, values) in enumerate(zip(CHANNELS[count], image / 255, strict=True)):
        axes = figure.add_subplot(1, count, place + 1, xticks=[], yticks=[])
        axes.imshow(values, cmap="gray", vmin=0, vmax=1)
        axes.set_title(f"{name} channel", fontsize=20)
        threshold = values.max() / 2.5
        for row, column in np.ndindex(height, width):
            value = values[row, column]
            axes.text(
                column,
                row,
                f"{value:.2f}" if value else "0",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if value < threshold or value == 0 else "black",
                in_layout=False,  # thousands of texts to measure would take most of the time
            )
    figure.suptitle(title, fontsize=22)
    return figure


def reliability_figure(bins: Sequence[Bin]) -> Figure:
    """How often the answers of each confidence are right; below it how many there are."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 5), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
    above, below = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    places = [one.low for one in bins]
    widths = [one.high - one.low for one in bins]
    above.bar(places, [one.accuracy for one in bins], widths, align="edge", edgecolor="white")
    above.plot([0, 1], [0, 1], color="grey", linestyle="--", label="as sure as right")
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="part that is right")
    above.legend(loc="upper left", frameon=False)
    below.bar(places, [one.count for one in bins], widths, align="edge", edgecolor="white")
    below.set(xlim=(0, 1), yscale="log", ylabel="answers", xlabel="confidence")
    return figure


def png_of(figure: Figure, dots: int = 100) -> bytes:
    """The figure as a PNG file of `dots` pixels an inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots)
    return buffer.getvalue()
