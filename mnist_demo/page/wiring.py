"""What each field of the Train tab's form does to the others."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from mnist_demo.augment import Warp
from mnist_demo.errors import UserError
from mnist_demo.nets import find_net
from mnist_demo.nets.custom import CustomNet
from mnist_demo.page import fields, filling, form
from mnist_demo.page.context import Context
from mnist_demo.page.fetching import Fetching
from mnist_demo.page.guard import as_page_error, sent
from mnist_demo.page.language import words_for
from mnist_demo.page.links import settings_in
from mnist_demo.page.localised import update_in
from mnist_demo.page.shapes import shapes_of
from mnist_demo.page.words import Words


def wire(
    context: Context, parts: fields.Form, again: Callable[..., Any], linked: Callable[..., Any]
) -> Callable[..., Any]:
    """Returns what listens for full MNIST to be there.

    `again`: listens for a visitor who wants a run's settings back, event data {run};
    `linked`: for one whose address names settings, which are its data.
    """
    settings = parts.settings
    names = [name for name in settings if name not in (*filling.NOT_FILLED, "device")]
    filled = [settings[name] for name in names]
    fetching = Fetching(context.data_folder)
    dependent = ("momentum", "weight_decay", "gamma")

    def enable(optimizer: str, schedule: str) -> list[Any]:
        return [gr.Number(interactive=form.acts(name, optimizer, schedule)) for name in dependent]

    @as_page_error
    def fill(recipe: str, data: str, request: gr.Request) -> list[Any]:
        """A recipe's settings, for data that it is for; the visitor's where they will do."""
        wanted = filling.config_of(recipe).dataset
        if filling.kind_of(wanted) != filling.kind_of(data):
            data = filling.first_like(wanted, form.data_choices(context.data_folder)) or data
        words = words_for(request)
        values = filling.filled(recipe)
        return [recipe, data, words(form.data_note(data)), *_filled(recipe, values, data, words)]

    @as_page_error
    def fill_again(event: gr.EventData, request: gr.Request) -> list[Any]:
        """A run's settings."""
        run = context.visitor(request).run_named(sent(event, "run"))
        values = run.config.to_dict()
        data = values["dataset"]
        if data not in [name for _, name in form.data_choices(context.data_folder)]:
            raise UserError("the data of that run are not here any more; choose others")
        return _all(filling.default_recipe(data), values, words_for(request))

    @as_page_error
    def fill_linked(event: gr.EventData, request: gr.Request) -> list[Any]:
        """The settings that the page's address names, where it does."""
        query = sent(event, "settings")
        if not isinstance(query, dict) or not query:
            return [gr.skip()] * len([*into, *own_parts])
        recipe, values = settings_in(query, form.data_choices(context.data_folder))
        return _all(recipe, values, words_for(request))

    def _all(recipe: str, values: dict[str, Any], words: Words) -> list[Any]:
        """Every field; where there is no net or augmentation of one's own, theirs stay."""
        data, own = values["dataset"], []
        for name, kind, its in (("net", CustomNet, parts.net), ("augment", Warp, parts.warp)):
            described = kind.parse(values[name]) if kind.is_in(values[name]) else None
            values[name] = kind.KIND if described else values[name]
            own += [getattr(described, part) if described else gr.skip() for part in its]
        note = words(form.data_note(data))
        return [recipe, data, note, *_filled(recipe, values, data, words), *own]

    @as_page_error
    def choose_data(data: str, net: str, recipe: str, request: gr.Request) -> list[Any]:
        """Other nets and recipes for images of another kind, else everything as it is."""
        words = words_for(request)
        note = words(form.data_note(data))
        if net in [name for _, name in filling.net_choices(data)] and (
            filling.kind_of(filling.config_of(recipe).dataset) == filling.kind_of(data)
        ):
            return [recipe, gr.skip(), note, *[gr.skip()] * (len(names) + 1)]
        recipe = filling.default_recipe(data)
        return [recipe, gr.skip(), note, *_filled(recipe, filling.filled(recipe), data, words)]

    def _filled(recipe: str, values: dict[str, Any], data: str, words: Words) -> list[Any]:
        choices = {"net": filling.net_choices(data), "augment": filling.augment_choices(data)}
        updates = [
            gr.Dropdown(words.titles(choices[name]), value=values[name])
            if name in choices
            else gr.update(value=values[name])
            for name in names
        ]
        return [words(filling.describe(recipe, values, data)), *updates]

    @as_page_error
    def note_changes(request: gr.Request, recipe: str, data: str, *values: Any) -> str:
        note = filling.describe(recipe, dict(zip(names, values, strict=True)), data)
        return words_for(request)(note)

    @as_page_error
    def explain_net(name: str, request: gr.Request) -> list[Any]:
        is_own = name == CustomNet.KIND
        info = words_for(request)(find_net(name).summary)
        return [gr.Dropdown(info=info), gr.Group(visible=is_own)]

    def show_shapes(request: gr.Request, name: str, data: str, *own: Any) -> str:
        words = words_for(request)
        try:
            if name == CustomNet.KIND:
                net = CustomNet(**dict(zip(parts.net, own, strict=True)))
                name = str(net.fitted(filling.shape_of(data), fields.OWN_NET.classes))
            return words.markup(shapes_of(name))
        except UserError as error:
            text = words(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return f'<p class="wrong">{html.escape(text)}</p>'

    @as_page_error
    def download(request: gr.Request) -> Iterator[Any]:
        words = words_for(request)
        for text in fetching.watch():
            yield gr.Button(words(text), interactive=False), gr.skip(), gr.skip()
        choices = form.data_choices(context.data_folder)
        offered = fields.fetch_button(choices), fields.data_field(choices)
        yield *(update_in(part, words) for part in offered), words(form.data_note(choices[0][1]))

    def offer_again(request: gr.Request) -> Any:
        return gr.Button(words_for(request)("Try the download again"), interactive=True)

    into = [parts.recipe, settings["dataset"], parts.data_note, parts.recipe_note, *filled]
    parts.recipe.input(fill, [parts.recipe, settings["dataset"]], into, **fields.QUIET)
    own_parts = [*parts.net.values(), *parts.warp.values()]
    again(fill_again, None, [*into, *own_parts], **fields.TOLD)
    linked(fill_linked, None, [*into, *own_parts], **fields.TOLD)
    noted = [parts.recipe, settings["dataset"], *filled]
    settings["dataset"].input(
        choose_data, [settings["dataset"], settings["net"], parts.recipe], into, **fields.QUIET
    ).then(note_changes, noted, parts.recipe_note, **fields.QUIET)
    gr.on(
        [field.input for field in filled],
        note_changes,
        noted,
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
        # Not the data: they change first, when the net is still one for others.
        [field.change for field in (settings["net"], *parts.net.values())],
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
    fetched = parts.fetch.click(
        download,
        None,
        [parts.fetch, settings["dataset"], parts.data_note],
        concurrency_limit=8,
        show_progress="hidden",
        api_visibility="private",
    )
    fetched.failure(offer_again, None, parts.fetch, **fields.QUIET)
    return fetched.success
