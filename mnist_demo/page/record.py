"""A run as files: its figures in JSON, its net and its answers as safetensors, and back."""

from __future__ import annotations

import contextlib
import functools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnist_demo.checkpoint import Checkpoint, from_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.page import ending
from mnist_demo.page.curve import Curve
from mnist_demo.page.loaded import Loaded
from mnist_demo.page.messages import unpack_evaluation
from mnist_demo.page.runs import ACTIVE, Run
from mnist_demo.train import Dials, Epoch

FIGURES, NET, ANSWERS, STATE = "run.json", "net.safetensors", "answers.safetensors", "state"
NAMES = {"net": NET, "answers": ANSWERS}  # of what `Run.fresh` holds
MAX_JSON = 2**20  # bytes
PLAIN = [
    *("number", "data_title", "device", "message", "note", "step", "steps", "seconds"),
    *("judged_by", "accuracy"),
]
DAMAGED = "what was kept of this run is damaged; discard it and train again"


def files_of(run: Run) -> dict[str, bytes]:
    """What is to be written of a run, by the files' names; its figures last."""
    if "net" in run.fresh and not run.labels:  # a run's nets all tell the same apart
        with contextlib.suppress(UserError):
            _ = run.checkpoint
    values: dict[str, Any] = {name: getattr(run, name) for name in PLAIN}
    values |= {
        "status": run.status,
        "config": run.config.to_dict(),
        "rate": run.dials.learning_rate,
        "members": list(run.members),
        "epochs": [asdict(epoch) for epoch in run.epochs],
        "curve": run.losses.to_dict(),
        "begun": run.begun,
        "labels": list(run.labels),
    }
    return {NAMES[part]: content for part, content in run.fresh.items()} | {
        FIGURES: json.dumps(values).encode()
    }


def begun(folder: Path) -> float:
    """When a run began; 0 where that cannot be read."""
    try:
        return float(_values(folder)["begun"])
    except (UserError, KeyError, TypeError, ValueError):
        return 0.0


def read(folder: Path, loaded: Loaded) -> Run:
    """The run in a folder. One that was on when its server or page ended is interrupted.

    Its net is read when somebody uses it. Raises UserError where its figures are damaged.
    """
    values = _values(folder)
    try:
        config = TrainConfig.from_dict(values["config"])
        number = int(values["number"])
        run = Run(f"run-{number}", config=config, dials=Dials(float(values["rate"])),
                  **{name: values[name] for name in PLAIN})  # fmt: skip
        run.members = tuple(map(int, values["members"]))
        run.epochs = [Epoch(**epoch) for epoch in values["epochs"]]
        run.losses = Curve.from_dict(values["curve"])
        run.begun = float(values["begun"])
        run.labels = tuple(map(str, values.get("labels", ())))  # later than the others
        run.status = values["status"]
    except (UserError, KeyError, TypeError, ValueError) as error:
        raise UserError(DAMAGED) from error
    if run.members:
        run.status = "done"  # but for its test, which may have been broken off
    elif run.status in ACTIVE or run.status == "interrupted":
        run.status = "interrupted"
        run.message = f"Interrupted {ending.where(config, run.epochs)}."
    if (folder / NET).is_file():
        run.make_net = functools.partial(_net_in, loaded, folder / NET)
    if (folder / ANSWERS).is_file():
        run.make_evaluation = functools.partial(_answers_in, loaded, folder / ANSWERS)
    return run


def _values(folder: Path) -> dict[str, Any]:
    try:
        path = folder / FIGURES
        if path.stat().st_size > MAX_JSON:
            raise ValueError("too large")
        values = json.loads(path.read_bytes())
        if not isinstance(values, dict):
            raise ValueError("no JSON object")
        return values
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(DAMAGED) from error


def _net_in(loaded: Loaded, path: Path) -> Checkpoint:
    try:
        return loaded.load(path, from_bytes)
    except OSError as error:
        raise UserError("this net is kept no more; train it again") from error


def _answers_in(loaded: Loaded, path: Path) -> Evaluation:
    try:
        return loaded.load(path, unpack_evaluation)
    except OSError as error:
        raise UserError("this run's answers are kept no more; train it again") from error
