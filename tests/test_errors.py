"""What a visitor reads of an error: what to do, and nothing of where things lie on the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mnist_demo.errors import UserError, for_visitors
from mnist_demo.page.api_training import ApiRuns
from mnist_demo.page.fetching import Fetching
from mnist_demo.page.guard import as_page_error, in_words
from mnist_demo.page.words import ENGLISH


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("MNIST is not in /srv/app/data; fetch it", "MNIST is not in data; fetch it"),
        ("cannot write /home/u/x.png (disk full)", "cannot write x.png (disk full)"),
        ("'/a/b/c' is damaged", "'c' is damaged"),
        ("see https://huggingface.co/a/b", "see https://huggingface.co/a/b"),
        ("ask /classify, 1/2 of it, and/or more", "ask /classify, 1/2 of it, and/or more"),
        ("models/digits.onnx", "models/digits.onnx"),
    ],
)
def test_a_path_is_its_last_name(text: str, told: str) -> None:
    assert for_visitors(text) == told


def test_no_way_out_tells_a_path() -> None:
    import gradio as gr

    def fail() -> None:
        raise UserError("MNIST is not in /srv/app/data; fetch it")

    with pytest.raises(gr.Error) as shown:
        as_page_error(fail)()
    assert "/srv" not in str(shown.value)
    assert "/srv" not in in_words({"error": "no /srv/app/data"}, ENGLISH)["error"]


def test_a_download_that_cannot_be_written_tells_no_path(tmp_path: Path) -> None:
    import gradio as gr

    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    def fetch(folder: Path):  # type: ignore[no-untyped-def]
        raise UserError(f"cannot write {folder}/MNIST/raw/x")
        yield

    fetching = Fetching(blocked, fetch)
    with pytest.raises(gr.Error) as shown:
        list(as_page_error(fetching.watch)())
    assert str(tmp_path) not in str(shown.value)


def test_data_that_the_page_does_not_offer_are_not_looked_for(tmp_path: Path) -> None:
    from mnist_demo.page.launch import make_context

    context = make_context(tmp_path)
    settings = {"net": "linear", "dataset": "mnist", "epochs": 1, "batch_size": 64}
    settings |= {"learning_rate": 0.1, "optimizer": "sgd", "schedule": "constant"}
    settings |= {"augment": "none", "seed": 1}
    for name in ("mnist", "cifar10", "mnist-and-drawn", "digit-or-not"):
        with pytest.raises(UserError, match="no data set is called") as told:
            next(ApiRuns(context).train("net-a", settings | {"dataset": name}))
        assert str(tmp_path) not in str(told.value)
    context.crew.close()


def test_who_comes_when_all_draw_is_told_when_to_ask_again() -> None:
    import numpy as np

    from mnist_demo.nets import build_net
    from mnist_demo.page.batcher import Batcher
    from mnist_demo.page.pace import TooOften
    from mnist_demo.preprocess import preprocess_ink

    class Full(Batcher):
        has_room = False  # type: ignore[assignment]

    async def ask() -> None:
        await Full().classify(build_net("linear").eval(), preprocess_ink(np.ones((28, 28))))

    with pytest.raises(TooOften, match="too many people are drawing") as refused:
        asyncio.run(ask())
    assert refused.value.seconds >= 0.1


def test_templates_put_no_value_into_the_page_unread(tmp_path: Path) -> None:
    """`{{value}}` evaluates `${...}` as JavaScript and `${value}` inserts raw HTML."""
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import make_context

    context = make_context(tmp_path)
    parts = build(context).blocks.values()
    context.crew.close()
    templates = {
        part.elem_id: part.html_template for part in parts if hasattr(part, "html_template")
    }
    # Gradio's own, for HTML that is made of our words and numbers alone; see `shapes`.
    assert templates.pop("training-shapes") == "${value}"
    assert {"title", "sketchpad", "training-board", "race", "gallery"} <= set(templates)
    for name, text in templates.items():
        assert "{{" not in text, name
        assert "${" not in text, name
