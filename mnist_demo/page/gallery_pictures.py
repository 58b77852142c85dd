"""Pictures that the Gallery has drawn: a sample of answers, the values of one image's pixels.

`figures` draws them for a sheet of paper; here they are laid out for the page and for phones.
Nothing is written to disk.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.figures import png_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNT = 16  # samples
LONGEST = 14  # letters of a name above a picture
SHORT = 3  # letters that leave room for large ones, and for more pictures in a row
ROOM = 0.28  # inches above a sample
# Pixels of the file for an inch, and of the page: more of the former, for fine screens.
SAMPLE_DOTS, SAMPLE_SIZE = 150, 96
CELL_SIZE = 24  # pixels of the page for a pixel with its value; `figures` draws 40
DARK, LINE_ON_DARK = "#111827", "#6b7280"
RIGHT_ON_DARK, WRONG_ON_DARK = "#4ade80", "#fca5a5"


def samples(
    images: np.ndarray,
    result: Evaluation,
    labels: Sequence[str],
    narrow: bool,
    rng: np.random.Generator,
    wrong: bool = False,
    dark: bool = False,
) -> dict[str, Any]:
    """Up to 16 of the images uint8 (N, C, H, W) at random, each titled "predicted (true)".

    `wrong`: of the mistakes alone; `dark`: also as the dark page shows it. Raises UserError
    where there are no mistakes.
    """
    from mnist_demo.figures import samples_figure

    pool = result.mistakes() if wrong else np.arange(len(images))
    if not len(pool):
        raise UserError("this net makes no mistake here; ask for samples of all answers")
    chosen = rng.choice(pool, min(COUNT, len(pool)), replace=False)
    truth, predicted = result.truth[chosen].tolist(), result.predicted[chosen].tolist()
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in labels]
    figure = samples_figure(images[chosen], truth, predicted, names)
    is_short = max(map(len, names)) <= SHORT
    width = figure.get_figwidth() / min(8, len(chosen))
    columns = min(len(chosen), 8 if not narrow else 4 if is_short else 2)
    _lay_out(figure, columns, width, width + ROOM)
    for axes in figure.axes:
        axes.title.set(parse_math=False, fontsize=12 if is_short else 8)  # "$" is in names, too
    size = columns * width * SAMPLE_SIZE
    sent = _sent(Image.fromarray(_pixels(figure, SAMPLE_DOTS)), size)
    if dark:
        _darken(figure)
        sent["shown"] = _sent(Image.fromarray(_pixels(figure, SAMPLE_DOTS)), size)["png"]
    return sent | {"answers": list(zip(predicted, truth, strict=True))}


def channels(image: np.ndarray) -> dict[str, Any]:
    """The channels of an image uint8 (C, H, W), one below the other, their values written in."""
    from mnist_demo.figures import channels_picture

    return _sent(channels_picture(image), CELL_SIZE * image.shape[-1])


def _darken(figure: Figure) -> None:
    from mnist_demo.figures import RIGHT

    figure.set_facecolor(DARK)
    for axes in figure.axes:
        is_right = axes.title.get_color() == RIGHT
        axes.title.set_color(RIGHT_ON_DARK if is_right else WRONG_ON_DARK)
        axes.spines[:].set_color(LINE_ON_DARK)


def _lay_out(figure: Figure, columns: int, width: float, height: float) -> None:
    """Puts the parts of a figure, each of this size in inches, into so many columns."""
    rows = -(-len(figure.axes) // columns)
    grid = figure.add_gridspec(rows, columns)
    for place, axes in enumerate(figure.axes):
        axes.set_subplotspec(grid[place // columns, place % columns])
    figure.set_size_inches(columns * width, rows * height)


def _pixels(figure: Figure, dots: int) -> np.ndarray:
    """The figure as uint8 (H, W, 3), `dots` an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dots)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _sent(picture: Image.Image, width: float) -> dict[str, Any]:
    """A PNG as the page takes it, and how many of its own pixels it is wide there."""
    content = png_bytes(picture)
    return {"png": base64.b64encode(content).decode(), "width": round(width)}
