"""Recipes trained and tabled: figures kept between calls, README changed between its markers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mnist_demo import reproduce
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.recipes import RECIPES, find_recipe
from mnist_demo.reproduce import BEGIN, END, Measured, measure

CPU = torch.device("cpu")


def result(recipe: str = "digitnet", seed: int = 1, accuracy: float = 0.985) -> Measured:
    settings = RECIPES[recipe].config.to_dict()
    return Measured(recipe, seed, accuracy, 65_674, 10, 100.0, "CPU", settings)


def test_a_measurement_is_of_the_test_digits(
    sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = replace(sample, train=sample.train, test=sample.validation)
    monkeypatch.setattr(reproduce, "load_dataset", lambda *_: data)
    short = find_recipe("digitnet")
    short = replace(short, config=replace(short.config, epochs=2))
    *events, measured = measure(short, 3, None, CPU)
    assert len(events) > 100
    assert isinstance(measured, Measured)
    assert 0.85 < measured.accuracy < 1
    assert (measured.seed, measured.parameters, measured.epochs) == (3, 65_674, 2)


def test_without_test_digits_nothing_is_claimed(
    sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduce, "load_dataset", lambda *_: sample)
    with pytest.raises(UserError, match="no test set"):
        next(measure(find_recipe("digitnet"), 1, None, CPU))


def test_results_survive_and_a_changed_recipe_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert reproduce.read_results(path) == []
    reproduce.write_results(path, [result()])
    kept = reproduce.read_results(path)
    assert kept == [result()]
    recipe = find_recipe("digitnet")
    assert reproduce.is_known(kept, recipe, 1)
    assert not reproduce.is_known(kept, recipe, 2)
    changed = replace(recipe, config=replace(recipe.config, epochs=3))
    assert not reproduce.is_known(kept, changed, 1)
    path.write_text("[{")
    with pytest.raises(UserError, match="delete it"):
        reproduce.read_results(path)


def test_the_table_gives_mean_and_spread_and_says_what_differs() -> None:
    runs = [result(accuracy=0.984), result(seed=2, accuracy=0.986), result("threeconv")]
    lines = reproduce.table(runs).splitlines()
    rows = [line for line in lines if line.startswith("| 0")]
    assert len(rows) == 2
    assert "98.50% ± 0.14 (2 seeds)" in rows[0]
    assert "one seed" in rows[1]
    assert lines[-1].startswith("1. 001: ")


def test_readme_keeps_all_but_the_table(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    reproduce.put_into(readme, "new")
    reproduce.put_into(readme, "newer")
    assert readme.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"
    readme.write_text("no markers")
    with pytest.raises(UserError, match="no lines"):
        reproduce.put_into(readme, "new")
