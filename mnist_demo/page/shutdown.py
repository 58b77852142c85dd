"""The end of the server, by a signal: soon, in order, and with nothing left running."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from types import FrameType

import gradio as gr
from gradio.tunneling import CURRENT_TUNNELS

from mnist_demo.page.context import Context

GRACE = 0.5  # seconds for answers that are on their way
SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")  # told to end, Ctrl-C, a closed terminal


def end_on_signals(page: gr.Blocks, context: Context) -> None:
    """To be called on the main thread, before the server blocks it."""

    def end(number: int, frame: FrameType | None) -> None:
        # Not here: the handler may have interrupted whoever holds a lock that is needed.
        threading.Thread(target=_end, args=(page, context), name="end").start()

    for number in filter(None, (getattr(signal, name, None) for name in SIGNALS)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # which is what nohup asks for
            signal.signal(number, end)


def _end(page: gr.Blocks, context: Context) -> None:
    """Runs lie on disk as they were after their last epoch; whoever has one may go on with it."""
    try:
        server = getattr(page, "server", None)
        if server is not None:
            server.should_exit = True  # takes no more requests
        context.crew.close()
        for child in multiprocessing.active_children():  # ZeroGPU's fork, which outlives us
            child.kill()
        time.sleep(GRACE)
        context.traffic.report()
        for tunnel in CURRENT_TUNNELS:
            tunnel.kill()
        logging.getLogger("mnist_demo").info("the server was told to end")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        # What is left are threads that wait for pages that will not answer. 0, after Ctrl-C too,
        # as Gradio's own end and `python -m http.server` have it: nothing failed.
        os._exit(0)
