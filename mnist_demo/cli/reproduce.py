"""`reproduce`: the tutorials' recipes, trained anew, beside what the tutorials say."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_demo.cli.common import add_data_dir, add_device, add_json
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    import torch

    from mnist_demo.recipes import Recipe
    from mnist_demo.reproduced import Measured

HELP = "train the tutorials' recipes and compare with what they report"
ROOT = Path(__file__).parent.parent.parent
RESULTS = "reproduced.json"
PARTLY = 1  # some recipes were left out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes (default: all)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings a recipe (default: 3)")
    parser.add_argument(
        "--full",
        action=argparse.BooleanOptionalAction,
        help="what the sources do, where the recipe is a shorter way for a CPU (default: on a GPU)",
    )
    parser.add_argument("--again", action="store_true", help="also what is measured already")
    add_device(parser)
    readme = ROOT / "README.md"  # of a checkout; an install has none
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.json",
        default=ROOT / "assets" / RESULTS if readme.is_file() else Path(RESULTS),
        help="keeps what was measured (default: %(default)s)",
    )
    parser.add_argument(
        "--readme",
        type=Path,
        metavar="FILE.md",
        default=readme if readme.is_file() else None,
        help="gets the table between its markers (default: %(default)s)",
    )
    parser.add_argument(
        "--nets",
        type=Path,
        metavar="DIR",
        help="where the trained nets are kept, and those that vote found again (default: a folder "
        "of the user's cache)",
    )
    add_data_dir(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.seeds <= 100:
        raise UserError(f"--seeds is {args.seeds}; choose from 1 to 100")

    from mnist_demo import reproduced
    from mnist_demo.device import pick_device
    from mnist_demo.memory import keep_freed
    from mnist_demo.recipes import RECIPES, find_recipe

    recipes = [find_recipe(name) for name in args.names or RECIPES]
    results = reproduced.read_results(args.out)
    device = pick_device(args.device)
    _keep(results, args)  # or fails before the long work
    full = device.type != "cpu" if args.full is None else args.full
    code = 0
    keep_freed()
    for recipe in recipes:
        for seed in range(1, args.seeds + 1):
            if reproduced.is_known(results, recipe, seed, full) and not args.again:
                continue
            if len(recipes) > 1 and (reason := _missing(recipe, args.data_dir)):
                print(f"note: {recipe.name} is left out: {reason}", file=sys.stderr, flush=True)
                code = PARTLY
                break
            new = _measured(recipe, seed, args, device, full)
            results = reproduced.with_result(results, new)
            _keep(results, args)  # after each one: hours of work are not lost with the last
    if args.json:
        print(json.dumps([asdict(result) for result in results], indent=1))
    else:
        print(reproduced.table(results))
    return code


def _keep(results: list[Measured], args: argparse.Namespace) -> None:
    from mnist_demo.reproduced import put_into, table, write_results

    write_results(args.out, results)
    if args.readme:
        put_into(args.readme, table(results))


def _missing(recipe: Recipe, folder: Path | None) -> str | None:
    """Why the recipe's data cannot be had; None where they are there."""
    from mnist_demo.datasets import load_dataset

    try:
        load_dataset(recipe.config.dataset, folder)
    except UserError as error:
        return str(error)
    return None


def _measured(
    recipe: Recipe, seed: int, args: argparse.Namespace, device: torch.device, full: bool
) -> Measured:
    """One training with a bar that follows it."""
    from tqdm import tqdm

    from mnist_demo.datasets.made import cache_folder
    from mnist_demo.reproduce import measure
    from mnist_demo.reproduced import Measured
    from mnist_demo.train import Epoch

    nets = args.nets or cache_folder() / "reproduced"
    epochs = recipe.settings(full).epochs * recipe.members
    bar = tqdm(total=epochs, unit="epoch", leave=False, disable=None)
    bar.set_description(f"{recipe.name}, seed {seed}")
    with bar:
        for event in measure(recipe, seed, args.data_dir, device, full, nets, args.again):
            if isinstance(event, Epoch):
                bar.update()
            elif isinstance(event, Measured):
                return event
    raise AssertionError("a measurement ends with its figure")
