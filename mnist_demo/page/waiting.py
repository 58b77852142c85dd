"""How much of Gradio's queue one visitor may fill, which itself bounds only all of them together.

A session is a name that anybody can make up, so an address has its bound too.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import gradio as gr
from fastapi import HTTPException

from mnist_demo.page.guard import address_of
from mnist_demo.page.language import words_for
from mnist_demo.page.turns import Turns

MOST = 64  # events that wait, of all visitors
OF_ADDRESS = MOST // 2
OF_SESSION = MOST // 4
KEPT = 4_000  # sessions by name; answers are held for 2,000 of them
GUESS = 5.0  # seconds that an event takes of which none has ended yet


def in_training_line(turns: Turns) -> dict[str, Any]:
    """How the events of those who wait for their training, or their race, are listened for."""
    return {
        "show_progress": "hidden",
        "api_visibility": "private",
        # One more than the line is long, so that who comes last is told and does not hang.
        "concurrency_limit": turns.limit + 1,
        "concurrency_id": "train",
    }


def share_queue(page: gr.Blocks) -> None:
    """Has the page's queue refuse who fills it: after `page.queue`, which makes the queue."""
    queue = page._queue
    push = queue.push

    known = queue.pending_event_ids_session

    @functools.wraps(push)
    async def share(body: Any, request: Any, username: str | None) -> Any:
        # Nothing is awaited from here until Gradio has put the event into its line.
        line = [event for of_kind in _lines(queue) for event in of_kind.queue]
        if refused := _refusal(queue, line, body.session_hash, address_of(request)):
            text, seconds = refused
            when = {"Retry-After": str(seconds)}
            raise HTTPException(429, words_for(request)(text), headers=when)
        if len(known) > KEPT:  # Gradio has the name of each session that ever asked
            answered = queue.pending_messages_per_session
            for name in [name for name in known if not known[name] or name not in answered]:
                del known[name]
        return await push(body=body, request=request, username=username)

    queue.push = share


def _refusal(
    queue: Any, line: list[Any], session: str | None, address: str
) -> tuple[str, int] | None:
    """Why an event may not wait, and after how many seconds it may; None where it may."""
    own = [event for event in line if event.session_hash == session]
    near = [event for event in line if address and address_of(event.request) == address]
    for waiting, most, whose in (
        (own, OF_SESSION, "of yours "),
        (near, OF_ADDRESS, "from your network "),
        (line, MOST, ""),
    ):
        if len(waiting) >= most:
            seconds = math.ceil(max(1.0, _until_taken_up(queue, waiting[0])))
            text = f"{most} requests {whose}are waiting already; try again in {seconds} s"
            return text, seconds
    return None


def _lines(queue: Any) -> list[Any]:
    """The queue's lines: one for each kind of event."""
    return list(queue.event_queue_per_concurrency_id.values())


def _until_taken_up(queue: Any, event: Any) -> float:
    """Seconds, by what events of its kind took so far."""
    line = queue.event_queue_per_concurrency_id[event.concurrency_id]
    known = queue.process_time_per_fn.get(event.fn)
    took = known.avg_time if known else GUESS
    return (line.queue.index(event) + 1) * took / (line.concurrency_limit or 1)
