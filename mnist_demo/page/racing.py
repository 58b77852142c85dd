"""A race's work, told as messages: all runners at once, a tenth of a second each in turn."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import asdict

import torch

from mnist_demo.benchmark.race import RUNNERS, Lap, Runner, race, with_judges
from mnist_demo.datasets import load_named
from mnist_demo.device import pick_device
from mnist_demo.page.job import Controls, RaceJob
from mnist_demo.page.messages import End, Lapped, Phase
from mnist_demo.page.work import Messages

TARGET = 99.0  # per cent of the judging digits, which ends a runner's race
SEED = 1


def run_race(job: RaceJob, controls: Controls) -> Messages:
    """To the end of all runners, or until it is stopped or left."""
    device = pick_device(job.device)
    data = with_judges(load_named(job.dataset, job.folder)).to(device)
    assert data.test is not None
    yield Phase("preparing")
    cores = torch.get_num_threads()
    with contextlib.ExitStack() as stack:
        field: dict[str, Generator[Lap, None, None]] = {}
        for name in job.runners:
            runner = RUNNERS[name]
            laps = race(runner, runner.prepare(data), data.test, SEED)
            field[name] = stack.enter_context(contextlib.closing(laps))
        yield Phase("racing")
        seconds = dict.fromkeys(field, 0.0)
        while field:
            torch.set_num_threads(max(1, cores - 1) if controls.spare else cores)
            name = min(field, key=seconds.__getitem__)  # who has had the least time
            lap = next(field[name], None)
            over = lap is None or is_over(RUNNERS[name], lap)
            if over:
                field.pop(name).close()  # its net and its digits are not needed any more
            if lap is not None:
                seconds[name] = lap.seconds
                yield Lapped(name, **asdict(lap), is_over=over)
            if controls.stop.is_set():
                yield End("left" if controls.leave.is_set() else "stopped")
                return
    yield End("done")


def is_over(runner: Runner, lap: Lap) -> bool:
    """At the target, or after the recipe's last epoch."""
    if lap.accuracy is None:
        return False
    return lap.epoch == runner.epochs or round(100 * lap.accuracy, 2) >= TARGET
