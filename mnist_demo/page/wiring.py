"""What each field of the Train tab's form does to the others."""

from __future__ import annotations

import functools
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

# The page counts turns: a question that fills the form begins one, and so does its answer once it
# is in the form. An answer to a question of another turn is late, and dropped.
ASK = "(_, ...values) => [(window.formTurn ??= 0), ...values]"
ASK_TO_FILL = "(_, ...values) => [(window.formTurn = (window.formTurn ?? 0) + 1), ...values]"
SHOW = "({ turn, values }) => (turn === window.formTurn ? values : undefined)"
FILL = """({ turn, values, run }) => {
  if (turn !== window.formTurn || !values) return;
  window.formTurn++;
  if (run) window.dispatchEvent(new CustomEvent("settings-back", { detail: run }));
  return values;
}"""


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
    def fill(turn: float, recipe: str, data: str, request: gr.Request) -> dict[str, Any]:
        """A recipe's settings, for data that it is for; the visitor's where they will do."""
        wanted = filling.config_of(recipe).dataset
        if filling.kind_of(wanted) != filling.kind_of(data):
            data = filling.first_like(wanted, form.data_choices(context.data_folder)) or data
        words = words_for(request)
        values = filling.filled(recipe)
        note = words(form.data_note(data))
        return _answer(turn, [gr.skip(), data, note, *_filled(recipe, values, data, words)])

    @as_page_error
    def fill_again(turn: float, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """A run's settings."""
        run = context.visitor(request).run_named(sent(event, "run"))
        values = run.config.to_dict()
        data = values["dataset"]
        if data not in [name for _, name in form.data_choices(context.data_folder)]:
            raise UserError("the data of that run are not here any more; choose others")
        filled = _all(filling.default_recipe(data), values, words_for(request))
        return _answer(turn, filled) | {"run": run.id}

    @as_page_error
    def fill_linked(turn: float, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """The settings that the page's address names, where it does."""
        query = sent(event, "settings")
        if not isinstance(query, dict) or not query:
            return _answer(turn, None)
        recipe, values = settings_in(query, form.data_choices(context.data_folder))
        return _answer(turn, _all(recipe, values, words_for(request)))

    def _answer(turn: float, values: list[Any] | str | None) -> dict[str, Any]:
        return {"turn": turn, "values": values}

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
    def choose_data(
        request: gr.Request, turn: float, recipe: str, data: str, *values: Any
    ) -> dict[str, Any]:
        """Other nets and recipes for images of another kind, else everything as it is."""
        words = words_for(request)
        note = words(form.data_note(data))
        present = dict(zip(names, values, strict=True))
        if present["net"] in [name for _, name in filling.net_choices(data)] and (
            filling.kind_of(filling.config_of(recipe).dataset) == filling.kind_of(data)
        ):
            told = words(filling.describe(recipe, present, data))
            return _answer(turn, [gr.skip(), gr.skip(), note, told, *[gr.skip()] * len(names)])
        recipe = filling.default_recipe(data)
        filled = _filled(recipe, filling.filled(recipe), data, words)
        return _answer(turn, [recipe, gr.skip(), note, *filled])

    def _filled(recipe: str, values: dict[str, Any], data: str, words: Words) -> list[Any]:
        choices = {
            "net": words.titles(filling.net_choices(data)),
            "augment": words.titles(filling.augment_choices(data)),
            "batch_size": form.batch_choices(values["batch_size"]),
        }
        updates = [
            gr.update(choices=choices[name], value=values[name])
            if name in choices
            else gr.update(value=values[name])
            for name in names
        ]
        return [words(filling.describe(recipe, values, data)), *updates]

    @as_page_error
    def note_changes(
        request: gr.Request, turn: float, recipe: str, data: str, *values: Any
    ) -> dict[str, Any]:
        note = filling.describe(recipe, dict(zip(names, values, strict=True)), data)
        return _answer(turn, words_for(request)(note))

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

    turn = gr.Number(visible=False)

    def listen(
        trigger: Callable[..., Any],
        handler: Callable[..., Any],
        inputs: list[Any],
        outputs: Any,
        asked: str,
        answered: str,
        **options: Any,
    ) -> None:
        """Gradio puts every answer into the outputs, in the order in which they come."""
        answer = gr.JSON(visible=False)
        trigger(handler, [turn, *inputs], answer, js=asked, **options).success(
            None, answer, outputs, js=answered, **fields.QUIET
        )

    into = [parts.recipe, settings["dataset"], parts.data_note, parts.recipe_note, *filled]
    everything = [*into, *parts.net.values(), *parts.warp.values()]
    noted = [parts.recipe, settings["dataset"], *filled]
    # "once" would leave out a choice that is made before the answer to the one before it.
    each: dict[str, Any] = {"trigger_mode": "multiple"}
    quiet, told = each | fields.QUIET, each | fields.TOLD
    listen(parts.recipe.input, fill, noted[:2], into, ASK_TO_FILL, FILL, **quiet)
    listen(settings["dataset"].input, choose_data, noted, into, ASK_TO_FILL, FILL, **quiet)
    listen(again, fill_again, [], everything, ASK_TO_FILL, FILL, **told)
    listen(linked, fill_linked, [], everything, ASK, FILL, **told)  # or for another tab alone
    listen(
        functools.partial(gr.on, [field.input for field in filled]),
        note_changes,
        noted,
        parts.recipe_note,
        ASK,
        SHOW,
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
