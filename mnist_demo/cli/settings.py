"""A run's settings as options of the command line, and what they come to."""

from __future__ import annotations

import argparse
import dataclasses

from mnist_demo.config import BOUNDS, TrainConfig, option_of
from mnist_demo.errors import UserError
from mnist_demo.recipes import RECIPES, find_recipe

SETTINGS = {
    "net": "see `nets`; or your own, as in custom:blocks=3,width=32,dropout=0.4",
    "dataset": "mnist, sample, cifar10, a name of your own (`data import`), or the path of a "
    "label list, an image folder or a CSV of pixels",
    "also": "digits of your own to learn from beside the data set, named as it is (the paths of a "
    "label list begin at its folder): two fifths of an epoch are theirs, but none is shown more "
    "than 100 times",
    "epochs": "passes over the training digits",
    "batch_size": "digits a step",
    "learning_rate": "size of a step at the schedule's peak",
    "optimizer": "adam, adamw, sgd, rmsprop or muon",
    "momentum": "of sgd, rmsprop and muon",
    "weight_decay": "of adamw and sgd",
    "schedule": "of the learning rate: one-cycle, cosine, step or constant",
    "gamma": "factor an epoch of the step schedule",
    "augment": "random changes: none, shift, one-pixel, tilt-and-crop, affine, bent, handwriting; "
    "of colour images flip, flip-crop or flip-crop-cutout; or your own amounts, as in "
    "warp:rotate=10,scale=0.1,shift=2",
    "label_smoothing": "part of the target spread over all classes",
    "average": "decay of the moving average of the weights that is kept; 0: none",
    "focus": "part of an epoch that goes to images by how much the net doubts them, from the third "
    "epoch on; 0: every image once",
    "keep": "best (by validation loss) or last epoch",
    "holdout": "part of all training digits to validate on, no less than usual where there is no "
    "test set; 0: the usual ones, 5,000 of MNIST, 1,000 of the sample, 10,000 of CIFAR-10, a sixth "
    "of your own",
    "precision": "float32, bfloat16, or auto: bfloat16 where the machine is quick at it",
    "seed": "the same seed on the same machine gives the same net",
}


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="all settings of a tutorial, --test-batch-size and --log-interval with them, which "
        "options beside it override: " + ", ".join(RECIPES),
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="the source's own settings, where --recipe is a shorter way for a CPU",
    )
    for setting in dataclasses.fields(TrainConfig):
        names = [option_of(setting.name)] + (["--lr"] if setting.name == "learning_rate" else [])
        usual = "none" if setting.default == "" else setting.default
        text = f"{SETTINGS[setting.name]} (default: {usual}"
        if setting.name in BOUNDS:
            text += "; {:g} to {:g}".format(*BOUNDS[setting.name])
        parser.add_argument(
            *names,
            dest=setting.name,
            type=type(setting.default),
            default=argparse.SUPPRESS,  # what is not given comes from the recipe
            metavar=type(setting.default).__name__.upper(),
            help=f"{text})",
        )


def config_of(args: argparse.Namespace, interrupted: TrainConfig | None = None) -> TrainConfig:
    """The recipe's settings, else an interrupted run's or the defaults; over them the given."""
    base = interrupted or TrainConfig()
    if args.recipe is not None:
        recipe = find_recipe(args.recipe)
        if args.full and recipe.full is None:
            longer = ", ".join(name for name, other in RECIPES.items() if other.full)
            raise UserError(
                f"the recipe {recipe.name!r} has one way only; leave --full out, or choose one "
                f"of: {longer}"
            )
        base = recipe.settings(args.full)
    elif args.full:
        raise UserError("--full is a recipe's; name one with --recipe, or leave it out")
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    given = {name: getattr(args, name) for name in names if hasattr(args, name)}
    if "gamma" in given:
        given.setdefault("schedule", "step")  # no other has a gamma
    return dataclasses.replace(base, **given)
