"""Settings of a run in an address, for a lesson: `?tab=train&epochs=3&optimizer=sgd`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.page import filling, form

TABS = ("draw", "train", "gallery")
LONGEST = 300  # characters of a value


@functools.lru_cache(256)  # asked for with each look at a board
def link_of(config: TrainConfig) -> str:
    """What an address ends with that fills the form as this run had it."""
    values, usual = config.to_dict(), TrainConfig().to_dict()
    own = filling.NOT_FILLED
    changed = {k: value for k, value in values.items() if value != usual[k] and k not in own}
    return urlencode({"tab": "train", "dataset": config.dataset} | changed)


def settings_in(query: Mapping[str, Any], data_sets: form.Choices) -> tuple[str, dict[str, Any]]:
    """The recipe and the settings that an address names; what it leaves out is the recipe's.

    Data that are not here give way to others of their kind. Raises UserError for what the
    form could not hold.
    """
    texts = {name: str(value)[:LONGEST] for name, value in query.items()}
    data = texts.get("dataset", "")
    recipe = texts.get("recipe", filling.default_recipe(data))
    values = filling.filled(recipe) | {"dataset": data or filling.config_of(recipe).dataset}
    for name in values.keys() & texts.keys():
        values[name] = _like(values[name], texts[name], name)
    form.check_numbers(values)
    form.make_config(values)
    if values["dataset"] not in [name for _, name in data_sets]:
        values["dataset"] = filling.first_like(values["dataset"], data_sets)
    if values["dataset"] is None:
        raise UserError("the data of these settings are not here; choose others")
    return recipe, values


def _like(usual: object, text: str, name: str) -> object:
    if isinstance(usual, str):
        return text
    try:
        number = float(text)
    except ValueError:
        raise UserError(f"{form.LABELS[name]} must be a number, not {text}") from None
    return int(number) if number.is_integer() else number
