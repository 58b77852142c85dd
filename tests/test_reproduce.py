"""Recipes trained and tabled: figures kept between calls, README changed between its markers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_hub import made

from mnist_demo import reproduce, reproduced
from mnist_demo.checkpoint import Checkpoint, combine, load_checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.datasets import Dataset, load_dataset
from mnist_demo.datasets.made import cache_folder
from mnist_demo.ensemble import Ensemble
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation, evaluate
from mnist_demo.recipes import RECIPES, Recipe, find_recipe
from mnist_demo.reproduce import kept_as, measure
from mnist_demo.reproduced import BEGIN, END, Measured
from mnist_demo.train import Epoch
from mnist_demo.views import Views

CPU = torch.device("cpu")


@pytest.fixture
def with_test(sample: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A data set with test digits, whatever is asked for."""
    few = torch.arange(0, len(sample.train), 4)
    data = replace(sample, train=sample.train.take(few), test=sample.validation)
    monkeypatch.setattr(reproduce, "load_dataset", lambda *_: data)
    return data


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe of two perceptrons that vote, and a longer way to them."""
    perceptron = replace(find_recipe("threeconv").config, net="perceptron", epochs=1)
    recipe = Recipe(
        *("quick", "003f", "two that vote", perceptron, "90 %", 0.5, "one epoch"),
        members=2,
        full=replace(perceptron, epochs=2),
    )
    monkeypatch.setitem(RECIPES, "quick", recipe)
    return recipe


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
    assert reproduced.read_results(path) == []
    reproduced.write_results(path, [result()])
    kept = reproduced.read_results(path)
    assert kept == [result()]
    recipe = find_recipe("digitnet")
    assert reproduced.is_known(kept, recipe, 1)
    assert not reproduced.is_known(kept, recipe, 2)
    changed = replace(recipe, config=replace(recipe.config, epochs=3))
    assert not reproduced.is_known(kept, changed, 1)
    path.write_text("[{")
    with pytest.raises(UserError, match="delete it"):
        reproduced.read_results(path)


def test_the_table_gives_mean_and_spread_and_says_what_differs() -> None:
    runs = [result(accuracy=0.984), result(seed=2, accuracy=0.986)]
    runs += [result("threeconv"), result("fast")]
    lines = reproduced.table(runs).splitlines()
    rows = [line for line in lines if line.startswith("| 0")]
    assert len(rows) == 2
    assert "98.50% ± 0.14 (2 seeds)" in rows[0]
    assert "one seed" in rows[1]
    assert [line[:8] for line in lines[-2:]] == ["1. 000: ", "2. 001: "]
    assert any(line.startswith("| ours | `fast` | ") for line in lines)  # which differs in nothing


def test_readme_keeps_all_but_the_table(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    reproduced.put_into(readme, "new")
    reproduced.put_into(readme, "newer")
    assert readme.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"
    readme.write_text("no markers")
    with pytest.raises(UserError, match="no lines"):
        reproduced.put_into(readme, "new")


def test_nets_that_vote_are_kept_and_found_again(
    with_test: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    assert with_test.test
    *events, first = measure(quick, 1, None, CPU, nets=tmp_path)
    assert isinstance(first, Measured)
    seeds = [replace(quick.config, seed=seed) for seed in (1, 2)]
    places = [tmp_path / kept_as(config, with_test, CPU) for config in seeds]
    assert sorted(tmp_path.iterdir()) == sorted(places)
    members = [load_checkpoint(place) for place in places]
    assert [member.config["seed"] for member in members] == [1, 2]
    vote = evaluate(Ensemble([member.net for member in members], "vote"), with_test.test)
    assert first.accuracy == vote.accuracy > 0.5
    assert first.parameters == 2 * 101_770
    assert first.seconds == pytest.approx(sum(m.metrics["seconds"] for m in members), abs=0.1)
    assert sum(isinstance(event, Epoch) for event in events) == 2
    assert list(measure(quick, 1, None, CPU, nets=tmp_path)) == [first]  # nothing trained
    times = [place.stat().st_mtime_ns for place in places]
    *_, again = measure(quick, 1, None, CPU, nets=tmp_path, again=True)
    assert isinstance(again, Measured)
    assert again.accuracy == first.accuracy  # the same seeds
    assert all(p.stat().st_mtime_ns > t for p, t in zip(places, times, strict=True))


def test_nets_that_cannot_be_kept_say_how_to_name_another_folder(
    with_test: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="choose another folder with --nets"):
        list(measure(quick, 1, None, CPU, nets=tmp_path / "file"))


def test_nets_that_were_kept_go_to_the_device_of_those_that_are_trained_now(
    with_test: Dataset, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = torch.device("meta")  # the one besides the CPU that every machine has
    for seed in (1, 2):
        place = tmp_path / kept_as(replace(quick.config, seed=seed), with_test, elsewhere)
        save_checkpoint(replace(made("perceptron", seed), metrics={"seconds": 1.0}), place)
    voting: list[Checkpoint] = []

    def note(trained: list[Checkpoint], how: str) -> Checkpoint:
        voting.extend(trained)
        return trained[0]

    monkeypatch.setattr(reproduce, "combine", note)
    monkeypatch.setattr(reproduce, "evaluate", lambda *_: Evaluation(np.zeros(1), np.ones((1, 1))))
    list(measure(quick, 1, None, elsewhere, nets=tmp_path))
    assert [{p.device.type for p in net.net.parameters()} for net in voting] == [{"meta"}] * 2


def test_five_looks_are_judged_beside_one(
    with_test: Dataset, quick: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = replace(quick, how="mean", views=True)
    monkeypatch.setitem(RECIPES, "quick", recipe)
    *_, measured = measure(recipe, 1, None, CPU, nets=tmp_path)
    assert isinstance(measured, Measured)
    members = [load_checkpoint(path) for path in sorted(tmp_path.iterdir())]
    net = combine(members, "mean").net
    test = with_test.test
    assert test is not None
    assert measured.one_look == evaluate(net, test).accuracy
    assert measured.accuracy == evaluate(Views(net), test).accuracy
    assert f"with one look {measured.one_look:.2%}" in reproduced.table([measured])


def test_members_that_learn_from_other_augmentations_in_turn(
    with_test: Dataset, quick: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unlike = replace(quick, members=3, augments=("shift", "none"))
    *_, alike = measure(replace(quick, members=3), 1, None, CPU, nets=tmp_path / "alike")
    *_, measured = measure(unlike, 1, None, CPU, nets=tmp_path / "unlike")
    assert isinstance(alike, Measured)
    assert isinstance(measured, Measured)
    nets = [load_checkpoint(path) for path in sorted((tmp_path / "unlike").iterdir())]
    assert {(net.config["seed"], net.config["augment"]) for net in nets} == {
        (1, "shift"),
        (2, "none"),
        (3, "shift"),
    }
    monkeypatch.setitem(RECIPES, "quick", unlike)
    place = tmp_path / "results.json"
    reproduced.write_results(place, [measured])
    (again,) = reproduced.read_results(place)
    assert reproduced.is_known([again], unlike, 1)
    assert not reproduced.is_known([alike], unlike, 1)  # measured before they differed
    assert len(reproduced.with_result([alike], again)) == 1


def test_another_seed_or_other_data_take_other_members(sample: Dataset) -> None:
    config = find_recipe("nielsen-five").config
    names = {kept_as(replace(config, seed=seed), sample, CPU) for seed in range(1, 11)}
    assert len(names) == 10
    longer = kept_as(replace(config, epochs=config.epochs + 1), sample, CPU)
    lossy = kept_as(config, replace(sample, title="the sample (JPEG re-encoded)"), CPU)
    on_a_gpu = kept_as(config, sample, torch.device("cuda"))
    assert len({kept_as(config, sample, CPU), longer, lossy, on_a_gpu}) == 4


def test_an_install_which_has_no_readme_writes_where_it_is_called(
    with_test: Dataset,
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("mnist_demo.cli.reproduce.ROOT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    words = ["--device", "cpu", "--seeds", "1", "--nets", str(tmp_path / "nets")]
    assert main(["reproduce", "quick", *words]) == 0
    assert "`quick`" in capsys.readouterr().out
    assert len(reproduced.read_results(tmp_path / "reproduced.json")) == 1
    assert not (tmp_path / "site-packages").exists()
    assert main(["reproduce", "quick", *words, "--readme", "none.md"]) == 2
    assert "name another with --readme" in capsys.readouterr().err


def test_short_and_full_stand_in_rows_of_their_own(quick: Recipe) -> None:
    def of(full: bool, accuracy: float) -> Measured:
        settings = quick.settings(full).to_dict()
        return Measured("quick", 1, accuracy, 7, 1, 3.0, "GPU" if full else "CPU", settings, "Odd")

    results = reproduced.with_result([of(False, 0.7)], of(True, 0.8))
    assert [r.accuracy for r in results] == [0.7, 0.8]
    text = reproduced.table(results)
    rows = [line for line in text.splitlines() if line.startswith("| 003f")]
    assert "| `quick` (1) |" in rows[0]
    assert "70.00% (one seed)" in rows[0]
    assert "| `quick`, in full (2) |" in rows[1]
    assert text.endswith("1. 003f: on Odd; one epoch.\n2. 003f: on Odd.")
    assert "| 50.00% |" in rows[0]
    ours = find_recipe("photo-short")
    free = Measured("photo-short", 1, 0.8, 7, 6, 3.0, "CPU", ours.config.to_dict())
    assert "| (no figure) | 7 |" in reproduced.table([free])
    replaced = reproduced.with_result(results, of(False, 0.9))
    assert [r.accuracy for r in replaced] == [0.8, 0.9]
    assert reproduced.is_known(results, quick, 1, full=True)


def test_a_setting_younger_than_a_measurement_had_its_default(quick: Recipe) -> None:
    run = result()
    settings = {key: value for key, value in run.settings.items() if key != "label_smoothing"}
    older = replace(run, settings=settings)
    assert reproduced.is_known([older], find_recipe("digitnet"), 1)
    gone = replace(run, settings=settings | {"gone": 1})
    assert not reproduced.is_known([gone], find_recipe("digitnet"), 1)
    assert reproduced.with_result([gone], run) == [run]
    again = replace(run, accuracy=0.9)
    assert reproduced.with_result([older], again) == [again]  # and is not counted beside it


@pytest.mark.parametrize(("words", "epochs"), [((), 1), (("--full",), 2)])
def test_the_command_writes_results_table_and_nets(
    words: tuple[str, ...],
    epochs: int,
    with_test: Dataset,
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    readme, out = tmp_path / "README.md", tmp_path / "new" / "out.json"
    readme.write_text(f"{BEGIN}\n{END}\n")
    places = ["--readme", str(readme), "--out", str(out), "--device", "cpu"]
    assert main(["reproduce", "quick", "--seeds", "1", *places, *words]) == 0
    (run,) = reproduced.read_results(out)
    assert (run.recipe, run.epochs, run.data) == ("quick", epochs, with_test.title)
    assert f"{run.accuracy:.2%} (one seed)" in readme.read_text()
    assert f"{run.accuracy:.2%} (one seed)" in capsys.readouterr().out
    assert len(list((cache_folder() / "reproduced").iterdir())) == 2
    monkeypatch.setattr(reproduce, "train", None)  # what is measured is not trained again
    assert main(["reproduce", "quick", "--seeds", "1", *places, *words]) == 0


def test_a_recipe_whose_data_are_not_here_does_not_keep_the_others_back(
    with_test: Dataset,
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = replace(quick, config=replace(quick.config, dataset="sample"), full=None, members=1)
    monkeypatch.setitem(RECIPES, "quick", here)
    out, readme = tmp_path / "out.json", tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n")
    places = ["--readme", str(readme), "--out", str(out), "--device", "cpu", "--seeds", "2"]
    places += ["--data-dir", str(tmp_path / "none"), "--nets", str(tmp_path / "nets")]
    assert main(["reproduce", "cifar-threeconv", "quick", *places]) == 1
    assert [run.recipe for run in reproduced.read_results(out)] == ["quick", "quick"]
    (note,) = capsys.readouterr().err.strip().splitlines()
    assert note.startswith("note: cifar-threeconv is left out: CIFAR-10 is not in")
    monkeypatch.setattr(reproduce, "load_dataset", load_dataset)
    assert main(["reproduce", "cifar-threeconv", *places]) == 2
    assert capsys.readouterr().err.startswith("error: CIFAR-10 is not in")


def test_a_readme_without_the_place_is_refused_before_the_training(
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reproduce, "measure", None)
    words = ["--readme", str(tmp_path / "none.md"), "--out", str(tmp_path / "out.json")]
    assert main(["reproduce", "quick", *words]) == 2
    assert "cannot be read" in capsys.readouterr().err
