"""Trains the recipes of the tutorials and sets what they reach beside what they say."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from mnist_demo.datasets import load_dataset
from mnist_demo.device import describe_device
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate
from mnist_demo.files import write_whole
from mnist_demo.nets import build_net, count_parameters
from mnist_demo.recipes import RECIPES, Recipe
from mnist_demo.train import Event, keep_best, train

BEGIN, END = "<!-- reproduced -->", "<!-- /reproduced -->"
HEADER = (
    "| source | recipe | source says | we measured (test) | must show | parameters | time a run "
    "| machine |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Measured:
    """One training of a recipe, judged on the test set after its last epoch."""

    recipe: str
    seed: int
    accuracy: float
    parameters: int
    epochs: int
    seconds: float
    machine: str
    settings: dict[str, object]  # so that a changed recipe is measured again


def measure(
    recipe: Recipe, seed: int, folder: Path | None, device: torch.device
) -> Iterator[Event | Measured]:
    """Trains once: the trainer's events, and at the end the figure.

    Raises UserError where the data set has no test digits to report on.
    """
    config = replace(recipe.config, seed=seed)
    data = load_dataset(config.dataset, folder, config.holdout)
    if data.test is None:
        raise UserError(
            f"{data.title} has no test set; fetch full MNIST with `python -m mnist_demo download`"
        )
    data = data.to(device)
    net = build_net(config.net, seed).to(device)
    events = train(net, data.train, data.validation, config)
    started = time.perf_counter()
    yield from keep_best(events, net) if config.keep == "best" else events
    seconds = time.perf_counter() - started
    assert data.test is not None
    yield Measured(
        recipe.name,
        seed,
        evaluate(net, data.test).accuracy,
        count_parameters(net),
        config.epochs,
        round(seconds, 1),
        describe_device(device),
        recipe.config.to_dict(),
    )


def read_results(path: Path) -> list[Measured]:
    """What was measured before; nothing where there is no file yet."""
    try:
        return [Measured(**entry) for entry in json.loads(path.read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); delete it to measure anew") from error


def write_results(path: Path, results: Sequence[Measured]) -> None:
    entries = [asdict(result) for result in results]
    write_whole(path, (json.dumps(entries, indent=1) + "\n").encode())


def is_known(results: Sequence[Measured], recipe: Recipe, seed: int) -> bool:
    settings = recipe.config.to_dict()
    return any(
        (r.recipe, r.seed) == (recipe.name, seed) and r.settings == settings for r in results
    )


def table(results: Sequence[Measured]) -> str:
    """The recipes that were measured, as a Markdown table in the order of the sources."""
    lines = list(HEADER)
    notes: list[str] = []
    for recipe in RECIPES.values():
        settings = recipe.config.to_dict()
        runs = [r for r in results if r.recipe == recipe.name and r.settings == settings]
        if not runs:
            continue
        mark = ""
        if recipe.differs:
            notes.append(f"{len(notes) + 1}. {recipe.source}: {recipe.differs}.")
            mark = f" ({len(notes)})"
        lines.append(
            f"| {recipe.source} | `{recipe.name}`{mark} | {recipe.says} | {_spread(runs)} | "
            f"{recipe.target:.2%} | {runs[0].parameters:,} | "
            f"{statistics.mean(r.seconds for r in runs):,.0f} s | {runs[0].machine} |"
        )
    return "\n".join([*lines, "", *notes]).rstrip()


def _spread(runs: Sequence[Measured]) -> str:
    figures = [run.accuracy for run in runs]
    if len(figures) == 1:
        return f"{figures[0]:.2%} (one seed)"
    spread = statistics.stdev(figures)
    return f"{statistics.mean(figures):.2%} ± {spread * 100:.2f} ({len(figures)} seeds)"


def put_into(readme: Path, text: str) -> None:
    """Puts the table between README's two markers. Raises UserError where they are missing."""
    try:
        old = readme.read_text()
    except OSError as error:
        raise UserError(f"{readme} cannot be read ({error.strerror}); name another") from error
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{readme} has no lines {BEGIN} and {END} to put the table between")
    write_whole(readme, f"{before}{BEGIN}\n{text}\n{END}{after}".encode())
