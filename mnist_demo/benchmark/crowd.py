"""Visitors as a server meets them: some draw, some train, some look at the gallery, one floods."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_demo.benchmark.asking import API, Failed, Page
from mnist_demo.benchmark.pens import PACE, Drawing

# As sketchpad.js has them: the pause after an answer, so that a busy server is asked less.
REST = 0.2
LONGEST_REST = 0.06
GIVE_UP = 5  # failures of one drawing
FLOOD_LINES = 16  # connections that the one who floods keeps busy


@dataclass
class Tally:
    """What visitors met; waits in seconds."""

    waits: list[float] = field(default_factory=list)  # from a pen's move to the answer with it
    answers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def report(self, seconds: float) -> dict[str, Any]:
        waits = np.array(self.waits or [np.nan]) * 1000
        return {
            "seconds": round(seconds, 1),
            "pen_moves": len(self.waits),
            "answers": self.answers,
            "answers_per_s": round(self.answers / max(seconds, 1e-9), 1),
            **{f"p{p}_ms": round(float(np.percentile(waits, p)), 1) for p in (50, 95, 99)},
            "refused": dict(self.refused),
            "errors": dict(self.errors),
        }


@dataclass
class Pause:
    """Until when visitors stay."""

    until: float

    @property
    def is_over(self) -> bool:
        return time.perf_counter() >= self.until


async def draw(
    page: Page, drawings: Sequence[Drawing], rng: np.random.Generator, stay: Pause, tally: Tally
) -> None:
    """Draws one digit after another and looks at each for as long as it took to draw."""
    await asyncio.sleep(rng.uniform(0, 2.0))
    while not stay.is_over:
        drawing = drawings[int(rng.integers(len(drawings)))]
        started = time.perf_counter()
        await draw_one(page, drawing, tally)
        length = len(drawing.updates) / PACE
        await asyncio.sleep(max(0.0, started + 2 * length - time.perf_counter()))


async def draw_one(page: Page, drawing: Drawing, tally: Tally) -> None:
    """One request in flight, about the newest state of the drawing, as `sketchpad_ask.js` does."""
    start = time.perf_counter()
    moves = [start + number / PACE for number in range(len(drawing.updates))]
    answered = failures = 0
    while answered < len(moves) and failures < GIVE_UP:
        now = time.perf_counter()
        seen = sum(move <= now for move in moves)
        if seen == answered:
            await asyncio.sleep(moves[answered] - now)
            continue
        try:
            answer = await page.serve("sketchpad", "classify", drawing.updates[seen - 1])
        except (Failed, OSError, TimeoutError) as error:
            tally.errors[name_of(error)] += 1
            failures += 1
            await asyncio.sleep(0.5)
            continue
        done = time.perf_counter()
        if "error" in answer:
            tally.refused[answer["error"]] += 1
            await asyncio.sleep(answer.get("again_in", LONGEST_REST))
            continue
        tally.answers += 1
        tally.waits += [done - move for move in moves[answered:seen]]
        answered = seen
        await asyncio.sleep(min(LONGEST_REST, REST * (done - now)))


async def flood(page: Page, drawings: Sequence[Drawing], stay: Pause, tally: Tally) -> None:
    """One visitor's session, asking as fast as answers come on many connections."""
    body = page.call("sketchpad", "classify", drawings[0].updates[-1])

    async def hammer() -> None:
        line = page.another()
        while not stay.is_over:
            try:
                answer = json.loads(await line.ask(f"{API}/component_server/", body))
            except (Failed, OSError, TimeoutError) as error:
                tally.errors[name_of(error)] += 1
                continue
            if "error" in answer:
                tally.refused[answer["error"]] += 1
            else:
                tally.answers += 1

    await asyncio.gather(*(hammer() for _ in range(FLOOD_LINES)))


async def browse(page: Page, rng: np.random.Generator, stay: Pause, tally: Tally) -> None:
    """Opens the gallery and turns its pages, one every few seconds."""
    await asyncio.sleep(rng.uniform(0, 2.0))
    while not stay.is_over:
        try:
            await look(page, int(rng.integers(3)), tally)
        except (Failed, OSError, TimeoutError) as error:
            tally.errors[name_of(error)] += 1
        await asyncio.sleep(rng.uniform(1.0, 4.0))


async def look(page: Page, number: int, tally: Tally) -> None:
    """The gallery, and one page of what the released net gets right."""
    started = time.perf_counter()
    shown: dict[str, Any] = {}
    async for value in page.fire("gallery.look", {}):
        shown = json.loads(value)
    if shown.get("state") != "ready":
        tally.refused[str(shown.get("message", "no gallery"))] += 1
        return
    wanted = {
        "choice": "released",
        "sort": "confident",
        "page": number,
        "size": 24,
        "right": True,
        "truth": None,
        "predicted": None,
    }
    answer = await page.serve("gallery", "page_of", json.dumps(wanted).encode())
    if "error" in answer:
        tally.refused[answer["error"]] += 1
        return
    tally.answers += 1
    tally.waits.append(time.perf_counter() - started)


@dataclass
class Training:
    """What became of one training; times in seconds since the crowd came."""

    number: int  # in the order of asking
    asked: float = 0.0
    began: float | None = None
    ended: float | None = None
    status: str = ""
    told: list[str] = field(default_factory=list)  # what the page said while it waited
    refused: str = ""


async def train(page: Page, training: Training, zero: float, epochs: int) -> None:
    """One run, asked for and watched to its end as the Train tab does it."""
    training.asked = time.perf_counter() - zero
    fields = {"Epochs": epochs}
    try:
        async for board in page.fire("training-board.train", {}, fields):
            now = board["now"] or {}
            training.status = now.get("status", "")
            if training.status == "waiting":
                if now["text"] not in training.told[-1:]:
                    training.told.append(now["text"])
            elif training.status == "training" and training.began is None:
                training.began = time.perf_counter() - zero
    except (Failed, OSError, TimeoutError) as error:
        training.refused = str(error)
    training.ended = time.perf_counter() - zero


def name_of(error: Exception) -> str:
    return str(error) or type(error).__name__
