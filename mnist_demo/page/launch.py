"""Opens the page to the world, with every bound that a public page needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from mnist_demo.checkpoint import RELEASED, load_checkpoint
from mnist_demo.datasets import data_folder
from mnist_demo.page.app import STYLES, THEME, build
from mnist_demo.page.context import Context
from mnist_demo.page.guard import BodyLimit

MAX_JSON = 9 * 2**20  # bytes of a request: a picture in base64 and no more
MAX_UPLOAD = "8mb"
# Seconds after which a training thread hands over the interpreter's lock. A drawing's answer
# asks for the lock some ten times, and at Python's usual 5 ms each time would be felt.
SWITCH = 0.0005


def make_context(folder: str | Path | None = None) -> Context:
    """The released net and the place of the data; the data itself is read when first needed."""
    return Context(load_checkpoint(RELEASED), data_folder(folder))


def launch_page(
    page: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    block: bool = True,
) -> str:
    """Serves the page and returns its local address; with `block`, not before it is stopped."""
    sys.setswitchinterval(SWITCH)
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        prevent_thread_lock=not block,
        max_threads=64,
        show_error=False,
        strict_cors=True,
        max_file_size=MAX_UPLOAD,
        enable_monitoring=False,
        state_session_capacity=500,
        ssr_mode=False,
        app_kwargs=_app_options(),
        footer_links=["api", "settings"],
        theme=THEME,
        css_paths=[str(path) for path in STYLES],
    )
    return str(address)


def _app_options() -> dict[str, Any]:
    return {"middleware": [Middleware(BodyLimit, limit=MAX_JSON)]}


def serve(host: str | None, port: int | None, share: bool) -> None:
    launch_page(build(make_context()), host, port, share)
