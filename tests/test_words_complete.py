"""The catalogue says all that the page can say, and nothing that it does not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.errors import unknown_choice
from mnist_demo.nets import NETS, build_net, find_net
from mnist_demo.page import filling, form
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.launch import make_context
from mnist_demo.page.localised import props_in
from mnist_demo.page.shapes import shapes_of
from mnist_demo.page.words import ATTRIBUTES, HERE, LANGUAGES, PLACE, words_in

PACKAGE = HERE.parent
OTHERS = [language for language in LANGUAGES if language != "en"]
# What is no English: names of products and formats, of nets and their layers, sizes, letters.
NAMES = {
    *NETS,
    *(
        "English",
        "API",
        "CIFAR-10",
        "CNN",
        "CPU",
        "CSV",
        "Ctrl",
        "Esc",
        "GPU",
        "JPEG",
        "MB",
        "MNIST",
    ),
    *("PNG", "PyTorch", "JPEG", "WebP", "GIF", "BMP", "TIFF", "KiB", "MiB", "Adam", "AdamW", "SGD"),
    *("RMSprop", "Muon", "ReLU", "GELU", "SiLU", "Tanh", "Sigmoid", "Softmax", "Dropout", "ln"),
    *("bfloat16", "safetensors", "base64", "Adadelta", "Python", "A", "B", "V", "Z"),
    *("x86_64", "aarch64", "AVX2", "AVX512"),
    *("Adadelta", "Python", "Shift", "Home", "End", "Page", "Up", "Down"),
}
WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9_-]*")
# Whose messages a visitor may come to see: these modules', in whole.
SEEN = [
    *(
        path
        for path in HERE.glob("*.py")
        # For programs, for whoever starts the server, for the log.
        if path.stem not in ("api", "api_training", "doors", "envelope", "gate", "logs")
    ),
    *(PACKAGE / name for name in ("config.py", "ink.py", "match.py", "faults.py", "train.py")),
    *(PACKAGE / name for name in ("judging.py", "device.py", "described.py", "nets/custom.py")),
    *(
        PACKAGE / name
        for name in ("ensemble.py", "checkpoint.py", "resume.py", "datasets/beside.py")
    ),
]
# Which the page cannot bring about: what is described by hand on the command line.
BY_HAND = (
    "is longer than",
    "has no value",
    "is there twice",
    "must be a {}, not",
    "write channels",
    "are waiting already",  # put together at run time: test_words.py has examples
    "of other settings or data",  # never leaves the worker
    *("there is no checkpoint", "no net of this program is", "header", "safetensors file"),
    *("the weights in", "names nets that take other images"),  # of files
    *("resume;", "--resume", "no run here is, delete it"),
)

# Keys that are put together at run time; test_words.py has examples of each.
COMPOSED = (
    *("are waiting already", "may take while others wait", "interrupted in epoch"),
    "cores; system",
)


def english_in(text: str) -> set[str]:
    return {word for word in WORD.findall(PLACE.sub("", text)) if word not in NAMES}


def shape(text: str) -> str:
    """A text with its places nameless, as an f-string and a catalogue's key have in common."""
    return PLACE.sub("{}", text)


def texts_in(path: Path) -> Iterator[str]:
    """All strings of a Python file, f-strings with {} for what is put in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield of_parts(node)


def of_parts(node: ast.JoinedStr) -> str:
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
    )


def messages_in(path: Path) -> Iterator[str]:
    """What a Python file raises as a UserError or a gr.Error, and what it warns of."""
    tree = ast.parse(path.read_text("utf-8"))
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        text = node.args[0]
        if name == "unknown_choice" and isinstance(text, ast.Constant):
            yield str(unknown_choice(str(text.value), "{}", ["{}", "{}"]))
        elif name not in ("UserError", "OtherDigits", "Damaged", "Error", "warn"):
            continue
        elif isinstance(text, ast.Constant):
            yield str(text.value)
        elif isinstance(text, ast.JoinedStr):
            yield of_parts(text)
        elif isinstance(text, ast.Name) and text.id in named:
            yield str(named[text.id])


def said_in(script: str) -> set[str]:
    """The texts in the first argument of each call of `t`."""
    found: set[str] = set()
    for start in (match.end() for match in re.finditer(r"\bt\(", script)):
        rest, depth = script[start:], 0
        for part in re.finditer(r'"(?:[^"\\]|\\.)*"|[(){}\[\],]', rest):
            token = part.group()
            if token.startswith('"'):
                found.add(json.loads(token.replace("\\u00a0", "\u00a0")))
            elif token in "([{":
                depth += 1
            elif token == "," and not depth:
                break
            elif token in ")]}":
                depth -= 1
                if depth < 0:
                    break
    return found


SCRIPTS = {path.name: said_in(path.read_text("utf-8")) for path in sorted(HERE.glob("*.js"))}
MARKUP = "".join(path.read_text("utf-8") for path in HERE.glob("*.html"))


def keys(language: str) -> dict[str, str]:
    return dict(words_in(language).table)


def test_the_reader_of_scripts_reads() -> None:
    script = """say(t("one {x}", { x: f(a, "no") }), t(b ? "two" : "three"), at("four"));"""
    assert said_in(script) == {"one {x}", "two", "three"}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_say_nothing_that_is_not_in_the_catalogue(name: str, language: str) -> None:
    # Statuses that a ternary compares with stand in the same argument; they are one plain word.
    texts = {text for text in SCRIPTS[name] if not re.fullmatch("[a-z]+", text)}
    assert texts - set(keys(language)) == set()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return make_context(tmp_path_factory.mktemp("no-data"))


def shown(props: dict[str, Any], kind: str) -> Iterator[str]:
    """What is read of a component."""
    for name in (
        "label",
        "info",
        "placeholder",
        *(["value"] if kind in ("markdown", "button") else []),
    ):
        yield str(props.get(name) or "")
    for title, _ in props.get("choices") or []:
        yield str(title)
    if kind == "html":
        for name in ("html_template", "value"):
            html = str(props.get(name) or "") if isinstance(props.get(name), str) else ""
            html = re.sub(r"<a class=\"language\".*?</a>|<code>.*?</code>|\$\{\w+\}", "", html)
            yield re.sub(r"<[^>]*>", " ", html)
            for attribute in ATTRIBUTES:
                yield from re.findall(rf'\s{attribute}="([^"]*)"', html)


@pytest.mark.parametrize("language", OTHERS)
def test_the_page_as_built_has_no_english_left(context: Context, language: str) -> None:
    page: gr.Blocks = build(context)
    words = words_in(language)
    left: dict[str, set[str]] = {}
    for part in page.config["components"]:
        if part["type"] != "api":
            props = props_in(part["type"], part["props"], words)
            left |= {text: english_in(text) for text in shown(props, part["type"])}
    assert {text: found for text, found in left.items() if found} == {}


def of_the_form() -> list[str]:
    """What the form may come to say."""
    texts = [title for title, _ in filling.recipe_choices([("", "mnist"), ("", "cifar10")])]
    texts += [find_net(name).summary for name in [*NETS, "custom"]]
    texts += [form.data_note(name) for name in ("mnist", "cifar10", "sample", "mine")]
    for name in [choice for _, choice in filling.recipe_choices([("", "mnist"), ("", "cifar10")])]:
        texts += [filling.describe(name, filling.filled(name)), filling.describe(name, {})]
        texts.append(filling.describe(name, filling.filled(name), "sample"))
    for data in ("mnist", "cifar10"):
        texts += [title for title, _ in filling.net_choices(data) + filling.augment_choices(data)]
    return texts


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_form_may_come_to_say_is_said(language: str) -> None:
    words = words_in(language)
    left = {text: english_in(words(text)) - {"mine"} for text in of_the_form()}
    assert {text: found for text, found in left.items() if found} == {}
    for name in NETS:
        assert english_in(re.sub("<[^>]*>", " ", words.markup(shapes_of(name)))) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_messages_are_in_the_catalogue(language: str) -> None:
    words = words_in(language)
    said = {
        text: words(text.replace("{}", "7"))
        for path in SEEN
        for text in messages_in(path)
        if not any(part in text for part in BY_HAND)
    }
    assert {text: said for text, said in said.items() if english_in(said)} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_in_the_catalogue_is_dead(language: str) -> None:
    """Each text between two places of a key stands somewhere in the source."""
    source = {text for path in PACKAGE.rglob("*.py") for text in texts_in(path)}
    source |= {text for texts in SCRIPTS.values() for text in texts}
    source |= {
        *of_the_form(),
        *(type(part).__name__ for name in NETS for part in build_net(name).modules()),
    }
    everything = "\0".join([*source, " ".join(MARKUP.split())]).lower()
    dead = {
        key
        for key in keys(language)
        if not any(part in key for part in COMPOSED)
        for part in shape(key).split("{}")
        if part.strip(" .,;:()").lower() not in everything
    }
    assert dead == set()
