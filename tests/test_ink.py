"""Any picture of a digit to its ink."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from digits import DRAWINGS, drawn, grey_image, photo
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import ExifTags, Image, ImageChops, ImageOps

from mnist_demo.errors import UserError
from mnist_demo.ink import (
    drop_specks,
    ink_of_grey,
    ink_of_image,
    label_patches,
    on_white,
    open_image,
    upright,
)
from mnist_demo.preprocess import NoInkError, preprocess_image, preprocess_ink

GREY = drawn("2")


def rgba(ink: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    pixels = np.zeros((*ink.shape, 4), dtype=np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3] = np.round(ink * 255)
    return Image.fromarray(pixels)


def sixteen_bit(ink: np.ndarray) -> Image.Image:
    return Image.fromarray(np.round((1 - ink) * 65535).astype(np.uint16))


def palette(ink: np.ndarray) -> Image.Image:
    return grey_image(ink).convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE)


def transparent_palette(ink: np.ndarray) -> Image.Image:
    image = Image.fromarray((ink >= 0.5).astype(np.uint8), "L").convert("P")
    image.putpalette([255, 255, 255, 10, 10, 120] + [0] * 762)
    image.info["transparency"] = 0
    return image


def rotated_by_exif(ink: np.ndarray) -> Image.Image:
    """Stored lying on its side, with the note that says so."""
    image = grey_image(ink).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 270 degrees to see it upright
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    return open_image(stream.getvalue())


VERSIONS = {
    "dark on light": grey_image(GREY),
    "light on dark": grey_image(GREY, 0, 1),
    "grey on grey": grey_image(GREY, 0.8, 0.3),
    "RGB": grey_image(GREY).convert("RGB"),
    "1 bit": grey_image(GREY).convert("1", dither=Image.Dither.NONE),
    "16 bit": sixteen_bit(GREY),
    "float": Image.fromarray(1 - GREY),
    "P": palette(GREY),
    "P, transparent": transparent_palette(GREY),
    "LA": Image.merge("LA", (grey_image(0 * GREY, 0), grey_image(GREY, 0, 1))),
    "RGBA, black on nothing": rgba(GREY, (0, 0, 0)),
    "RGBA, white on nothing": rgba(GREY, (255, 255, 255)),
    "RGBA, red on nothing": rgba(GREY, (220, 30, 30)),
    "RGBA, opaque": grey_image(GREY).convert("RGBA"),
    "EXIF rotated": rotated_by_exif(GREY),
    "CMYK": grey_image(GREY).convert("RGB").convert("CMYK"),
    "large": grey_image(drawn("2", size=1500)),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_all_versions_of_a_drawing_agree(version: str) -> None:
    reference = preprocess_ink(GREY).centred
    seen = preprocess_image(VERSIONS[version]).centred
    assert np.corrcoef(seen.ravel(), reference.ravel())[0, 1] > 0.93
    assert np.abs(seen - reference).mean() < 0.03


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strength", [0.1, 0.5])
def test_a_photo_in_uneven_light_shows_the_digit(name: str, seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    ink = drawn(name, 0.6, tuple(rng.uniform(0.3, 0.7, 2)), 0.05, size=400)
    reference = preprocess_ink(ink).centred
    seen = preprocess_image(photo(ink, rng, strength)).centred
    # Rounding may put the centre of mass into the next pixel.
    moved = [np.roll(seen, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    assert max(np.corrcoef(m.ravel(), reference.ravel())[0, 1] for m in moved) > 0.93


@pytest.mark.parametrize("shade", [0, 60, 128, 255])
def test_a_uniform_picture_raises(shade: int) -> None:
    with pytest.raises(NoInkError):
        preprocess_image(Image.new("RGB", (200, 150), (shade,) * 3))


def test_bare_paper_raises() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(NoInkError):
        preprocess_image(photo(np.zeros((300, 300), dtype=np.float32), rng, strength=0.2))


def test_nothing_but_transparency_raises() -> None:
    with pytest.raises(NoInkError):
        preprocess_image(Image.new("RGBA", (100, 100), (255, 0, 0, 0)))


@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
        lambda shape: st.one_of(
            arrays(np.uint8, shape),
            arrays(np.uint8, (*shape, 3)),
            arrays(np.uint8, (*shape, 4)),
            arrays(np.uint16, shape),
            arrays(np.float32, shape, elements=st.floats(-2, 2, width=32)),
            arrays(np.bool_, shape),
        )
    )
)
@settings(max_examples=80, deadline=None)
def test_any_pixels_give_a_picture_or_say_there_is_none(pixels: np.ndarray) -> None:
    image = Image.fromarray(pixels)
    ink = ink_of_image(image)
    assert ink.dtype == np.float32
    assert np.isfinite(ink).all()
    assert ink.min() >= 0
    assert ink.max() <= 1
    try:
        centred = preprocess_image(image).centred
    except NoInkError:
        return
    assert centred.shape == (28, 28)
    assert centred.min() >= 0
    assert centred.max() <= 1


def test_the_ink_of_a_picture_too_small_to_judge_is_none() -> None:
    assert not ink_of_grey(np.array([[0.0, 1.0]], dtype=np.float32)).any()


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
@settings(max_examples=100, deadline=None)
def test_patches_are_those_that_a_flood_finds(mask: np.ndarray) -> None:
    labels = label_patches(mask)
    assert np.array_equal(labels > 0, mask)
    assert set(np.unique(labels)) <= set(range(labels.max() + 1))
    remaining = mask.copy()
    patches = 0
    while remaining.any():
        patches += 1
        flood = [tuple(np.argwhere(remaining)[0])]
        number = labels[flood[0]]
        while flood:
            row, column = flood.pop()
            if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and remaining[row, column]:
                remaining[row, column] = False
                assert labels[row, column] == number
                flood += [(row + d, column + a) for d in (-1, 0, 1) for a in (-1, 0, 1)]
    assert patches == labels.max(initial=0)


def test_specks_go_and_the_digit_stays() -> None:
    ink = drawn("7")
    dirty = ink.copy()
    dirty[2:4, 2:4] = 1
    assert np.array_equal(drop_specks(dirty), ink)


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that claims side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def encoded(form: str) -> bytes:
    stream = io.BytesIO()
    grey_image(GREY).save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_common_files_are_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / "digit"
    path.write_bytes(encoded(form))
    reference = preprocess_ink(GREY).centred
    for image in (open_image(path), open_image(encoded(form))):
        seen = preprocess_image(image).centred
        assert np.corrcoef(seen.ravel(), reference.ravel())[0, 1] > 0.9


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture"),
        (b"hello, this is text", "not a picture"),
        (bomb(), "decompression bomb"),
        (bomb(9_000), "9000x9000"),
        (encoded("PNG")[:-200], "cannot be read"),
        (encoded("JPEG")[:400], "cannot be read|not a picture"),
        (bytes(20 * 2**20 + 1), "larger than 20 MiB"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    ],
)
def test_what_is_no_picture_says_so(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=reason):
        open_image(content)
    path = tmp_path / "upload.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason):
        open_image(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        open_image(tmp_path / "none.png")


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_is_turned_as_pillow_turns_it(orientation: int) -> None:
    stream, tags = io.BytesIO(), Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(stream, "PNG", exif=tags)
    image = open_image(stream.getvalue())
    assert not ImageChops.difference(upright(image), ImageOps.exif_transpose(image)).getbbox()


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage!", b"Exif\0\0MM\0*\0\0\0\x08\0", b"\xff"])
def test_tags_that_cannot_be_read_turn_nothing(exif: bytes) -> None:
    stream = io.BytesIO()
    grey_image(GREY).save(stream, "PNG", exif=exif)
    read = ink_of_image(open_image(stream.getvalue()))
    assert np.array_equal(read, ink_of_image(grey_image(GREY)))


def test_sixteen_bits_are_scaled_and_nothing_is_white() -> None:
    deep = Image.fromarray(np.array([[2000, 40000, 65535]], dtype=np.uint16))
    assert np.asarray(on_white(deep))[0, :, 0].tolist() == [8, 156, 255]
    clear = Image.fromarray(np.array([[[9, 9, 9, 0], [9, 9, 9, 255]]], dtype=np.uint8))
    assert np.asarray(on_white(clear))[0].tolist() == [[255] * 3, [9] * 3]
