"""What each field of the Train tab's form does to the others."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from mnist_demo.augment import Warp
from mnist_demo.errors import UserError
from mnist_demo.nets import find_net
from mnist_demo.nets.custom import CustomNet
from mnist_demo.page import fields, filling, form
from mnist_demo.page.context import Context
from mnist_demo.page.fetching import Fetching
from mnist_demo.page.guard import as_page_error
from mnist_demo.page.shapes import shapes_of


def wire(context: Context, parts: fields.Form) -> None:
    settings = parts.settings
    names = [name for name in settings if name not in (*filling.NOT_FILLED, "device")]
    filled = [settings[name] for name in names]
    fetching = Fetching(context.data_folder)
    dependent = ("momentum", "weight_decay", "gamma")

    def enable(optimizer: str, schedule: str) -> list[Any]:
        return [gr.Number(interactive=form.acts(name, optimizer, schedule)) for name in dependent]

    @as_page_error
    def fill(recipe: str, data: str) -> list[Any]:
        """A recipe's settings, for data that it is for; the visitor's where they will do."""
        wanted = filling.config_of(recipe).dataset
        if filling.kind_of(wanted) != filling.kind_of(data):
            choices = form.data_choices(context.data_folder)
            data = next(d for _, d in choices if filling.kind_of(d) == filling.kind_of(wanted))
        return [recipe, data, form.data_note(data), *_filled(recipe, data)]

    @as_page_error
    def choose_data(data: str, net: str, recipe: str) -> list[Any]:
        """Other nets and recipes for images of another kind, else everything as it is."""
        if net in [name for _, name in filling.net_choices(data)] and (
            filling.kind_of(filling.config_of(recipe).dataset) == filling.kind_of(data)
        ):
            return [recipe, gr.skip(), form.data_note(data), *[gr.skip()] * (len(names) + 1)]
        recipe = filling.default_recipe(data)
        return [recipe, gr.skip(), form.data_note(data), *_filled(recipe, data)]

    def _filled(recipe: str, data: str) -> list[Any]:
        values = filling.filled(recipe)
        choices = {"net": filling.net_choices(data), "augment": filling.augment_choices(data)}
        updates = [
            gr.Dropdown(choices[name], value=values[name])
            if name in choices
            else gr.update(value=values[name])
            for name in names
        ]
        return [filling.describe(recipe, values), *updates]

    def note_changes(recipe: str, *values: Any) -> str:
        return filling.describe(recipe, dict(zip(names, values, strict=True)))

    def explain_net(name: str) -> list[Any]:
        is_own = name == CustomNet.KIND
        return [gr.Dropdown(info=find_net(name).summary), gr.Group(visible=is_own)]

    def show_shapes(name: str, data: str, *own: Any) -> str:
        try:
            if name == CustomNet.KIND:
                net = CustomNet(**dict(zip(parts.net, own, strict=True)))
                name = str(net.fitted(filling.shape_of(data), fields.OWN_NET.classes))
            return shapes_of(name)
        except UserError as error:
            text = str(error)
            return f'<p class="wrong">{html.escape(text[:1].upper() + text[1:])}.</p>'

    @as_page_error
    def download() -> Iterator[Any]:
        for text in fetching.watch():
            yield gr.Button(text, interactive=False), gr.skip(), gr.skip()
        choices = form.data_choices(context.data_folder)
        name = choices[0][1]
        yield fields.fetch_button(choices), fields.data_field(choices), form.data_note(name)

    into = [parts.recipe, settings["dataset"], parts.data_note, parts.recipe_note, *filled]
    parts.recipe.input(fill, [parts.recipe, settings["dataset"]], into, **fields.QUIET)
    settings["dataset"].input(
        choose_data, [settings["dataset"], settings["net"], parts.recipe], into, **fields.QUIET
    )
    gr.on(
        [field.input for field in filled],
        note_changes,
        [parts.recipe, *filled],
        parts.recipe_note,
        trigger_mode="always_last",
        **fields.QUIET,
    )
    decisive = [settings["optimizer"], settings["schedule"]]
    gr.on(
        [field.change for field in decisive],
        enable,
        decisive,
        [settings[name] for name in dependent],
        **fields.QUIET,
    )
    settings["net"].change(
        explain_net, settings["net"], [settings["net"], parts.net_group], **fields.QUIET
    )
    gr.on(
        [field.change for field in (settings["net"], settings["dataset"], *parts.net.values())],
        show_shapes,
        [settings["net"], settings["dataset"], *parts.net.values()],
        parts.shapes,
        trigger_mode="always_last",
        **fields.QUIET,
    )
    settings["augment"].change(
        lambda name: gr.Group(visible=name == Warp.KIND),
        settings["augment"],
        parts.warp_group,
        **fields.QUIET,
    )
    parts.fetch.click(
        download,
        None,
        [parts.fetch, settings["dataset"], parts.data_note],
        concurrency_limit=8,
        show_progress="hidden",
        api_visibility="private",
    ).failure(
        lambda: gr.Button("Try the download again", interactive=True),
        None,
        parts.fetch,
        **fields.QUIET,
    )
