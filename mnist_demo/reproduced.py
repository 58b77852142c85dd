"""What was measured of the recipes: kept in a file, and set beside what the sources say."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file
from mnist_demo.nets import find_net
from mnist_demo.recipes import RECIPES, Recipe
from mnist_demo.views import further_looks

BEGIN, END = "<!-- reproduced -->", "<!-- /reproduced -->"
HEADER = (
    "| source | recipe | source says | we measured (test) | must show | parameters | time a run "
    "| machine |",
    "|---|---|---|---|---|---|---|---|",
)
PLAIN = ("", "MNIST", "full MNIST", "CIFAR-10")  # data that the table need not name


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
    data: str = ""  # the data set's title
    one_look: float | None = None  # accuracy without the further looks of a recipe with views
    augments: tuple[str, ...] = ()  # of nets that answer together, where they differ in it


def read_results(path: Path) -> list[Measured]:
    """What was measured before; nothing where there is no file yet."""
    try:
        entries = json.loads(path.read_text("utf-8"))
        return [Measured(**e | {"augments": tuple(e.get("augments", ()))}) for e in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read ({error}); delete it to measure anew") from error


def write_results(path: Path, results: Sequence[Measured]) -> None:
    entries = [asdict(result) for result in results]
    save_file(path, (json.dumps(entries, indent=1) + "\n").encode())


def runs_of(results: Sequence[Measured], recipe: Recipe, full: bool = False) -> list[Measured]:
    """What was measured of a recipe as it is now, in the order of the seeds."""
    wanted = recipe.settings(full)
    runs = [
        r
        for r in results
        if r.recipe == recipe.name and _same(r.settings, wanted) and r.augments == recipe.augments
    ]
    return sorted(runs, key=lambda run: run.seed)


def _same(settings: dict[str, object], config: TrainConfig) -> bool:
    """Settings that are younger than a measurement had their default then."""
    try:
        return TrainConfig.from_dict(settings) == config
    except (UserError, TypeError):
        return False


def is_known(results: Sequence[Measured], recipe: Recipe, seed: int, full: bool = False) -> bool:
    return any(run.seed == seed for run in runs_of(results, recipe, full))


def with_result(results: Sequence[Measured], new: Measured) -> list[Measured]:
    """`new` in the place of what it repeats, and of what its recipe no longer is."""
    recipe = RECIPES[new.recipe]
    made = TrainConfig.from_dict(new.settings)
    current = [r for full in (False, True) for r in runs_of(results, recipe, full)]
    kept = [
        r
        for r in results
        if r.recipe != new.recipe
        or (r in current and not (r.seed == new.seed and _same(r.settings, made)))
    ]
    return [*kept, new]


def table(results: Sequence[Measured]) -> str:
    """The recipes that were measured, as a Markdown table in the order of the sources."""
    lines = list(HEADER)
    notes: list[str] = []
    for recipe in RECIPES.values():
        for full in (False, True) if recipe.full else (False,):
            runs = runs_of(results, recipe, full)
            if not runs:
                continue
            name, differs = f"`{recipe.name}`", _differs(recipe, full, runs)
            name += ", in full" if full else ""
            if differs:
                notes.append(f"{len(notes) + 1}. {recipe.source}: {differs}.")
                name += f" ({len(notes)})"
            measured = _spread([run.accuracy for run in runs])
            lines.append(
                f"| {recipe.source} | {name} | {recipe.says} | {measured} | "
                f"{_target(recipe)} | {runs[0].parameters:,} | "
                f"{statistics.mean(r.seconds for r in runs):,.0f} s | "
                f"{'; '.join(dict.fromkeys(r.machine for r in runs))} |"
            )
    return "\n".join([*lines, "", *notes]).rstrip()


def _target(recipe: Recipe) -> str:
    return f"{recipe.target:.2%}" if recipe.target else "(no figure)"


def _differs(recipe: Recipe, full: bool, runs: Sequence[Measured]) -> str:
    parts = [f"on {run.data}" for run in runs if run.data not in PLAIN]
    looks = [run.one_look for run in runs if run.one_look is not None]
    if looks:
        more = further_looks(find_net(recipe.config.net).input_shape[0])
        parts.append(f"the mean over each image and {more}; with one look {_spread(looks)}")
    return "; ".join(filter(None, [*dict.fromkeys(parts), recipe.departs(full)]))


def _spread(figures: Sequence[float]) -> str:
    if len(figures) == 1:
        return f"{figures[0]:.2%} (one seed)"
    spread = statistics.stdev(figures)
    return f"{statistics.mean(figures):.2%} ± {spread * 100:.2f} ({len(figures)} seeds)"


def put_into(readme: Path, text: str) -> None:
    """Puts the table between README's two markers. Raises UserError where they are missing."""
    try:
        old = readme.read_text("utf-8")
    except OSError as error:
        raise UserError(
            f"{readme} cannot be read ({error.strerror}); name another with --readme"
        ) from error
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{readme} has no lines {BEGIN} and {END} to put the table between")
    new = f"{before}{BEGIN}\n{text}\n{END}{after}"
    save_file(readme, new.encode(), "choose another with --readme")
