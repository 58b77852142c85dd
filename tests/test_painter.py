"""Curves are drawn one at a time, as the Gallery's pictures are; other files wait for none."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from mnist_demo.config import TrainConfig
from mnist_demo.page import training
from mnist_demo.page.app import build
from mnist_demo.page.launch import make_context
from mnist_demo.page.painter import MAX_WAITING
from mnist_demo.page.plots import Download
from mnist_demo.page.runs import Run
from mnist_demo.train import Dials


def test_a_class_that_wants_curves_has_them_drawn_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = build(make_context(tmp_path))
    board = next(part for part in page.blocks.values() if part.elem_id == "training-board")
    download = next(call for call in board.server_fns if call.__name__ == "download")
    drawing, most, now = 0, 0, threading.Event()

    def make(run: Run, kind: object) -> Download:
        nonlocal drawing, most
        if kind == "curves":
            drawing += 1
            most = max(most, drawing)
            now.wait(20)
            drawing -= 1
        return Download(str(kind), "", b"")

    monkeypatch.setattr(training, "make_download", make)

    async def ask(pupil: str, kind: str) -> dict[str, Any]:
        visitor = page.context.visitors.get(pupil)
        visitor.add(Run("run-1", 1, TrainConfig(), "", "", Dials(0.1), "done"))
        body = json.dumps({"session_hash": pupil}).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        answer: dict[str, Any] = await download({"run": "run-1", "kind": kind}, request)
        return answer

    async def crowd() -> list[dict[str, Any]]:
        asked = [asyncio.ensure_future(ask(f"pupil-{n}", "curves")) for n in range(10)]
        await asyncio.sleep(0.1)
        others = [await ask(f"pupil-{n}", kind) for n, kind in enumerate(("net", "history"))]
        assert [other["name"] for other in others] == ["net", "history"]
        now.set()
        return await asyncio.gather(*asked)

    with ThreadPoolExecutor(1) as pool:  # playwright keeps a loop running in the main thread
        answers = pool.submit(lambda: asyncio.run(crowd())).result()
    assert most == 1
    drawn = [answer for answer in answers if answer.get("name") == "curves"]
    refused = [
        answer for answer in answers if "are drawn at this moment" in answer.get("error", "")
    ]
    assert (len(drawn), len(refused)) == (MAX_WAITING, 10 - MAX_WAITING)
