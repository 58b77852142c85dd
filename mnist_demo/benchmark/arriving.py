"""Visitors who open the page: it and its files, as a browser asks that has never been there."""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import urljoin

from mnist_demo.benchmark.asking import Failed, Line
from mnist_demo.benchmark.crowd import Pause, Tally, name_of

LINKED = re.compile(rb'(?:src|href)="(\./assets/[^"]+)"')
NAMED = re.compile(rb"""["'`](\./[^"'`]+\.(?:js|css))["'`]""")
IMPORTED = re.compile(rb"""(?:from|import) ?["'`](\./[^"'`]+\.js)["'`]""")


async def files_of(line: Line) -> list[str]:
    """The page, what it names, what its first script names, and all that these import.

    Which of its parts' scripts a page then asks for, its browser alone knows: half of the files.
    """
    found: list[str] = []
    asked = ["/"]
    for place, path in enumerate(asked):  # which grows meanwhile
        pattern = (LINKED, NAMED, IMPORTED)[min(place, 2)]
        try:
            names = pattern.findall(await line.ask(path))
        except Failed:  # a text that looks like a file's name
            continue
        found.append(path)
        paths = [urljoin(path, name.decode()) for name in names]
        asked += dict.fromkeys(path for path in paths if path not in asked)
    return found


async def arrive(line: Line, paths: list[str], tally: Tally) -> None:
    """One visitor; the wait is until all of it is there."""
    started = time.perf_counter()
    try:
        for path in paths:
            await line.ask(path)
    except (Failed, OSError, TimeoutError) as error:
        tally.errors[name_of(error)] += 1
        return
    finally:
        line.close()
    tally.answers += 1
    tally.waits.append(time.perf_counter() - started)


async def keep_arriving(
    line: Line, paths: list[str], rate: float, stay: Pause, tally: Tally
) -> None:
    """One more visitor every so often, whether those before are served or not."""
    async with asyncio.TaskGroup() as visitors:
        while not stay.is_over:
            another = Line(line.host, line.port, accepts="br")
            visitors.create_task(arrive(another, paths, tally))
            await asyncio.sleep(1 / rate)
