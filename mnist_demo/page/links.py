"""Settings of a run in an address, for a lesson: `?tab=train&epochs=3&optimizer=sgd`.

A browser tab keeps its form in the same way, for a reload, another language and a lost connection
empty it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from mnist_demo.augment import Warp
from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.nets.custom import CustomNet
from mnist_demo.page import filling, form

TABS = ("draw", "train", "gallery")
LONGEST = 300  # characters of a value
# What fills the form where the page is opened again; masthead.js reads it.
KEEP = """(...values) => {
  const { names, own, usual } = NAMED;
  const read = (some) => Object.fromEntries(some.map((name) => [name, values.shift()]));
  const settings = read(names);
  for (const [name, kind, its] of own) {
    const parts = Object.entries(read(its)).map((pair) => pair.join("="));
    if (settings[name] === kind) settings[name] = `${kind}:${parts}`;
  }
  const isThere = ([, value]) => value !== null && value !== "";
  const query = (filled) => String(new URLSearchParams(Object.entries(filled).filter(isThere)));
  try {
    if (query(settings) === query(usual)) sessionStorage.removeItem("mnist-demo-form");
    else sessionStorage.setItem("mnist-demo-form", query(settings));
  } catch {
    // A browser that stores nothing.
  }
}"""


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


def keep_in_tab(settings: dict[str, Any], net: dict[str, Any], warp: dict[str, Any]) -> None:
    """Has the browser keep the fields' values, the recipe's among them, by their names.

    `net` and `warp`: the fields of a net and an augmentation of one's own.
    """
    fields = [*settings.values(), *net.values(), *warp.values()]
    named = {
        "names": list(settings),
        "own": [("net", CustomNet.KIND, list(net)), ("augment", Warp.KIND, list(warp))],
        "usual": {name: field.value for name, field in settings.items()},
    }
    gr.on(
        [field.change for field in fields],
        None,
        fields,
        None,
        js=KEEP.replace("NAMED", json.dumps(named)),
        show_progress="hidden",
        api_visibility="private",
    )
