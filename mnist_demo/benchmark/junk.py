"""What a hostile visitor may send: values, pictures, bodies and paths, drawn from a seed."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from PIL import ExifTags, Image

from mnist_demo.strokes import PAD

WORDS = (
    *("", " ", "released", "run-1", "net-x", "null", "true", "NaN", "0", "-1", "1e999", "compact"),
    *("../../../../etc/passwd", "/etc/passwd", "..\\..\\windows\\win.ini", "file:///etc/passwd"),
    *("http://169.254.169.254/latest/meta-data", "data:text/html,<script>alert(1)</script>"),
    *("${alert(1)}", "{{7*7}}", "<img src=x onerror=alert(1)>", "'; DROP TABLE runs; --"),
    *("\x00", "\u202e\u0000x", "é" * 300, "A" * 5000, "custom:blocks=99,width=99999", "custom:"),
    *("__class__", "__init__", "constructor", "__proto__", "sample", "mnist", "cifar10", "CON"),
)
NUMBERS = (0, 1, -1, 2**31, -(2**63), 2**64, 10**400, 0.5, -0.0, 1e-320, 1e308, 27, 28, 140, 256)


def value(rng: random.Random, depth: int = 3) -> Any:
    """Any JSON value, more often a strange one than not."""
    kind = rng.randrange(9 if depth else 6)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind == 1:
        return rng.choice(NUMBERS)
    if kind in (2, 3):
        return rng.choice(WORDS)
    if kind == 4:
        return base64.b64encode(rng.randbytes(rng.choice((0, 1, 30, 784)))).decode()
    if kind == 5:
        return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0xD7FF)))) for _ in "abcd")
    if kind == 6:
        return [value(rng, depth - 1) for _ in range(rng.randrange(5))]
    if kind == 7:
        return {str(rng.choice(WORDS)): value(rng, depth - 1) for _ in range(rng.randrange(5))}
    return rng.choice((DEEP, FILE, [[]] * 500, {str(i): i for i in range(500)}))


DEEP: Any = []
for _ in range(40):
    DEEP = [DEEP]
FILE = {"path": "/etc/passwd", "url": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}}


def changed(rng: random.Random, message: dict[str, Any]) -> dict[str, Any]:
    """A message with one or two of its values replaced, dropped or added."""
    copy = dict(message)
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice([*message, str(rng.choice(WORDS))]) if message else "x"
        if rng.random() < 0.15:
            copy.pop(name, None)
        else:
            copy[name] = value(rng)
    return copy


def ink(rng: random.Random) -> dict[str, Any]:
    """A drawing as the page sends it, with more patches of ink than any hand would draw."""
    apart, dense = rng.choice((1, 2, 2, 3)), rng.random()
    kept = [
        y % apart == 0 and x % apart == 0 and rng.random() < (dense if apart == 1 else 1)
        for y in range(PAD)
        for x in range(PAD)
    ]
    sent = base64.b64encode(bytes(255 * pixel for pixel in kept)).decode()
    place = {"x": 0, "y": 0, "w": PAD, "h": PAD}
    return {"net": "released", "ink": sent, "moving": rng.random() < 0.5} | place


def picture(rng: random.Random) -> bytes:
    """A file that is a picture, was one, or claims to be one."""
    return rng.choice(PICTURES)(rng)


def _small(rng: random.Random) -> Image.Image:
    mode = rng.choice(("L", "RGB", "RGBA", "1", "P", "LA", "I;16", "CMYK"))
    size = rng.choice(((1, 1), (28, 28), (3, 200), (200, 3), (320, 240)))
    image = Image.new("L", size, rng.randrange(256))
    for _ in range(30):
        place = (rng.randrange(size[0]), rng.randrange(size[1]))
        image.putpixel(place, rng.randrange(256))
    return image if mode == "I;16" else image.convert(mode)


def _encoded(rng: random.Random) -> bytes:
    image, kind = _small(rng), rng.choice(("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"))
    more = {"exif": _exif(rng)} if kind in ("PNG", "JPEG", "WEBP") and rng.random() < 0.5 else {}
    stream = io.BytesIO()
    try:
        image.save(stream, format=kind, **more)
    except (OSError, ValueError):  # not every mode fits every format
        image.convert("L").save(stream, format="PNG")
    return stream.getvalue()


def _exif(rng: random.Random) -> bytes:
    """A photo's tags, of which one says that it is turned, or what was made of them."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = rng.randrange(10)
    tags[ExifTags.Base.Make] = "a camera"
    content = bytearray(tags.tobytes())
    for _ in range(rng.choice((0, 1, 10))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return rng.choice((bytes(content), bytes(content), b"Exif\0\0garbage!", b"\xff" * 20))


def _broken(rng: random.Random) -> bytes:
    """Bytes changed, cut out, cut off or said twice."""
    content = bytearray(_encoded(rng))
    for _ in range(rng.choice((1, 3, 20))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    start = rng.randrange(len(content))
    how = rng.randrange(4)
    if how == 0:
        return bytes(content[:start])
    if how == 1:
        return bytes(content[:start] + content[start + rng.randrange(1, 50) :])
    return bytes(content + content[start:] if how == 2 else content)


def png_claiming(width: int, height: int, rows: int = 1, colour: int = 0, bits: int = 8) -> bytes:
    """A PNG that says it is large, with as many rows of data as are asked for."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    channels = {0: 1, 2: 3, 6: 4}[colour]
    line = bytes(1 + (width * channels * bits + 7) // 8) if rows else b""
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(line) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _bomb(rng: random.Random) -> bytes:
    sides = ((65535, 65535), (2**31 - 1, 1), (1, 2**31 - 1), (100_000, 100_000), (50_000, 1_000))
    width, height = rng.choice(sides)
    return png_claiming(width, height, 1 if width < 10**6 else 0)


def _polyglot(rng: random.Random) -> bytes:
    """A picture that is a page, an archive or a script as well."""
    content = _encoded(rng)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.py", "import os")
    tails = (b"<html><script>alert(1)</script>", archive.getvalue(), b"\x80\x04\x95.", b"%PDF-1.7")
    return rng.choice(tails) + content if rng.random() < 0.3 else content + rng.choice(tails)


def _other(rng: random.Random) -> bytes:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"
    return rng.choice((b"", b"\x00" * 100, svg, script, rng.randbytes(rng.randrange(2000))))


PICTURES: tuple[Callable[[random.Random], bytes], ...] = (
    *(_encoded, _broken, _broken, _bomb, _polyglot, _other),
)


def body(rng: random.Random, message: dict[str, Any]) -> bytes:
    """A message as bytes that may be no JSON at all."""
    text = json.dumps(message)
    how = rng.randrange(12)
    if how == 0:
        return text.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")))
    if how == 1:
        return b"[" * rng.choice((100, 2_000, 100_000))
    if how == 2:
        return b'{"a":' * rng.choice((100, 30_000)) + text.encode()
    if how == 3:
        return text.replace("null", "NaN").replace(": 0", ": Infinity").encode()
    if how == 4:
        return text[: rng.randrange(1 + len(text))].encode()
    if how == 5:
        return rng.randbytes(rng.randrange(300))
    if how == 6:
        return text.replace('"', '"\\ud800', 3).encode()
    if how == 7:
        return text[:-1].encode() + b', "x": ' + b"9" * rng.choice((400, 5_000)) + b"}"
    if how == 8:
        return text[:-1].encode() + b', "x": [' + b"0," * rng.choice((1_000, 300_000)) + b"0]}"
    if how == 9:
        return rng.choice((b"", b"null", b"[]", b'"x"', b"0", b"{}", b"\xed\xa0\x80", b"\xff\xfe"))
    return text.encode()


def path(rng: random.Random) -> str:
    """The part of an address after the host."""
    step = rng.choice(("../", "..%2f", "%2e%2e/", "..\\", "....//", "%252e%252e%252f", "/", "\x7f"))
    aim = rng.choice(("etc/passwd", "app.py", "proc/self/environ", "models/digits.safetensors"))
    root = rng.choice(ROOTS)
    return root + step * rng.randrange(9) + aim


ROOTS = (
    *("/gradio_api/file=", "/gradio_api/file/", "/static/", "/assets/", "/svelte/", "/", "/file="),
    *("/gradio_api/proxy=https://example.org/", "/gradio_api/stream/a/b/1/", "/gradio_api/"),
    *("/gradio_api/custom_component/x/client/component/", "/pwa_icon/", "/monitoring/"),
    *("/gradio_api/call/", "/gradio_api/heartbeat/", "/gradio_api/queue/data?session_hash="),
    *("/?deep_link=", "/config?deep_link=", "/gradio_api/deep_link?session_hash=", "/health/"),
    *("/gradio_api/file=https://example.org/", "/gradio_api/vibe-code/", "/gradio_api/runs/"),
)
