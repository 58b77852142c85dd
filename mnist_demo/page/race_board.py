"""What the race's board shows, as data: every text is made here, from what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mnist_demo.benchmark.race import RUNNERS
from mnist_demo.page.board import duration, in_line, rounded_up
from mnist_demo.page.heat import MAX_SECONDS, Heat
from mnist_demo.page.messages import Lapped
from mnist_demo.page.racing import TARGET

OURS = "fast"
TITLES = {
    "fast": "Our recipe fast",
    "study": "A public study",
    "example": "PyTorch's own example",
}
# What each does, for who has just heard of it.
ABOUT = {
    "fast": "One pass over the digits; a first layer of fixed edges and lines, then two small ones "
    "that learn.",
    "study": "One pass as well: two convolutions at full size, Adam, 32 bits. It took 0.76 s on a "
    "laptop's GPU.",
    "example": "What many learn from: up to 14 passes, Adadelta, each digit prepared when it is "
    "due.",
}
SOURCES = {
    "study": "https://github.com/tuomaso/train_mnist_fast",
    "example": "https://github.com/pytorch/examples/tree/main/mnist",
}

FEW = (
    "Only the embedded sample is here, too few digits for 99 %: the recipes are made for 15 times "
    "as many, and one pass over these may teach next to nothing."
)

LEFT_IN = 30  # seconds: who listens to the page does not want to be told each one
FAR = 0.97  # who ends below this says why

Say = Callable[[str], str]  # says an English text in the visitor's language


def race_board(heat: Heat | None, dataset: str, machine: str, say: Say = str) -> dict[str, Any]:
    """The whole board; lanes stand in a dict, for Gradio sends what changed."""
    laps = list(heat.laps.values()) if heat else []
    running = [lap.seconds for lap in laps if not lap.is_over]
    return {
        "status": heat.status if heat else "idle",
        "text": say(status_line(heat)),
        "warning": say(FEW) if (heat.dataset if heat else dataset) != "mnist" else "",
        "digits": say(digits_line(heat.dataset if heat else dataset)),
        "machine": say(machine),
        "clock": say(clock(max(running or [lap.seconds for lap in laps], default=0.0))),
        "lanes": {name: lane(heat, name, say) for name in RUNNERS},
        "outcome": [say(line) for line in outcome(heat)] if heat else [],
    }


def status_line(heat: Heat | None) -> str:
    if heat is None:
        return f"Ready. A race ends by itself after {MAX_SECONDS / 60:.0f} minutes."
    if heat.status == "waiting":
        return in_line(heat.ahead, heat.wait, "the race")
    if heat.status == "preparing":
        return "Getting ready: the digits go into memory"
    if heat.status == "racing":
        left = rounded_up(MAX_SECONDS - heat.seconds, LEFT_IN)
        return f"Racing; ends by itself in {duration(left)} at the latest"
    return heat.message


def digits_line(dataset: str) -> str:
    if dataset == "mnist":
        return (
            "Ours learns from 55,000 digits, the others from 60,000, as published; 10,000 test "
            "digits, which nobody learned from, judge all of them after each epoch."
        )
    return (
        "All learn from the embedded sample's 4,000 digits, and its 1,000 held-out ones judge "
        "them after each epoch."
    )


def lane(heat: Heat | None, name: str, say: Say) -> dict[str, Any]:
    is_in = heat is None or name in heat.runners
    lap = heat.laps.get(name) if heat else None
    judged = heat.judged.get(name) if heat else None
    return {
        "title": say(TITLES[name]),
        "about": say(ABOUT[name]),
        "source": SOURCES.get(name, ""),
        "in": is_in,
        "state": state_of(heat, lap),
        "part": (1.0 if lap.is_over else round(lap.done, 4)) if lap else 0.0,
        "time": say(clock(lap.seconds)) if lap else "",
        "accuracy": say(percent(judged)) if judged else "",
        "reached": has_reached(judged),
        "note": say(note_of(heat, name, lap, judged)) if heat and is_in else "",
    }


def state_of(heat: Heat | None, lap: Lapped | None) -> str:
    if lap is not None and lap.is_over:
        return "over"
    if heat is None or lap is None:
        return "ready"
    return "running" if heat.is_active else "stopped"


def note_of(heat: Heat, name: str, lap: Lapped | None, judged: Lapped | None) -> str:
    """How far a runner is, or had come when the race ended; nothing is extrapolated."""
    epochs = RUNNERS[name].epochs
    if lap is None:
        return "" if heat.is_active else "has not started"
    if lap.is_over:
        goal = f"{TARGET:g} % reached" if has_reached(judged) else "recipe at its end"
        few = heat.dataset != "mnist" and judged and (judged.accuracy or 0.0) < FAR
        return f"{goal} after {_epochs(lap.epoch)}" + (": too few digits for it" if few else "")
    if heat.is_active:
        what = f"epoch {min(lap.epoch + 1, epochs)} of {epochs}"
        return f"{what} is over: being tested" if lap.is_judged else what
    if judged is None:
        return f"in epoch 1 of {epochs} when the race ended, not tested yet"
    return f"{percent(judged)} after {_epochs(judged.epoch)}, still running when the race ended"


def outcome(heat: Heat) -> list[str]:
    """How many times as long as ours each other took, once ours is at its end."""
    ours = heat.laps.get(OURS)
    if ours is None or not ours.is_over or not ours.seconds:
        return []
    lines = []
    for name, lap in heat.laps.items():
        if name == OURS:
            continue
        times = f"{lap.seconds / ours.seconds:.1f}"
        both = f"{clock(lap.seconds)} against {clock(ours.seconds)}"
        if lap.is_over:
            work = f"{lap.processor / max(1e-3, ours.processor):.1f}"
            lines.append(
                f"{TITLES[name]} took {times} times as long as ours: {both} (in processor time "
                f"{work} times)."
            )
        elif not heat.is_active:
            lines.append(
                f"{TITLES[name]} was not at its end after {times} times as long as ours: {both}."
            )
    return lines


def has_reached(judged: Lapped | None) -> bool:
    accuracy = judged.accuracy if judged else None
    return accuracy is not None and round(100 * accuracy, 2) >= TARGET


def percent(lap: Lapped) -> str:
    return f"{100 * (lap.accuracy or 0.0):.2f} %"


def clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else duration(seconds)


def _epochs(count: int) -> str:
    return f"{count} epoch" + ("s" if count != 1 else "")
