"""What the first look at the gallery would wait for, done before anybody looks.

To read the digits and to have the released net read them takes seconds, and holds up who
draws meanwhile; a server that has just begun has nothing else to do.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable

from mnist_demo.errors import UserError
from mnist_demo.page.context import RELEASED, Context
from mnist_demo.page.visitors import Visitor

AFTER = 2.0  # seconds that are left to the first page
REST = 0.5  # between two looks whether somebody still draws or trains
PATIENCE = 30.0  # seconds; where somebody always does, a look at the gallery will come as well


def start_warming(context: Context) -> None:
    """On a thread of its own, which ends with the server."""
    # Gradio asks matplotlib for its backend at every event. Where none is named, matplotlib
    # imports all of pyplot to find one: half a second or more in which nobody is answered.
    os.environ.setdefault("MPLBACKEND", "agg")

    def work() -> None:
        time.sleep(AFTER)
        warm_up(context)

    threading.Thread(target=work, name="warming", daemon=True).start()


def warm_up(context: Context, rest: Callable[[float], None] = time.sleep) -> None:
    """Leaves the released net's evaluation known. What is wrong with the data, askers are told."""
    left = PATIENCE

    def wait_for_quiet() -> None:
        nonlocal left
        while left > 0 and (context.batcher.is_in_use or len(context.turns)):
            rest(REST)
            left -= REST

    with contextlib.suppress(UserError):
        wait_for_quiet()
        for _ in context.evaluating(Visitor("nobody"), RELEASED):
            wait_for_quiet()
