"""What the training board shows, as data: text is made here, lines are drawn in the browser."""

from __future__ import annotations

import math
from typing import Any

from mnist_demo.config import TrainConfig
from mnist_demo.ensemble import MAX_MEMBERS
from mnist_demo.nets.custom import CustomNet
from mnist_demo.page import ending, filling
from mnist_demo.page.links import link_of
from mnist_demo.page.runs import MAX_RUNS, Run, percent
from mnist_demo.page.trainer import MAX_AWAITED_PAUSE, MAX_PAUSE
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.words import Words

SETTING_NAMES = {
    "epochs": "epochs",
    "batch_size": "batch",
    "learning_rate": "learning rate",
    "optimizer": "",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "schedule": "",
    "gamma": "gamma",
    "augment": "augmentation",
    "label_smoothing": "smoothing",
    "average": "averaging",
    "focus": "focus",
    "keep": "kept:",
    "holdout": "held out",
    "precision": "",
    "seed": "seed",
}
# Of a run, as text.
TOLD = (
    *("title", "data", "failure", "outcome", "validation", "test", "test_title", "time", "note"),
)
COLOURS = MAX_RUNS
WAITS_IN = 10  # seconds: who listens to the page does not want to be told each one


def board(visitor: Visitor, keeps: int = 0) -> dict[str, Any]:
    """All of a visitor's runs, the newest last; `keeps`: the days that they outlive the page.

    Runs stand in a dict and points in strings: between two updates Gradio sends what
    changed, and a string that grew costs its new end alone.
    """
    active = visitor.active_run
    runs = visitor.all_runs
    latest = active or (runs[-1] if runs else None)
    return {
        "now": now(latest) if latest else None,
        "runs": {run.id: summary(run) for run in runs},
        "keeps": keeps,
        "most": MAX_RUNS,
        "members": MAX_MEMBERS,
    }


def board_in(board: dict[str, Any], words: Words) -> dict[str, Any]:
    """A board as its visitor reads it."""
    current = board["now"]
    if current is not None:
        speed = words.listed(current["speed"], " · ", " · ")
        current = current | {"text": words(current["text"]), "speed": speed}
    runs = {name: _summary_in(run, words) for name, run in board["runs"].items()}
    return board | {"now": current, "runs": runs}


def _summary_in(run: dict[str, Any], words: Words) -> dict[str, Any]:
    told = {name: words(run[name]) for name in TOLD}
    say = words if run["together"] else words.listed
    return run | told | {"settings": say(run["settings"])}


def now(run: Run) -> dict[str, Any]:
    """The run that the buttons and the progress bar are about."""
    done = run.status == "done"
    return {
        "run": run.id,
        "status": run.status,
        "ahead": run.ahead,
        "text": status_line(run),
        "speed": speed_line(run),
        "progress": 1.0 if done else round(run.step / run.steps, 4) if run.steps else 0.0,
        "dial": run.dials.learning_rate,
    }


def status_line(run: Run) -> str:
    epoch = f"epoch {min(len(run.epochs) + 1, run.config.epochs)} of {run.config.epochs}"
    if run.status == "waiting":
        return in_line(run.ahead, run.wait, "your run")
    if run.status == "training":
        validating = run.steps and run.step * run.config.epochs >= run.steps * (len(run.epochs) + 1)
        return f"Checking on validation digits, {epoch}" if validating else f"Training, {epoch}"
    if run.status == "paused":
        return (
            f"Paused in {epoch}; ends by itself after {MAX_PAUSE / 60:.0f} minutes of pauses, "
            f"{MAX_AWAITED_PAUSE:.0f} s while others wait"
        )
    if run.members:
        if run.status == "testing":
            return f"{run.what.capitalize()}, being tested: {run.message}"
        return f"{run.what.capitalize()}, in use: {run.message}"
    if run.status == "testing":
        stopped = len(run.epochs) < run.config.epochs
        return f"{'Stopped' if stopped else 'Trained'}; now testing the net that was kept"
    return run.message


def in_line(ahead: int, seconds: float | None, what: str) -> str:
    """How long a visitor waits for `what` to start: behind how many people, and some time."""
    if not ahead:
        return "Starting"
    people = "1 person" if ahead == 1 else f"{ahead} people"
    wait = "" if seconds is None else f", about {duration(rounded_up(seconds, WAITS_IN))}"
    return f"{people} ahead of you{wait}; keep this page open, {what} starts by itself"


def rounded_up(seconds: float, step: int) -> float:
    return max(1, math.ceil(seconds / step)) * step


def speed_line(run: Run) -> str:
    parts = []
    if run.status in ("training", "paused"):
        if run.images_per_second:
            parts.append(f"{run.images_per_second:,.0f} images/s")
        if run.seconds_left is not None:
            parts.append(f"{duration(run.seconds_left)} left")
    elif run.seconds and not run.is_active:
        parts.append(duration(run.seconds))
    return " · ".join([*parts, run.device])


def duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def summary(run: Run) -> dict[str, Any]:
    best = run.best
    validation = percent(best.validation_accuracy) if best else ""
    test = percent(run.accuracy) if run.accuracy is not None else ""
    return {
        "number": run.number,
        "colour": (run.number - 1) % COLOURS,
        "title": run.title,
        "settings": run.message if run.members else settings_of(run.config),
        "together": bool(run.members),
        "also": bool(run.config.also),
        "reads": filling.kind_of(run.config.dataset),
        "data": run.data_title,
        "failure": run.message if run.status == "failed" else "",
        "outcome": outcome(run),
        "validation": validation,
        "test": test,
        "once": validation == test and run.judged_by.startswith("held-out"),  # the same images
        "test_title": run.judged_by if run.accuracy is not None else "",
        "time": duration(run.seconds) if run.seconds else "",
        "usable": run.is_usable,
        "active": run.is_active,
        "resumable": run.is_resumable,
        "link": link_of(run.config),
        "note": run.note,
        "length": run.config.epochs,
        "begun": run.begun,
        "steps": "".join(f"{x:.5g} {y:.4g};" for x, y in run.losses.points),
        "epochs": "".join(
            f"{e.epoch} {e.train_loss:.4g} {e.validation_loss:.4g} "
            f"{e.train_accuracy:.5g} {e.validation_accuracy:.5g};"
            for e in run.epochs
        ),
    }


def outcome(run: Run) -> str:
    """How the run stands, where that is not plainly "done"."""
    if run.status == "interrupted":
        return f"interrupted {ending.where(run.config, run.epochs)}"
    if run.status == "stopped":
        return f"stopped after {len(run.epochs)} of {run.config.epochs} epochs"
    return "" if run.status == "done" else run.status


def settings_of(config: TrainConfig) -> str:
    """What differs from the defaults, in words; the net and the data are told elsewhere."""
    values, defaults = config.to_dict(), TrainConfig().to_dict()
    changed = [
        f"{label} {_text(values[name])}".strip()
        for name, label in SETTING_NAMES.items()
        if values[name] != defaults[name] and not config.is_idle(name)
    ]
    return ", ".join([*own_net(config.net), *changed]) or "default settings"


def own_net(name: str) -> list[str]:
    """What a net of one's own has that is not the default; nothing of any other net."""
    if not name.startswith(f"{CustomNet.KIND}:"):
        return []
    net = CustomNet.parse(name)
    names = [key for key in net.names() if key not in ("input", "classes")]
    differ = [key for key in names if getattr(net, key) != getattr(CustomNet(), key)]
    return [f"{key} {_text(getattr(net, key))}" for key in differ]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
