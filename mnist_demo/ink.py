"""From any picture of a digit to its ink: float32 (H, W), 1 where the pen was, 0 on paper.

A drawing's transparency, dark on light, light on dark, 16 bits, a phone's photo of paper
in uneven light: all end in the same form. Only numpy and PIL.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFilter, UnidentifiedImageError

from mnist_demo.errors import UserError

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000  # a 50-megapixel photo; a compressed bomb claims far more
MAX_SIDE = 65_535  # no camera's is longer, and a line one pixel high takes long to shrink
WORK_SIZE = 320  # the longer side that photos are read at: 20 pixels are all that is wanted
MIN_CONTRAST = 0.08  # of the range black to white: less than this is paper or noise
SPECK = 0.04  # of the largest patch of ink: what is smaller is dirt
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
TURNS = {  # by EXIF's orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_image(
    source: str | Path | bytes, colour: bool = False, most: int = MAX_PIXELS
) -> Image.Image:
    """Reads a picture from a file or from bytes, after a look at its claimed size.

    A JPEG comes in grey and may come smaller, which is all that ink needs, unless `colour`.
    `most`: pixels it may have.

    Raises UserError where it is no picture, too large, or cut short.
    """
    name = "the file" if isinstance(source, bytes) else str(source)
    try:
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{name} is larger than {MAX_BYTES // 2**20} MiB; send a smaller one")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # we judge the size ourselves
            stream = io.BytesIO(source) if isinstance(source, bytes) else source
            image = Image.open(stream, formats=FORMATS)
            if image.width * image.height > most or max(image.size) > MAX_SIDE:
                raise UserError(
                    f"{name} has {image.width}x{image.height} pixels; "
                    f"send one of at most {most // 10**6} million, no side above {MAX_SIDE:,}"
                )
            if not colour:
                image.draft("L", (2 * WORK_SIZE, 2 * WORK_SIZE))  # JPEG only: decode it small
            image.load()
    except UnidentifiedImageError as error:
        raise UserError(
            f"{name} is not a picture that can be read; send PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from error
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UserError(f"{name} cannot be read ({reason}); send another copy of it") from error
    return image


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says, or as it is where that cannot be read.

    Not `ImageOps.exif_transpose`, which writes the other tags anew and fails on many a one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a SyntaxError, struct.error, TypeError: whatever its bytes bring about
        return image
    return image.transpose(turn) if turn is not None else image


def on_white(image: Image.Image) -> Image.Image:
    """The picture in RGB: upright, 8 bits a channel, on white where it is transparent."""
    image = upright(image)
    if image.mode.startswith(("I", "F")):
        return _to_image(_levels(image)).convert("RGB")
    if not _has_alpha(image):
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def ink_of_image(image: Image.Image) -> np.ndarray:
    """The ink of a picture, float32 (H, W) in [0, 1]; all zero where there is none."""
    grey, alpha = _grey_and_alpha(upright(image))
    if alpha is not None:
        visible = alpha > 0.5
        if not visible.any():
            return np.zeros_like(grey)
        if np.ptp(grey[visible]) < 0.2:  # one colour on nothing: the shape is the drawing
            return alpha
        grey = grey * alpha + _paper_of(grey, visible) * (1 - alpha)
    return ink_of_grey(grey)


def ink_of_grey(grey: np.ndarray) -> np.ndarray:
    """The ink of an opaque grey picture (H, W) in [0, 1], dark on light or light on dark."""
    if min(grey.shape) < 3:
        return np.zeros_like(grey)
    light = grey if _is_dark_on_light(grey) else 1 - grey
    edge = border_of(light)
    if np.percentile(edge, 95) - np.percentile(edge, 5) < 0.06:
        darkness = np.clip(np.median(edge) - light, 0, None)  # even paper
        floor, full = 0.05, 1.0
    else:
        darkness = np.clip(_paper_under(light) - light, 0, None)  # uneven light
        floor, full = 0.3, 0.7  # of the contrast: drops the paper's grain and shadows
    contrast = float(_to_array(_blurred(darkness)).max())  # no single pixel decides
    if contrast < MIN_CONTRAST:
        return np.zeros_like(grey)
    ink = np.clip((darkness / contrast - floor) / (full - floor), 0, 1)
    return drop_specks(ink.astype(np.float32)) if floor > 0.05 else ink.astype(np.float32)


def drop_specks(ink: np.ndarray) -> np.ndarray:
    """Erases the patches of ink that are specks beside the largest one."""
    patches = label_patches(ink > 0.5)
    sizes = np.bincount(patches.ravel())
    sizes[0] = 0
    if len(sizes) < 3:
        return ink
    specks = sizes < SPECK * sizes.max()
    specks[0] = False
    return np.where(specks[patches], 0, ink).astype(np.float32)


def label_patches(mask: np.ndarray) -> np.ndarray:
    """Numbers the connected patches (8 neighbours) of a boolean image from 1; 0 is outside.

    Runs of each row are joined with those they touch in the row above (union-find), so
    the Python work grows with the outline and not with the pixels.
    """
    height, width = mask.shape
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    first_of_row = np.searchsorted(rows, np.arange(height + 1)).tolist()
    begins, ends = starts.tolist(), stops.tolist()  # Python reads its own numbers far sooner
    parent = list(range(len(begins)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    for row in range(1, height):
        above, above_end = first_of_row[row - 1], first_of_row[row]
        for run in range(first_of_row[row], first_of_row[row + 1]):
            while above < above_end and ends[above] < begins[run]:
                above += 1
            touching = above
            while touching < above_end and begins[touching] <= ends[run]:
                parent[root(touching)] = root(run)
                touching += 1
    tops = list(map(root, parent))
    numbers = {top: number for number, top in enumerate(dict.fromkeys(tops), 1)}
    of_run = np.array([numbers[top] for top in tops], dtype=np.int32)
    steps = np.zeros((height, width + 1), dtype=np.int32)  # up where a run begins, down behind it
    steps[rows, starts] = of_run
    steps[rows, stops] = -of_run
    return steps.cumsum(1, dtype=np.int32)[:, :-1]


def _is_dark_on_light(grey: np.ndarray) -> bool:
    """The ink is whatever there is less of: paper fills most of the picture round a stroke."""
    image = _reduced(grey, 80)  # the filters' time grows with the window's area
    small = _to_array(image)
    wide = _odd(max(image.size) / 4)
    darkness = _to_array(image.filter(ImageFilter.MaxFilter(wide))) - small
    lightness = small - _to_array(image.filter(ImageFilter.MinFilter(wide)))
    return float(darkness.mean()) <= float(lightness.mean())


def _paper_under(light: np.ndarray) -> np.ndarray:
    """What the paper would be without the ink: a closing wider than any stroke, smoothed."""
    height, width = light.shape
    small = _reduced(light, max(light.shape) / 4)
    wide = _odd(max(small.size) / 4)
    closed = small.filter(ImageFilter.MaxFilter(wide)).filter(ImageFilter.MinFilter(wide))
    smooth = closed.filter(ImageFilter.GaussianBlur(wide / 4))
    return _to_array(smooth.resize((width, height), Image.Resampling.BICUBIC))


def _paper_of(grey: np.ndarray, visible: np.ndarray) -> float:
    """The commoner of the tones in the visible part of a partly transparent picture."""
    return float(np.median(grey[visible]))


def _blurred(values: np.ndarray) -> Image.Image:
    return _to_image(values).filter(ImageFilter.BoxBlur(0.5))


def _reduced(values: np.ndarray, side: float) -> Image.Image:
    """As a picture whose longer side is at most `side`; each side keeps 3 pixels at least."""
    image = _to_image(values)
    factor = min(1.0, side / max(image.size))
    size = (max(3, round(image.width * factor)), max(3, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BOX)


def _odd(size: float) -> int:
    return max(3, int(size) // 2 * 2 + 1)


def _to_image(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8))


def _grey_and_alpha(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Luminance and, where any of it is transparent, opacity; both (H, W) in [0, 1]."""
    if image.mode.startswith(("I", "F")):
        return _shrink(_levels(image)), None
    if not _has_alpha(image):
        return _to_array(_shrink_image(image.convert("L"))), None
    small = _shrink_image(image.convert("RGBA"))
    alpha = _to_array(small.getchannel("A"))
    grey = _to_array(small.convert("RGB").convert("L"))
    return grey, alpha if alpha.min() < 0.9 else None


def _levels(image: Image.Image) -> np.ndarray:
    """The grey (H, W) in [0, 1] of a picture in 16 bits or in floats, of which the top is white."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    top = 65535.0 if image.mode.startswith("I") else max(float(values.max(initial=0)), 1e-6)
    return np.clip(values / top, 0, 1)


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _to_array(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32) / 255


def _shrink_image(image: Image.Image) -> Image.Image:
    factor = WORK_SIZE / max(image.size)
    if factor >= 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BOX)


def _shrink(values: np.ndarray) -> np.ndarray:
    return np.asarray(_shrink_image(Image.fromarray(values)), dtype=np.float32)


def border_of(grey: np.ndarray) -> np.ndarray:
    """The values along the picture's edge."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
