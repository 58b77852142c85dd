"""Pictures of data and answers, as tutorial 002 draws them, without a window or global state."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mnist_demo.calibration import Bin
    from mnist_demo.inside import Inside, Stage

COLUMNS = 8
RIGHT, WRONG = "green", "red"
CELL = 40  # pixels for one pixel with its value
ACROSS = 16, 64  # of a layer's pictures side by side, and of its numbers
GROUND = "#dfe6f2"  # no grey, so that what is white is seen too
STRIPS = (200, 30, 30), (20, 140, 40), (40, 80, 220)  # red, green, blue


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


def channels_picture(image: np.ndarray) -> Image.Image:
    """The channels of an image uint8 (C, H, W) in grey, the value of each pixel written in it.

    One below the other; a strip above each has its colour, so that no word is needed. White on
    dark and black on light: darker than the brightest over 2.5, as 002 has it. Its values are
    divided by 255 here, so that they run from 0 to 1.
    """
    parts = [_with_values(channel) for channel in image]
    if len(parts) == 1:
        return Image.fromarray(parts[0])
    gap = np.full((CELL // 2, parts[0].shape[1]), 255, np.uint8)
    for place, part in enumerate(parts):
        strip = np.full_like(gap, place + 1)
        parts[place] = np.concatenate([gap, strip, np.where(part <= len(STRIPS), 0, part)])
    picture = Image.fromarray(np.concatenate(parts))
    # Greys, three of which nobody can tell from black: half the bytes of full colours.
    picture.putpalette([0, 0, 0, *sum(STRIPS, ()), *np.repeat(range(4, 256), 3).tolist()])
    return picture


def _with_values(channel: np.ndarray) -> np.ndarray:
    """uint8 (H, W), CELL times as large, with the values written in."""
    paper = channel.astype(int)
    ink = np.where((paper < paper.max() / 2.5) | (paper == 0), 255, 0)
    shares = _values()[channel]  # (H, W, CELL, CELL)
    paper, ink = paper[..., None, None], ink[..., None, None]
    cells = (paper + (ink - paper) * shares // 255).astype(np.uint8)
    height, width = channel.shape
    return cells.transpose(0, 2, 1, 3).reshape(height * CELL, width * CELL)


@functools.cache
def _values() -> np.ndarray:
    """How much ink each of the 256 values takes where, uint8 (256, CELL, CELL)."""
    font = ImageFont.load_default(0.4 * CELL)
    cells = []
    for value in range(256):
        cell = Image.new("L", (CELL, CELL))
        text = f"{value / 255:.2f}" if value else "0"
        ImageDraw.Draw(cell).text((CELL / 2, CELL / 2), text, 255, font, anchor="mm")
        cells.append(np.asarray(cell))
    return np.stack(cells)


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


def inside_figure(inside: Inside, title: str) -> Figure:
    """What the answer rests on, and right of it a row for each layer; all sizes are inches."""
    from matplotlib.figure import Figure

    strips = [_strip(stage) for stage in inside.stages]
    wide, side, edge, head, name = 8.0, 3.0, 0.2, 0.6, 0.3
    heights = [wide * strip.shape[0] / strip.shape[1] for strip in strips]
    high = head + edge + max(sum(heights) + name * len(strips), side + 2 * name)
    across = 3 * edge + side + wide
    figure = Figure(figsize=(across, high), facecolor=GROUND)
    size = min(14, 1300 / len(title))  # that a long one fits
    figure.text(edge / across, 1 - head / 2 / high, title, fontsize=size, va="center")

    def show(picture: np.ndarray, left: float, top: float, width: float, height: float) -> Axes:
        place = left / across, 1 - (top + height) / high, width / across, height / high
        axes = figure.add_axes(place, xticks=[], yticks=[], frame_on=False)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
        return axes

    top = head + name
    left = show(evidence_picture(inside), edge, top, side, side)
    left.set_title("What the answer rests on", loc="left", fontsize=9)
    left.set_xlabel("red: ink that speaks for it; blue: against it", loc="left", fontsize=9)
    for stage, strip, height in zip(inside.stages, strips, heights, strict=True):
        row = show(strip, 2 * edge + side, top, wide, height)
        row.set_title(_measure(stage), loc="left", fontsize=9)
        top += height + name
    if not strips:
        none = "This net has no layer between the picture and its answer."
        figure.text((2 * edge + side) / across, 1 - top / high, none, fontsize=9, va="top")
    return figure


def evidence_picture(inside: Inside) -> np.ndarray:
    """Red where ink speaks for the answer, blue where against it: uint8 (H, W, 3)."""
    rests = np.zeros_like(inside.picture) if inside.evidence is None else inside.evidence
    rest = 1 - np.abs(rests)
    colours = [np.where(rests > 0, 1, rest), rest, np.where(rests > 0, rest, 1)]
    bright = np.stack(colours, axis=-1) * inside.picture[..., None] * 255
    return bright.round().astype(np.uint8)


def _strip(stage: Stage) -> np.ndarray:
    """A layer's answers side by side on one picture, nothing (NaN) between them: (H, W)."""
    count, height, width = stage.maps.shape
    across = ACROSS[0] if width > 1 else ACROSS[1]
    gap = max(1, round(width / 12)) if width > 1 else 0
    rows = -(-count // across)
    strip = np.full((rows * (height + gap) - gap, across * (width + gap) - gap), np.nan)
    for place, one in enumerate(stage.maps):
        row, column = divmod(place, across)
        top, left = row * (height + gap), column * (width + gap)
        strip[top : top + height, left : left + width] = one
    return strip


def _measure(stage: Stage) -> str:
    """A layer's name, and how much of what it answers is shown."""
    shown, height, width = stage.maps.shape
    what = "numbers" if height == width == 1 else f"pictures of {height}×{width}"
    part = f", the first {shown} of them" if shown < stage.count else ""
    return f"{stage.name}: {stage.count} {what}{part}"


def png_of(figure: Figure, dots: int = 100) -> bytes:
    """The figure as a PNG file of `dots` pixels an inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots)
    return buffer.getvalue()


def png_bytes(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
