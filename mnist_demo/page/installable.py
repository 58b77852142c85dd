"""The page as an app of its own on a phone or a desk: its manifest, icon and colours.

Gradio's manifest (`launch(pwa=True)`) has a name and icons alone; this one is served in its
stead. A service worker is not needed to be installed, and would be of no use: the net that
answers is on the server.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from mnist_demo.page.asgi import App, Receive, Scope, Send
from mnist_demo.page.language import words_of_scope
from mnist_demo.page.words import words_in

ICON = Path(__file__).parent / "icon.png"  # Gradio serves it, also in 192 and 512 pixels
LIGHT, DARK = "#ffffff", "#0a0f1e"  # the page's ground by day and by night
HEAD = f"""
<meta name="theme-color" content="{LIGHT}" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="{DARK}" media="(prefers-color-scheme: dark)">
<link rel="apple-touch-icon" href="pwa_icon/192">
"""
# The icon fills its square, and the digit stays within the circle that a mask may leave.
ICONS = [
    {"src": f"pwa_icon/{side}", "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}
    for side in (192, 512)
    for purpose in ("any", "maskable")
]
MANIFEST = {
    "id": "./",
    "name": "Draw a digit",
    "short_name": "Digits",
    "description": "Draw a digit and watch a neural network change its mind.",
    "start_url": "./",
    "scope": "./",
    "display": "standalone",
    "theme_color": LIGHT,
    "background_color": LIGHT,
    "categories": ["education"],
    "icons": ICONS,
}


TEXTS = ("name", "short_name", "description")


@functools.cache
def manifest_in(language: str) -> bytes:
    words = words_in(language)
    said = {name: words(str(MANIFEST[name])) for name in TEXTS}
    return json.dumps(MANIFEST | said | {"lang": words.tag}).encode()


class Installable:
    """Answers for the manifest; all else goes on."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/manifest.json":
            await self.app(scope, receive, send)
            return
        manifest = manifest_in(words_of_scope(scope).language)
        headers = [
            (b"content-type", b"application/manifest+json"),
            (b"content-length", str(len(manifest)).encode()),
            (b"cache-control", b"max-age=3600"),
            (b"vary", b"Accept-Language, Referer"),
        ]
        body = b"" if scope["method"] == "HEAD" else manifest
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
