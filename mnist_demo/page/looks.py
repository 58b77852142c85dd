"""What Gradio says of a page's parts, worked out once and not anew for every session.

A session is a name that anybody can make up, and Gradio begins each with all parts as they
are at first: 9 ms of processor time on the event loop for the first event of each, 1 ms so.
And it keeps what each event was given, in 500 sessions: pictures of 8 MB, 4 GB in all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState


def keep_looks(page: gr.Blocks) -> None:
    """To be called when nothing of the page changes any more.

    What an event changes for one session are parts of its own, which this leaves alone.
    """
    for block in page.blocks.values():
        if hasattr(block, "get_config"):
            block.get_config = _known(block.get_config)
    # For links to a state of the page alone, which the gate does not let in.
    SessionState._update_value_in_config = _forget  # type: ignore[method-assign]


def _known(work_out: Callable[..., dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    known = functools.cache(work_out)
    return lambda: dict(known())  # Gradio writes a session's values into what it is given


def _forget(self: SessionState, key: int, value: Any) -> None:
    """In place of keeping the value of a part that an event had."""
