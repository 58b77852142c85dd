"""The page as a whole: three tabs, one choice of net above them, and what passes between them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.page import fields, gallery, gallery_pages, sketchpad, training
from mnist_demo.page.api import add_api
from mnist_demo.page.context import RELEASED, Context
from mnist_demo.page.guard import as_page_error, check_choices, sent
from mnist_demo.page.language import words_for
from mnist_demo.page.links import TABS
from mnist_demo.page.localised import TITLE, switch
from mnist_demo.page.offers import count_events
from mnist_demo.page.starting import bring_back
from mnist_demo.page.waiting import MOST, share_queue
from mnist_demo.page.words import script

HERE = Path(__file__).parent
SHEETS = ("page.css", "sketchpad.css", "training.css", "racetrack.css", "gallery.css")
STYLES = [HERE / name for name in SHEETS]
SCRIPT = HERE / "page.js"
# Gradio keeps the page's own CSS from its footer, whose first entry a small screen lacks.
FOOTER = (
    "<style>@media (max-width: 640px) { footer .divider { display: none !important; } }</style>"
)
# Bold, not Gradio's usual semi-bold: the semi-bold file of 6.31 lacks most letters.
FONT = gr.themes.LocalFont("Source Sans Pro", weights=(400, 700))
THEME = gr.themes.Default(
    primary_hue="indigo", neutral_hue="slate", font=[FONT, "system-ui", "sans-serif"]
).set(
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    # A shade darker than Gradio's, which is 4.46 to 1 on white; WCAG asks for 4.5.
    color_accent="*primary_600",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_border_color="*primary_600",
)
THEME.color_accent_dark = "*primary_400"  # no argument of `set`, and the same rule by night


def build(context: Context) -> gr.Blocks:
    """The page, ready for `launch`."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        with gr.Row(elem_id="masthead"):
            title = gr.HTML(
                html_template=f"<h1>Draw a digit</h1>{switch('en')}"
                "<p>A small neural network reads it while you draw. "
                "Train your own, and see what it gets wrong.</p>",
                js_on_load=script("masthead.js"),
                elem_id="title",
            )
            net = gr.Dropdown(
                context.shared_choices,
                value=RELEASED,
                label="Answered by",
                filterable=False,
                elem_id="net",
                interactive=True,
            )
            net.preprocess = functools.partial(_a_net, context)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Draw", id="draw"):
                pad = sketchpad.build(context)
            with gr.Tab("Train", id="train"):
                runs = training.build(context, title.linked)
            with gr.Tab("Gallery", id="gallery"):
                mistakes = gallery.build(context, net)

        @as_page_error
        def offer_nets(chosen: str, request: gr.Request) -> Any:
            choices = words_for(request).titles(context.choices(context.visitor(request)))
            known = [choice for _, choice in choices]
            return gr.Dropdown(choices, value=chosen if chosen in known else RELEASED)

        @as_page_error
        def bring_runs(event: gr.EventData, chosen: str, request: gr.Request) -> Any:
            visitor = context.visitor(request)
            bring_back(visitor, context.shelf.drawer(sent(event, "key")))
            begun = sent(event, "net")  # of the net that answered before a reload
            before = (run.id for run in visitor.all_runs if run.begun == begun)
            return offer_nets(next(before, chosen), request)

        def open_tab(event: gr.EventData) -> Any:
            tab = sent(event, "tab")
            return gr.Tabs(selected=tab) if tab in TABS else gr.skip()

        @as_page_error
        def use_run(event: gr.EventData, request: gr.Request) -> Any:
            visitor = context.visitor(request)
            run, tab = sent(event, "run"), sent(event, "tab")
            context.checkpoint(visitor, run)  # tells a visitor whose net is gone
            tab = tab if tab in ("draw", "gallery") else "draw"
            choices = words_for(request).titles(context.choices(visitor))
            return gr.Dropdown(choices, value=run), gr.Tabs(selected=tab)

        @as_page_error
        def open_digit(event: gr.EventData, chosen: str, request: gr.Request) -> Any:
            visitor = context.visitor(request)
            picture = gallery_pages.picture_of(context, visitor, chosen, sent(event, "index"))
            return sketchpad.show_picture(chosen, picture), gr.Tabs(selected="draw")

        def choose_net(chosen: str, request: gr.Request) -> Any:
            visitor = context.visitor(request)
            pad = sketchpad.choose_net(context, visitor, chosen)
            run = visitor.runs.get(chosen)
            begun = run.begun if run else None  # the browser tab's, until another is chosen
            return pad | {"unfit": words_for(request)(pad["unfit"]), "begun": begun}

        quiet = fields.QUIET
        title.opened(bring_runs, net, net, **quiet)
        title.linked(open_tab, None, tabs, **quiet)
        title.returned(lambda: gr.Tabs(selected="train"), None, tabs, **quiet)
        net.change(choose_net, net, pad, **quiet)
        net.focus(offer_nets, net, net, **quiet)
        runs.use(use_run, None, [net, tabs], **fields.TOLD)
        runs.finished(offer_nets, net, net, **quiet)
        mistakes.open(open_digit, net, [pad, tabs], **fields.TOLD)
        gr.State()  # has each page keep a request open while it is there; see `heartbeat`
        add_api(context)
    count_events(page, context.traffic)
    check_choices(page)
    page.context = context  # `launch_page` asks it how the server is
    page.queue(max_size=MOST, api_open=False, default_concurrency_limit=4)
    share_queue(page)
    return page


def _a_net(context: Context, value: object) -> object:
    """In place of Gradio's check, which forgets what each page was offered when many others come.

    Whether the visitor has that net is looked at where it is used.
    """
    if not context.is_name(value):
        raise ValueError("no such choice")
    return value
