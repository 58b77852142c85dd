"""Opens the page to the world, with every bound that a public page needs."""

from __future__ import annotations

import functools
import logging
import os
import sys
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from mnist_demo.checkpoint import PLAIN, RELEASED, load_checkpoint, released_sceptic
from mnist_demo.datasets import data_folder
from mnist_demo.page import sketchpad
from mnist_demo.page.app import FOOTER, SCRIPT, STYLES, THEME, build
from mnist_demo.page.batcher import Batcher
from mnist_demo.page.context import Context
from mnist_demo.page.doors import HINT, Door, Doorstep
from mnist_demo.page.gate import Gate
from mnist_demo.page.health import Health, health_of
from mnist_demo.page.heartbeat import Heartbeats
from mnist_demo.page.idle import Idle, allow_many_files
from mnist_demo.page.importing import uncollected
from mnist_demo.page.installable import HEAD, ICON, Installable
from mnist_demo.page.kept import Kept
from mnist_demo.page.localised import Localised
from mnist_demo.page.logs import ErrorWatch, log_to_stderr
from mnist_demo.page.looks import keep_looks
from mnist_demo.page.offers import offers_of
from mnist_demo.page.openapi import Documented
from mnist_demo.page.prefix import Unprefixed
from mnist_demo.page.shelf import Shelf, default_folder
from mnist_demo.page.shortcut import Shortcut
from mnist_demo.page.shutdown import end_on_signals
from mnist_demo.page.warming import start_warming

MAX_JSON = 9 * 2**20  # bytes of a request: a picture in base64 and no more
# Seconds after which a training thread hands over the interpreter's lock. A drawing's answer
# asks for the lock some ten times, and at Python's usual 5 ms each time would be felt.
SWITCH = 0.0005
# Seconds between two looks at Gradio's queue while nothing is done, in place of its 1 ms, which
# takes 7 % of a core from a server that nobody asks. Drawings pass it by.
LOOKS = 0.01
# Where a Space's own proxies stand. Each adds whom it was asked by, so the last address that is
# none of these is the visitor's; what comes before it, a visitor may have made up.
PROXIES = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"


def make_context(folder: str | Path | None = None, runs: Path | None = None) -> Context:
    """The released nets and the place of the data; the data itself is read when first needed.

    `runs`: where visitors' runs are kept on disk; None: nowhere.
    """
    plain = {name: load_checkpoint(path) for name, path in PLAIN.items()}
    batcher = Batcher(released_sceptic())
    shelf = Shelf(runs)
    released = load_checkpoint(RELEASED)
    return Context(released, data_folder(folder), plain, batcher=batcher, shelf=shelf)


def launch_page(
    page: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    block: bool = True,
    door: Door | None = None,
    mcp: bool = False,
) -> str:
    """Serves the page and returns its local address; with `block`, not before it is stopped.

    `door`: who may come in where a password is set. `mcp`: also as tools for assistants.
    """
    sys.setswitchinterval(SWITCH)
    if os.environ.get("SPACE_ID"):  # else all visitors would be one address there
        os.environ.setdefault("FORWARDED_ALLOW_IPS", PROXIES)
    logging.getLogger("mnist_demo").addHandler(ErrorWatch(page.context.traffic))
    keep_looks(page)
    page._queue.sleep_when_free = LOOKS
    # Else Gradio sums up the last 10,000 events after each, for a view that is shut here.
    page._queue.ANALYTICS_MAX_EVENTS = 0
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        auth=door.opens if door else None,
        auth_message=HINT if door else None,
        prevent_thread_lock=not block,
        max_threads=64,
        show_error=False,
        strict_cors=True,
        max_file_size=1,  # nothing here takes files
        enable_monitoring=False,
        run_history=False,
        state_session_capacity=500,
        ssr_mode=False,
        mcp_server=mcp,
        app_kwargs={"middleware": _middleware(page, door is not None)},
        footer_links=["api", "settings"],
        theme=THEME,
        head=f"{HEAD}{FOOTER}<script>{SCRIPT.read_text('utf-8')}</script>",
        favicon_path=ICON,
        pwa=True,
        css_paths=[str(path) for path in STYLES],
    )
    return str(address)


def _middleware(page: gr.Blocks, has_door: bool) -> list[Any]:
    """What a request passes through before it reaches Gradio, in this order."""
    context: Context = page.context
    offers = functools.cache(lambda: offers_of(page))
    layers = [
        Middleware(Unprefixed),
        Middleware(Idle, connections=lambda: page.server.server_state.connections),
        Middleware(Health, look=lambda: health_of(context)),
        Middleware(Gate, limit=MAX_JSON, offers=offers, traffic=context.traffic),
        Middleware(Kept, has_door=has_door),
        *([Middleware(Doorstep)] if has_door else []),
        Middleware(Heartbeats, forget=context.visitors.drop, is_here=context.visitors.peek),
        Middleware(Installable),
        Middleware(Localised),
        Middleware(Documented),
    ]
    if not has_door:  # behind one Gradio alone knows who has logged in
        layers.append(Middleware(Shortcut, answers=sketchpad.answers(context, page)))
    return layers


def serve(
    host: str | None, port: int | None, share: bool, password: str | None = None, mcp: bool = False
) -> None:
    log_to_stderr()
    allow_many_files()
    door = Door(password) if password else None
    with uncollected():
        page = build(make_context(runs=default_folder()))
    end_on_signals(page, page.context)
    start_warming(page.context)
    launch_page(page, host, port, share, door=door, mcp=mcp)
