"""`reproduce`: the tutorials' recipes, trained anew, beside what the tutorials say."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mnist_demo.cli.common import add_data_dir, add_json
from mnist_demo.errors import UserError

HELP = "train the tutorials' recipes and compare with what they report"
ROOT = Path(__file__).parent.parent.parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes (default: all)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings a recipe (default: 3)")
    parser.add_argument("--again", action="store_true", help="also what is measured already")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the fastest)")
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "reproduced.json")
    parser.add_argument(
        "--readme", type=Path, default=ROOT / "README.md", help="gets the table between its markers"
    )
    add_data_dir(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.seeds <= 100:
        raise UserError(f"--seeds is {args.seeds}; choose from 1 to 100")

    from tqdm import tqdm

    from mnist_demo import reproduce
    from mnist_demo.device import pick_device
    from mnist_demo.recipes import RECIPES, find_recipe
    from mnist_demo.train import Epoch

    recipes = [find_recipe(name) for name in args.names or RECIPES]
    results = reproduce.read_results(args.out)
    device = pick_device(args.device)
    for recipe in recipes:
        for seed in range(1, args.seeds + 1):
            if reproduce.is_known(results, recipe, seed) and not args.again:
                continue
            bar = tqdm(total=recipe.config.epochs, unit="epoch", leave=False, disable=None)
            bar.set_description(f"{recipe.name}, seed {seed}")
            with bar:
                for event in reproduce.measure(recipe, seed, args.data_dir, device):
                    if isinstance(event, Epoch):
                        bar.update()
                    elif isinstance(event, reproduce.Measured):
                        results = [
                            r for r in results if (r.recipe, r.seed) != (recipe.name, seed)
                        ] + [event]
            # After each one: hours of work are not lost with the last.
            reproduce.write_results(args.out, results)
            reproduce.put_into(args.readme, reproduce.table(results))
    if args.json:
        print(json.dumps([asdict(result) for result in results], indent=1))
    else:
        print(reproduce.table(results))
    return 0
