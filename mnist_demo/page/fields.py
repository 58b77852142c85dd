"""The form of the Train tab: its fields, and how their values become settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mnist_demo.augment import AUGMENTS, Warp
from mnist_demo.config import BOUNDS, PRECISIONS, TrainConfig
from mnist_demo.device import available_devices, describe_device, pick_device
from mnist_demo.nets import NETS, find_net
from mnist_demo.nets.custom import ACTIVATIONS, POOLS, CustomNet
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES
from mnist_demo.page import filling, form, links
from mnist_demo.page.context import Context
from mnist_demo.page.shapes import shapes_of

DEFAULTS = TrainConfig()
OWN_NET, OWN_WARP = CustomNet(), Warp()
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# Gradio shows the error of a queued event alone.
TOLD: dict[str, Any] = QUIET | {"queue": True}
NARROW: dict[str, Any] = {"min_width": 120}
# A list to type into brings up a phone's keyboard, over the list.
LIST: dict[str, Any] = {"filterable": False}


@dataclass(frozen=True)
class Form:
    """All fields; `settings` by their names in TrainConfig, and "device"."""

    recipe: gr.Dropdown
    recipe_note: gr.Markdown
    settings: dict[str, Any]
    net: dict[str, Any]  # of a net of one's own, by their names in CustomNet
    warp: dict[str, Any]  # of an augmentation of one's own, by their names in Warp
    net_group: gr.Group
    warp_group: gr.Group
    shapes: gr.HTML
    data_note: gr.Markdown
    fetch: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """All that `read` needs, in its order."""
        return [*self.settings.values(), *self.net.values(), *self.warp.values()]

    def read(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        """The settings, by their names in TrainConfig (and "device"), from each field's value."""
        settings = {name: values[field] for name, field in self.settings.items()}
        if settings["net"] == CustomNet.KIND:
            own = {name: values[field] for name, field in self.net.items()}
            net = CustomNet(**own).fitted(filling.shape_of(settings["dataset"]), OWN_NET.classes)
            settings["net"] = str(net)
        if settings["augment"] == Warp.KIND:
            amounts = {name: values[field] for name, field in self.warp.items()}
            settings["augment"] = str(Warp(**amounts))
        return settings


def build(context: Context) -> Form:
    choices = form.data_choices(context.data_folder)
    data = choices[0][1]
    recipe = recipe_field(choices)
    recipe.preprocess = _one_of(filling.ALL)
    recipe_note = gr.Markdown(
        filling.describe(filling.DEFAULTS, DEFAULTS.to_dict()), elem_id="training-recipe-note"
    )
    settings: dict[str, Any] = {"dataset": data_field(choices)}
    settings["dataset"].preprocess = _data_set(context, [name for _, name in choices])
    note = gr.Markdown(form.data_note(data), elem_id="training-data-note")
    fetch = fetch_button(choices)
    settings["net"] = gr.Dropdown(
        filling.net_choices(data),
        value=DEFAULTS.net,
        label=form.LABELS["net"],
        info=find_net(DEFAULTS.net).summary,
        **LIST,
    )
    settings["net"].preprocess = _one_of(NETS)
    net, net_group = _own_net()
    shapes = gr.HTML(
        shapes_of(DEFAULTS.net), elem_id="training-shapes", apply_default_css=False, padding=False
    )
    with gr.Row():
        settings["epochs"] = _number("epochs", f"passes over the data, 1–{form.MAX_EPOCHS}", 1)
        settings["batch_size"] = _choice(
            "batch_size",
            form.batch_choices(DEFAULTS.batch_size),
            "images a step learns from",
        )
        settings["batch_size"].preprocess = _as_it_is  # `_filled` may offer another
    with gr.Row():
        settings["learning_rate"] = _number("learning_rate", "size of a step", 1e-4)
        settings["optimizer"] = _choice("optimizer", form.titled(OPTIMIZERS), "how a step is made")
    with gr.Row():
        settings["schedule"] = _choice("schedule", form.titled(SCHEDULES), "of the learning rate")
        settings["augment"] = _choice(
            "augment", filling.augment_choices(data), "random changes to images"
        )
        settings["augment"].preprocess = _one_of(AUGMENTS)
    warp, warp_group = _own_warp()
    settings["seed"] = _number("seed", "the same seed repeats the same run", 1)
    with gr.Accordion("More settings", open=False):
        settings |= _more()
    kept = {name: field for name, field in settings.items() if name != "device"}
    links.keep_in_tab({"recipe": recipe} | kept, net, warp)
    return Form(
        recipe, recipe_note, settings, net, warp, net_group, warp_group, shapes, note, fetch
    )


def _more() -> dict[str, Any]:
    more: dict[str, Any] = {}
    with gr.Row():
        more["momentum"] = _number("momentum", "acts with SGD, RMSprop, Muon", 0.01)
        more["weight_decay"] = _number("weight_decay", "acts with AdamW, SGD", 0.001)
    with gr.Row():
        more["gamma"] = _number("gamma", "acts with Step alone", 0.05)
        more["label_smoothing"] = _number("label_smoothing", "doubts every label a bit", 0.01)
    with gr.Row():
        more["average"] = _number("average", "0: off; 0.99: a moving average", 0.01)
        more["focus"] = _number(
            "focus",
            "0: off; 0.7: more of what it doubts, so training looks worse",
            0.05,
        )
    with gr.Row():
        more["keep"] = _choice("keep", form.titled(("best", "last")), "best: on validation")
        more["precision"] = _choice("precision", form.titled(PRECISIONS), "of a training step")
    devices = [("Fastest", "auto")] + [
        (describe_device(pick_device(name)), name) for name in available_devices()
    ]
    with gr.Row():
        more["holdout"] = _number("holdout", "0: the usual; 0.1: a tenth, by chance", 0.01)
        more["device"] = gr.Dropdown(
            devices, value="auto", label="Device", info="what does the arithmetic", **NARROW, **LIST
        )
    return more


def _own_net() -> tuple[dict[str, Any], gr.Group]:
    """The fields of CustomNet, less what the data decide."""

    def slider(name: str, label: str, info: str, step: float = 1) -> gr.Slider:
        low, high = CustomNet.ALLOWED[name]
        value = getattr(OWN_NET, name)
        return gr.Slider(low, high, value=value, step=step, label=label, info=info, **NARROW)

    def choice(name: str, choices: Sequence[tuple[str, Any]], label: str, info: str) -> gr.Dropdown:
        value = getattr(OWN_NET, name)
        return gr.Dropdown(list(choices), value=value, label=label, info=info, **NARROW, **LIST)

    net: dict[str, Any] = {}
    with gr.Group(visible=False, elem_id="training-own-net") as group:
        net["blocks"] = slider("blocks", "Blocks", "convolution and pooling, each twice as wide")
        net["width"] = slider("width", "Width", "channels of the first block")
        with gr.Row():
            net["kernel"] = choice("kernel", [("3×3", 3), ("5×5", 5)], "Kernel", "what it looks at")
            norms = [("On", "batch"), ("Off", "none")]
            net["norm"] = choice("norm", norms, "Batch norm", "evens out each layer")
        with gr.Row():
            net["pool"] = choice("pool", form.titled(POOLS), "Pooling", "halves height and width")
            kinds = form.titled(ACTIVATIONS)
            net["activation"] = choice("activation", kinds, "Activation", "bends what a layer adds")
        net["dropout"] = slider("dropout", "Dropout", "part of the units left out at random", 0.05)
        net["dense"] = slider(
            "dense", "Dense units", "fully connected, before the classes; 0: none"
        )
    return net, group


def _own_warp() -> tuple[dict[str, Any], gr.Group]:
    rows = (
        ("rotate", "Rotate", "degrees either way", 1),
        ("scale", "Scale", "part of the size, larger or smaller", 0.01),
        ("shift", "Shift", "pixels each way", 0.5),
    )
    warp: dict[str, Any] = {}
    with gr.Group(visible=False, elem_id="training-own-warp") as group:
        for name, label, info, step in rows:
            low, high = Warp.ALLOWED[name]
            value = getattr(OWN_WARP, name)
            warp[name] = gr.Slider(low, high, value=value, step=step, label=label, info=info)
    return warp, group


def _choice(name: str, choices: list[tuple[str, Any]], info: str) -> gr.Dropdown:
    value = getattr(DEFAULTS, name)
    return gr.Dropdown(choices, value=value, label=form.LABELS[name], info=info, **NARROW, **LIST)


def _number(name: str, info: str, step: float) -> gr.Number:
    low, high = (BOUNDS | form.RANGES)[name]
    field = gr.Number(
        getattr(DEFAULTS, name),
        label=form.LABELS[name],
        info=info,
        minimum=math.floor(low / step) * step,  # where a browser's steps begin
        maximum=high,
        step=step,
        interactive=form.acts(name, DEFAULTS.optimizer, DEFAULTS.schedule),
        **NARROW,
    )
    field.preprocess = _as_it_is
    return field


def _as_it_is(value: Any) -> Any:
    """In place of Gradio's check, whose message does not say which field is meant.

    `form.check_numbers` looks at it when a run begins.
    """
    return value


def _one_of(names: Collection[str]) -> Callable[[Any], Any]:
    """In place of Gradio's check, which knows what the field offered when it was last asked.

    Who goes from a recipe for digits to one for photos and back at once outruns it, and of a
    page that was left open Gradio forgets what it was offered when many others come; whether
    a net is for the data is looked at when a run begins.
    """

    def known(value: Any) -> Any:
        if value is not None and not (isinstance(value, str) and value in names):
            raise ValueError("no such choice")
        return value

    return known


def _data_set(context: Context, before: list[str]) -> Callable[[Any], Any]:
    """Likewise: those that are here now, and those that were when the server began."""

    def known(value: Any) -> Any:
        now = [name for _, name in form.data_choices(context.data_folder)]
        return _one_of([*before, *now])(value)

    return known


def recipe_field(choices: form.Choices) -> gr.Dropdown:
    return gr.Dropdown(
        filling.recipe_choices(choices),
        value=filling.DEFAULTS,
        label="Recipe",
        elem_id="training-recipe",
        **LIST,
    )


def data_field(choices: form.Choices) -> gr.Dropdown:
    return gr.Dropdown(choices, value=choices[0][1], label="Data", **LIST)


def fetch_button(choices: form.Choices) -> gr.Button:
    return gr.Button(
        "Download full MNIST (11 MB)",
        size="sm",
        visible="mnist" not in [name for _, name in choices],
        elem_id="training-fetch",
    )
