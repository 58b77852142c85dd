"""Data sets of the user's own files: written and read again, and every bad line named."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from digits import DRAWINGS, drawn, grey_image, photo
from PIL import Image

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.datasets import (
    DATASETS,
    Dataset,
    Split,
    collecting,
    files,
    hold_out,
    load_dataset,
    load_named,
    own_names,
    unseen_by,
)
from mnist_demo.datasets.collecting import digit_of
from mnist_demo.datasets.export import export_parts
from mnist_demo.datasets.files import classes_of, load_files, read_list
from mnist_demo.datasets.own import import_digits
from mnist_demo.datasets.pixels import read_pixels
from mnist_demo.errors import UserError
from mnist_demo.nets import build_net
from mnist_demo.page import form
from mnist_demo.page.context import Context
from mnist_demo.preprocess import preprocess_image


def same(first: Split, second: Split) -> bool:
    return torch.equal(first.images, second.images) and torch.equal(first.labels, second.labels)


def pictures(split: Split) -> set[bytes]:
    return {image.numpy().tobytes() for image in split.images}


@pytest.fixture
def few(sample: Dataset) -> Dataset:
    """60 digits of all ten classes, 20 to validate, 30 as if they were a test set."""
    chosen = torch.arange(0, 4000, 67)
    return Dataset(
        "few",
        "a few",
        sample.train.take(chosen),
        sample.validation.take(torch.arange(0, 1000, 50)),
        sample.validation.take(torch.arange(1, 1000, 34)),
    )


def test_what_is_exported_comes_back_bit_by_bit(few: Dataset, tmp_path: Path) -> None:
    lists = export_parts(few.parts, few.labels, tmp_path / "out")
    assert [path.name for path in lists] == ["train.txt", "validation.txt", "test.txt"]
    first = lists[0].read_text().splitlines()[0]
    label = int(few.train.labels[0])
    assert first == f"images/train_0_{label}.png\t{label}"
    assert (tmp_path / "out" / "images" / f"train_0_{label}.png").is_file()
    again = load_dataset(str(tmp_path / "out"))
    assert again.test is not None
    assert few.test is not None
    assert same(again.train, few.train)
    assert same(again.validation, few.validation)
    assert same(again.test, few.test)
    assert again.labels == few.labels
    with pytest.raises(UserError, match="already; choose another folder"):
        export_parts(few.parts, few.labels, tmp_path / "out")


def test_a_single_list_holds_a_sixth_out_and_says_so(few: Dataset, tmp_path: Path) -> None:
    path = export_parts({"train": few.train}, few.labels, tmp_path)[0]
    data = load_dataset(str(path))
    count = len(few.train)
    assert len(data.validation) == round(count / 6)
    assert len(data.train) + len(data.validation) == count
    assert data.test is None
    assert f"{len(data.validation)} of them held out at random with seed 42" in data.title
    assert not pictures(data.train) & pictures(data.validation)
    assert pictures(data.train) | pictures(data.validation) == pictures(few.train)
    assert same(load_dataset(str(path)).validation, data.validation)
    other = load_dataset(str(path), holdout=0.4)
    assert len(other.validation) == round(0.4 * count)
    assert f"({count} digits, {len(other.validation)} of them held out" in other.title


def test_a_list_may_lie_apart_from_its_pictures(few: Dataset, tmp_path: Path) -> None:
    listed = export_parts({"train": few.train}, few.labels, tmp_path / "pictures")[0]
    path = listed.rename(tmp_path / "labels.txt")
    with pytest.raises(UserError, match="line 1: there is no file"):
        load_dataset(str(path))
    data = load_dataset(str(path), root=tmp_path / "pictures")
    assert pictures(data.train) | pictures(data.validation) == pictures(few.train)


def test_copies_of_a_picture_are_not_both_learned_and_held_out(
    few: Dataset, tmp_path: Path
) -> None:
    twice = Split(few.train.images.repeat(2, 1, 1, 1), few.train.labels.repeat(2))
    path = export_parts({"train": twice}, few.labels, tmp_path)[0]
    data = load_dataset(str(path))
    assert len(data.validation) == 2 * round(len(few.train) / 6)
    assert len(data.train) + len(data.validation) == len(twice)
    assert not pictures(data.train) & pictures(data.validation)
    assert pictures(data.train) | pictures(data.validation) == pictures(few.train)
    anew = load_dataset(str(path), holdout=0.3)
    assert len(anew.validation) == 2 * round(0.3 * len(few.train))
    assert not pictures(anew.train) & pictures(anew.validation)
    assert pictures(anew.train) | pictures(anew.validation) == pictures(few.train)
    alike = Split(few.train.images[:1].repeat(9, 1, 1, 1), few.train.labels[:1].repeat(9))
    given = replace(few, train=alike, validation=alike)
    assert hold_out(given, 0.3) is given  # two sides cannot be had of one picture


FORMS = "a CSV of pixels has 785 values a line, .* commas; a label list has .* path, a tab and"
GOOD = "a.png\t5\nb.png\t0\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "list.txt is empty; write"),
        ("\n \n", "list.txt is empty; write"),
        (GOOD + "none.png\t3\n", "list.txt, line 3: there is no file .*none.png"),
        (GOOD + "a.png\t10\n", "list.txt, line 3: the label 10 is out of range; use 0 to 9"),
        (GOOD + "a.png\t-1\n", "list.txt, line 3: the label -1 is out of range"),
        (GOOD + "a.png\tfive\n", "list.txt, line 3: the label 'five' is not a number"),
        (GOOD + "a.png\t5.0\n", "list.txt, line 3: the label '5.0' is no whole number from 0 to 9"),
        ("a.png\t5,0\nb.png\t1\n", "line 1: the label '5,0' is no whole number from 0 to 9"),
        (
            "a.png\tcat\nb.png\tdog\n./a.png\tdog\n",
            "list.txt, line 3: a.png has the label dog, but at .*list.txt, line 1 the label cat;",
        ),
        ("a.png,5\nb.png,0\n", f"list.txt, line 2 has 2 values, not 785: {FORMS}"),
        ("5,a.png\n0,b.png\n", f"list.txt, line 1 has 2 values, not 785: {FORMS}"),
        ("a.png,5\n", f"list.txt has no digits; {FORMS}"),
        ("a.png\tfive\nb.png\t5\n", "list.txt, line 2: the label '5' is not a name"),
        (GOOD + "\na.png 5\n", "list.txt, line 4: write a picture's path, a tab and its label"),
        (GOOD + "a.png\t\n", "list.txt, line 3: write a picture's path"),
        (GOOD + "\t5\n", "list.txt, line 3: write a picture's path"),
        (GOOD + "a.png\t5\t6\n", "list.txt, line 3: write a picture's path"),
        ("/etc/passwd\t5\n", "list.txt, line 1: /etc/passwd leads out of"),
        ("../list/a.png\t5\n", "list.txt, line 1: ../list/a.png leads out of"),
        ("x\\..\\..\\a.png\t5\n", "list.txt, line 1: .* leads out of"),
        ("C:\\a.png\t5\n", "list.txt, line 1: .* leads out of"),
        (GOOD + "list.txt\t5\n", "list.txt, line 3: .*not a picture"),
        ("wide.png\t3\nblank.png\t5\n", "list.txt, line 2: there is no ink"),
        (GOOD + "wide.png\t5\n", "line 3: wide.png is 40x30, the first picture is 28x28 grey"),
        (GOOD + "red.png\t5\n", "line 3: red.png is 28x28 in colour, the first .* 28x28 grey"),
        ("wide.png\t5\n\na.png\t3\n", "line 3: a.png is 28x28 grey, the first .* is 40x30;"),
        (GOOD + "cut.png\t5\n", "list.txt, line 3: .*cannot be read"),
        ("a.png\tcat\nwide.png\tdog\n", "list.txt, line 2: wide.png has 40x30 pixels.*32x32"),
        ("a.png\tcat\ncolour.png\tdog\n", "line 2: colour.png is 32x32, the first .*28x28 grey"),
        ("a.png\t5\n", "too few different pictures"),
        ("a.png\t5\n" * 9, "too few different pictures"),
        ("a\0.png\t5\n", "line 1: there is no file"),
    ],
)
def test_a_bad_list_is_an_error_that_names_the_line(text: str, reason: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    grey_image(drawn("7", size=40)[5:35]).save(tmp_path / "wide.png")
    Image.new("RGB", (28, 28)).save(tmp_path / "red.png")
    Image.new("RGB", (32, 32)).save(tmp_path / "colour.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(UserError, match=reason):
        load_dataset(str(tmp_path / "list.txt"))


def test_a_list_of_photos_may_have_them_in_all_sizes(tmp_path: Path) -> None:
    for name, size in (("2", 120), ("7", 200)):
        grey_image(drawn(name, size=size)).save(tmp_path / f"{name}.png")
    (tmp_path / "list.txt").write_text("2.png\t2\n7.png\t7\n")
    data = load_dataset(str(tmp_path / "list.txt"))
    assert data.shape == (1, 28, 28)
    assert len(data.train) + len(data.validation) == 2


def test_a_list_that_is_no_text_or_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\t\x80\n")
    with pytest.raises(UserError, match="list.txt is no text"):
        load_dataset(str(tmp_path / "list.txt"))
    with pytest.raises(UserError, match=r"there is no .*none\.txt; name a label list"):
        load_dataset(str(tmp_path / "none.txt"))
    with pytest.raises(UserError, match="is no data set: it needs a folder a class"):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "way"),
    [("list.txt", "open"), ("pixels.csv", "open"), ("folder", "iterdir"), ("folder", "exists")],
)
def test_what_may_not_be_read_is_an_error(
    name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a fake: root, whom these tests may run as, reads everything."""

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / name).touch() if "." in name else (tmp_path / name).mkdir()
    monkeypatch.setattr(Path, way, refuse)
    with pytest.raises(UserError, match=rf"{name} cannot be read \(Permission denied\)"):
        load_dataset(str(tmp_path / name))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="Windows has no such devices")
@pytest.mark.timeout(60)
def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.txt")
    for path in (Path("/dev/zero"), tmp_path):
        with pytest.raises(UserError, match="neither a file nor a folder"):
            load_files(path, "x")


def test_a_folder_of_too_many_pictures_is_not_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_IMAGES", 2)
    asked: list[Path] = []

    def endless(folder: Path, endings: object) -> Iterator[Path]:
        for number in range(100):
            asked.append(folder / f"{number}.png")
            yield asked[-1]

    monkeypatch.setattr(files, "files_below", endless)
    (tmp_path / "0").mkdir()
    with pytest.raises(UserError, match="more than 2 pictures"):
        load_files(tmp_path, "x")
    assert len(asked) == 3


def test_a_picture_may_be_listed_twice_with_one_label(tmp_path: Path) -> None:
    for name in "ab":
        Image.new("L", (28, 28), ord(name)).save(tmp_path / f"{name}.png")
    (tmp_path / "list.txt").write_text(GOOD + "a.png\t5\n")
    assert len(read_list(tmp_path / "list.txt")) == 3


def test_a_list_beside_its_pictures_is_to_be_named_itself(few: Dataset, tmp_path: Path) -> None:
    """The layout of tutorial 000, whose one folder is no class."""
    listed = export_parts({"train": few.train}, few.labels, tmp_path)[0]
    path = listed.rename(tmp_path / "mnist_train_rec.txt")
    (tmp_path / "notes.txt").write_text("no list")
    with pytest.raises(UserError, match=f"holds a label list; name the list itself: {path}"):
        load_dataset(str(tmp_path))
    assert len(load_dataset(str(path)).train) == 50
    (tmp_path / "more").mkdir()
    Image.new("L", (28, 28), 7).save(tmp_path / "more" / "x.png")
    assert load_dataset(str(tmp_path)).labels == ("images", "more")  # a folder a class


def test_windows_lines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    for name in "ab":
        Image.new("L", (28, 28), ord(name)).save(tmp_path / f"{name}.png")
    (tmp_path / "list.txt").write_bytes("\ufeffa.png\t3\r\nb.png\t4\r\n".encode())
    entries = read_list(tmp_path / "list.txt")
    assert [(entry.path.name, entry.label) for entry in entries] == [("a.png", "3"), ("b.png", "4")]


def test_an_image_folder_of_digits_takes_28x28_as_it_is_and_photos_as_the_pad_does(
    few: Dataset, tmp_path: Path
) -> None:
    plain = few.train.images[0, 0].numpy()
    rng = np.random.default_rng(1)
    shot = photo(drawn("7", size=200), rng)
    for name in ("3", "7", "10"):
        (tmp_path / name).mkdir()
    (tmp_path / "10").rmdir()
    Image.fromarray(plain).save(tmp_path / "3" / "plain.png")
    shot.save(tmp_path / "7" / "shot.png")
    (tmp_path / "7" / "notes.txt").write_text("no picture")
    data = load_dataset(str(tmp_path))
    found = {
        int(label): image[0]
        for split in (data.train, data.validation)
        for image, label in zip(split.images.numpy(), split.labels, strict=True)
    }
    assert data.labels == tuple("0123456789")
    assert data.noun == "digits"
    assert np.array_equal(found[3], plain)
    expected = np.round(preprocess_image(shot).centred * 255)
    assert np.array_equal(found[7], expected.astype(np.uint8))


@pytest.fixture
def both_ways(sample: Dataset, tmp_path: Path) -> tuple[Path, Path]:
    """The same twenty digits in folders of classes, light on dark and dark on light."""
    folders = tmp_path / "light", tmp_path / "dark"
    for i in range(0, 4000, 200):
        pixels = sample.train.images[i, 0].numpy()
        for folder, ink in zip(folders, (pixels, 255 - pixels), strict=True):
            place = folder / str(int(sample.train.labels[i]))
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(ink).save(place / f"{i}.png")
    return folders


def test_dark_ink_on_28x28_is_no_negative(both_ways: tuple[Path, Path], tmp_path: Path) -> None:
    """It is learned as it will be read: what `predict` makes of the same file."""
    light, dark = both_ways
    data = load_dataset(str(dark))
    expected = {
        np.round(preprocess_image(Image.open(path)).centred * 255).astype(np.uint8).tobytes()
        for path in dark.glob("*/*.png")
    }
    assert pictures(data.train) | pictures(data.validation) == expected
    plain = {np.asarray(Image.open(path)).tobytes() for path in light.glob("*/*.png")}
    taken = load_dataset(str(light))
    assert pictures(taken.train) | pictures(taken.validation) == plain
    import_digits(dark, "mine", tmp_path)
    mine = load_named("mine", tmp_path)
    assert pictures(mine.train) | pictures(mine.validation) == expected


def test_ink_that_touches_the_border_comes_back_bit_by_bit(few: Dataset, tmp_path: Path) -> None:
    """Each digit pushed into a corner, where its ink runs along two edges."""
    pushed = torch.zeros_like(few.train.images)
    for image, to in zip(few.train.images[:, 0], pushed[:, 0], strict=True):
        down, across = (int(image.any(dim).nonzero()[0]) for dim in (1, 0))
        to[: 28 - down, : 28 - across] = image[down:, across:]
    assert bool((pushed[:, 0, 0].amax(1) > 0).all())
    parts = {"train": Split(pushed, few.train.labels), "validation": few.validation}
    export_parts(parts, few.labels, tmp_path)
    assert same(load_dataset(str(tmp_path)).train, parts["train"])


def test_things_on_a_light_ground_are_taken_as_they_are(tmp_path: Path) -> None:
    shades = {}
    for i, name in enumerate(("owl", "cat") * 3):
        (tmp_path / name).mkdir(exist_ok=True)
        shades[250 - i] = Image.new("L", (28, 28), 250 - i)
        shades[250 - i].save(tmp_path / name / f"{i}.png")
    data = load_dataset(str(tmp_path))
    found = pictures(data.train) | pictures(data.validation)
    assert found == {np.asarray(image).tobytes() for image in shades.values()}


def test_an_image_folder_of_things_has_their_names_and_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for part, count in (("train", 6), ("test", 2)):
        for name in ("owl", "cat"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    data = load_files(tmp_path, "things")
    assert data.labels == ("cat", "owl")
    assert data.noun == "images"
    assert data.shape == (3, 32, 32)
    assert data.test is not None
    assert data.test.labels.tolist() == [0, 0, 1, 1]
    assert np.array_equal(
        data.test.images[0].numpy(),
        np.asarray(Image.open(tmp_path / "test" / "cat" / "0.png")).transpose(2, 0, 1),
    )
    lists = export_parts(data.parts, data.labels, tmp_path / "out")
    assert "images/test_0_cat.png\tcat" in lists[2].read_text()
    again = load_dataset(str(tmp_path / "out"))
    assert again.labels == data.labels
    assert again.test is not None
    assert same(again.test, data.test)
    assert same(again.train, data.train)


def test_classes_that_are_numbers_are_in_their_order() -> None:
    assert classes_of(["7", "3"]) == tuple("0123456789")
    assert classes_of(["10", "9", "2"]) == ("2", "9", "10")
    assert classes_of(["owl", "cat", "cat"]) == ("cat", "owl")


@pytest.mark.parametrize("names", [("2", "10"), ("11", "12"), ("5", "cat")])
def test_classes_that_no_list_can_name_are_not_exported(
    names: tuple[str, str], tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / "in" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (32, 32), (i, len(name), 9)).save(tmp_path / "in" / name / f"{i}.png")
    data = load_dataset(str(tmp_path / "in"))
    assert data.labels == names
    with pytest.raises(UserError, match="the label .* name the classes' folders anew, as in kind-"):
        export_parts(data.parts, data.labels, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def csv_of(split: Split, header: str = "") -> str:
    rows = zip(split.labels.tolist(), split.images.flatten(1).tolist(), strict=True)
    return header + "".join(f"{label},{','.join(map(str, row))}\n" for label, row in rows)


@pytest.mark.parametrize("header", ["", "label," + ",".join(f"p{i}" for i in range(784)) + "\n"])
@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("\n", ".0\r\n")])
def test_a_csv_of_pixels_gives_the_digits(
    header: str, change: Callable[[str], str], few: Dataset, tmp_path: Path
) -> None:
    """Also with Windows' line ends and a last pixel that is written as 0.0."""
    path = tmp_path / "digits.csv"
    path.write_text(header + change(csv_of(few.train)))
    data = load_dataset(str(path))
    everything = load_files(path, "x")
    assert same(data.train, everything.train)
    assert pictures(data.train) | pictures(data.validation) == pictures(few.train)
    assert data.train.labels.bincount(minlength=10).tolist() != [0] * 10
    by_picture = dict(zip(map(bytes, few.train.images.numpy()), few.train.labels, strict=True))
    for image, label in zip(data.train.images.numpy(), data.train.labels, strict=True):
        assert by_picture[bytes(image)] == label


ZEROS = ",".join("0" * 784)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"5,{ZEROS[2:]}", "line 3 has 784 values, not 785"),
        (f"5,{ZEROS},0", "line 3 has 786 values"),
        (f"10,{ZEROS}", "line 3: the label 10 is out of range; use 0 to 9"),
        (f"5,256{ZEROS[1:]}", "line 3: 256 is out of range"),
        (f"5,-1{ZEROS[1:]}", "line 3: -1 is out of range"),
        (f"5,0.5{ZEROS[1:]}", "line 3: 0.5 is out of range; use whole numbers"),
        (f"5,nan{ZEROS[1:]}", "line 3: nan is out of range"),
        (f"5,x{ZEROS[1:]}", "line 3: 'x' is not a number"),
        (f"5,{ZEROS[1:]}", "line 3: '' is not a number"),
        ("5," + "0" * 20_000, "line 3 is longer than"),
    ],
)
def test_a_bad_csv_is_an_error_that_names_the_line(line: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    path.write_text(f"label,pixels\n1,{ZEROS}\n{line}\n")
    with pytest.raises(UserError, match=f"digits.csv, {reason}"):
        load_dataset(str(path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("label,pixel0\n", " has no digits"),
        ("", " has no digits"),
        (f"5,{ZEROS}\n".replace(",", ";") * 2, ", line 2 has 1 values, not 785"),
        (f"5,{ZEROS}\n".replace(",", "\t") * 2, ", line 2 has 1 values, not 785"),
    ],
    ids=["header", "empty", "semicolons", "tabs"],
)
def test_what_is_called_a_csv_and_is_none_is_told_what_one_is(
    text: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "digits.csv").write_text(text)
    with pytest.raises(UserError, match=f"digits.csv{reason}.*{FORMS}"):
        load_dataset(str(tmp_path / "digits.csv"))


def test_a_list_may_be_called_a_csv(few: Dataset, tmp_path: Path) -> None:
    listed = export_parts({"train": few.train}, few.labels, tmp_path)[0]
    path = listed.rename(tmp_path / "labels.csv")
    assert len(load_dataset(str(path)).train) == 50


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos of drawn digits in both forms, and some that cannot be used."""
    folder = tmp_path / "photos"
    rng = np.random.default_rng(3)
    for name in DRAWINGS:
        (folder / name).mkdir(parents=True)
        for i, height in enumerate((0.5, 0.6, 0.7)):
            photo(drawn(name, height, size=200), rng).save(folder / name / f"{i}.jpg")
        photo(drawn(name, 0.65, size=200), rng).save(folder / f"{name}_mine.png")
    Image.new("RGB", (200, 200), (240, 240, 240)).save(folder / "1" / "blank.png")
    (folder / "2" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    grey_image(drawn("2")).save(folder / "unnamed.png")
    copy = (folder / "7" / "0.jpg").read_bytes()
    (folder / "7-copy.jpg").write_bytes(copy)
    return folder


def test_own_photos_become_a_data_set_by_one_command(photos: Path, tmp_path: Path) -> None:
    place = tmp_path / "data"
    done = import_digits(photos, "mine", place)
    assert done.read == 12
    reasons = {path.name: reason for path, reason in done.skipped}
    assert set(reasons) == {"blank.png", "broken.png", "unnamed.png", "7-copy.jpg"}
    assert "no ink" in reasons["blank.png"]
    assert "cannot be read" in reasons["broken.png"] or "not a picture" in reasons["broken.png"]
    assert "tells no digit" in reasons["unnamed.png"]
    assert f"shows the same as {Path('7', '0.jpg')}" in reasons["7-copy.jpg"]
    assert own_names(place) == ["mine"]
    data = load_named("mine", place)
    assert (len(data.train), len(data.validation), data.test) == (10, 2, None)
    everything = data.train.labels.tolist() + data.validation.labels.tolist()
    assert sorted(everything) == [1] * 4 + [2] * 4 + [7] * 4
    expected = np.round(preprocess_image(Image.open(photos / "1" / "2.jpg")).centred * 255)
    assert expected.astype(np.uint8)[None].tobytes() in pictures(data.train) | pictures(
        data.validation
    )
    assert load_named("mine", place) is data  # read once
    assert [name for _, name in form.data_choices(place)] == ["sample", "mine"]
    assert "`mine`" in form.data_note("mine")
    with pytest.raises(UserError, match="there already; choose another name"):
        import_digits(photos, "mine", place)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 41, "ü", "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no name for a data set"):
        import_digits(tmp_path, name, tmp_path)
    with pytest.raises(UserError, match="no data set is called"):
        load_named(name, tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_names_of_the_registry_are_not_for_own_data(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"'{name}' is the name of another data set"):
        import_digits(tmp_path, name, tmp_path)


def test_the_page_never_takes_a_path(few: Dataset, tmp_path: Path) -> None:
    path = export_parts({"train": few.train}, few.labels, tmp_path)[0]
    with pytest.raises(UserError, match="no data set is called"):
        load_named(str(path), tmp_path)


def test_a_folder_without_enough_digits_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    with pytest.raises(UserError, match="has 0 digits that can be read"):
        import_digits(folder, "mine", tmp_path)
    Image.new("L", (100, 100), 255).save(folder / "5_blank.png")
    with pytest.raises(UserError, match="1 were left out.*5_blank.png there is no ink"):
        import_digits(folder, "mine", tmp_path)
    with pytest.raises(UserError, match="is not there; name a folder"):
        import_digits(folder / "none", "mine", tmp_path)
    assert not (tmp_path / "own").exists()


@pytest.fixture
def mixed(few: Dataset, photos: Path) -> Path:
    """The photos, with three CSVs of twenty digits each among them, of which five are twice."""
    (photos / "7" / "anna").mkdir()
    header = "label," + ",".join(f"pixel{i}" for i in range(784)) + "\n"
    for path, first in (("7/anna/my.csv", 0), ("my.CSV", 15), ("1/my.csv", 35)):
        part = few.train.take(torch.arange(first, first + 20))
        (photos / path).write_text(csv_of(part, header))
    (photos / "train.txt").write_text("7/0.jpg\t7\n")
    (photos / ".my.csv").write_text("hidden")
    return photos


def test_csvs_among_photos_join_them(few: Dataset, mixed: Path, tmp_path: Path) -> None:
    done = import_digits(mixed, "mine", tmp_path)
    assert done.read == 12 + 55
    assert len(done.skipped) == 4 + 5
    of_last = [reason for path, reason in done.skipped if path.name == "my.CSV"]
    assert len(of_last) == 5
    assert of_last[0] == f"line 2 shows the same as {Path('7', 'anna', 'my.csv')}, line 17"
    mine = load_named("mine", tmp_path)
    labels = {
        image.numpy().tobytes(): int(label)
        for split in (mine.train, mine.validation)
        for image, label in zip(split.images, split.labels, strict=True)
    }
    assert len(labels) == 12 + 55
    for image, label in zip(few.train.images[:55], few.train.labels[:55], strict=True):
        assert labels[image.numpy().tobytes()] == label


BAD = f"5,{ZEROS[2:]}"


def test_what_is_wrong_in_a_csv_among_others_is_left_out_alone(
    few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "MAX_WRONG", 3)
    lines = csv_of(few.train.take(torch.arange(12))).splitlines()
    folder = tmp_path / "class"
    folder.mkdir()
    files = {
        "a": [*lines[:4], BAD, f"12,{ZEROS}", lines[4]],
        "b": [lines[5], f"3,{ZEROS}", "7" * 20_000, lines[6]],
        "c": [lines[7], BAD, BAD, BAD, lines[8]],
        "grades": ["name,points", "Anna,7", "Ben,9"],
        "empty": [],
        "only": [BAD],
    }
    for name, content in files.items():
        (folder / f"{name}.csv").write_text("\n".join(content))
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")  # no file
    done = import_digits(folder, "mine", tmp_path)
    assert done.read == 5 + 1 + 1
    assert [(path.stem, reason.split(";")[0].split(":")[0]) for path, reason in done.skipped] == [
        ("a", "line 5 has 784 values, not 785"),
        ("a", "line 6"),
        ("b", "line 2 shows no ink"),
        ("b", "line 3 is longer than 16384 bytes"),
        *[("c", f"line {line} has 784 values, not 785") for line in (2, 3, 4)],
        ("c", "line 4"),
        ("empty", "has no digits"),
        ("grades", "has no line that is a digit"),
        ("only", "line 1 has 784 values, not 785"),
    ]
    reasons = [reason for _, reason in done.skipped]
    assert "the label 12 is out of range" in reasons[1]
    assert reasons[7] == "line 4: 3 lines up to it are wrong; what follows is not read"
    assert "digit: line 2 has 2 values, not 785" in reasons[9]


def test_a_csv_among_others_that_may_not_be_read_is_left_out(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, *args: Any, **named: Any) -> Any:
        if path.name == "my.CSV":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *args, **named)

    monkeypatch.setattr(Path, "open", refuse)
    done = import_digits(mixed, "mine", tmp_path)
    assert done.read == 12 + 40
    (reason,) = (reason for path, reason in done.skipped if path.name == "my.CSV")
    assert reason.startswith("cannot be read (Permission denied); give yourself the right")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (BAD, "my.csv, line 3 has 784 values"),
        (f"10,{ZEROS}", "my.csv, line 3: the label 10 is out of range"),
        (f"1,{ZEROS}", "my.csv, line 3 shows no ink"),
        ("5," + "0" * 20_000, "my.csv, line 3 is longer than"),
    ],
)
def test_a_csv_that_is_named_itself_must_be_right(
    line: str, reason: str, few: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "my.csv"
    path.write_text(csv_of(few.train.take(torch.arange(2))) + line)
    with pytest.raises(UserError, match=reason):
        import_digits(path, "mine", tmp_path)
    assert not (tmp_path / "own").exists()
    path.write_text(csv_of(few.train.take(torch.tensor([0, 1, 0]))))
    done = import_digits(path, "mine", tmp_path)
    assert done.skipped == [(path, "line 3 shows the same as line 1")]


def test_dark_ink_in_a_csv_is_no_negative(few: Dataset, tmp_path: Path) -> None:
    """It is read as its picture would be, and comes back as it was kept."""
    plain, dark = few.train.take(torch.arange(9)), few.train.take(torch.arange(9, 18))
    (tmp_path / "my.csv").write_text(
        csv_of(Split(torch.cat([plain.images, 255 - dark.images]), few.train.labels[:18]))
    )
    import_digits(tmp_path / "my.csv", "mine", tmp_path)
    mine = load_named("mine", tmp_path)
    read = {
        np.round(preprocess_image(Image.fromarray(255 - image)).centred * 255)
        .astype(np.uint8)
        .tobytes()
        for image in dark.images[:, 0].numpy()
    }
    assert pictures(mine.train) | pictures(mine.validation) == pictures(plain) | read
    as_it_lies, beside = load_dataset(str(tmp_path / "my.csv")), read_pixels(tmp_path / "my.csv")
    assert pictures(as_it_lies.untested) == pictures(beside) == pictures(plain) | read
    (tmp_path / "my.csv").write_text(f"5,{ZEROS}\n5,{ZEROS.replace('0', '255')}\n")
    with pytest.raises(UserError, match="line 2: there is no ink"):
        load_dataset(str(tmp_path / "my.csv"))


def test_an_import_is_bounded_in_digits_and_files(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are there twice count, for they are read."""
    monkeypatch.setattr(collecting, "MAX_DIGITS", 73)
    assert import_digits(mixed, "mine", tmp_path).read == 12 + 55
    monkeypatch.setattr(collecting, "MAX_DIGITS", 72)
    with pytest.raises(UserError, match="photos has more than 72 digits; take fewer"):
        import_digits(mixed, "more", tmp_path)
    monkeypatch.setattr(collecting, "MAX_DIGITS", 18)
    with pytest.raises(UserError, match="photos has more than 18 photos and CSVs; take fewer"):
        import_digits(mixed, "more", tmp_path)
    with pytest.raises(UserError, match="my.CSV has more than 18 digits; take fewer"):
        import_digits(mixed / "my.CSV", "more", tmp_path)


def test_a_folder_below_that_may_not_be_read_is_an_error(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its digits would be missed in silence. By a fake, for root reads everything."""
    for extra in photos.glob("*.png"):
        extra.unlink()
    scan = os.scandir

    def refuse(path: Any = ".") -> Any:
        if Path(path).name == "2":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    words = r"photos/2 cannot be read \(Permission denied\); give yourself the right to read it"
    for read in (lambda: import_digits(photos, "mine", tmp_path), lambda: load_files(photos, "x")):
        with pytest.raises(UserError, match=words):
            read()


def test_a_read_only_data_folder_is_left_alone(photos: Path, tmp_path: Path) -> None:
    place = tmp_path / "read-only"
    place.mkdir()
    place.chmod(0o555)
    with pytest.raises(UserError, match="read-only.*--data-dir"):
        import_digits(photos, "mine", place)
    place.chmod(0o755)
    assert os.listdir(place) == []


def test_the_folder_s_digit_goes_before_the_name_s() -> None:
    root = Path("/photos")
    assert digit_of(root / "7" / "3_x.png", root) == 7
    assert digit_of(root / "anna" / "7" / "x.png", root) == 7
    assert digit_of(root / "anna" / "3-x.png", root) == 3
    for name in ("12_x.png", "3x.png", "x_3.png"):
        with pytest.raises(UserError, match="tells no digit"):
            digit_of(root / name, root)


def test_nets_are_judged_on_nothing_they_learned(
    few: Dataset, sample: Dataset, photos: Path, tmp_path: Path
) -> None:
    import_digits(photos, "mine", tmp_path)
    mine = load_named("mine", tmp_path)
    split, words = unseen_by("mine", mine, 0.0, load_dataset)
    assert split is mine.validation
    assert "2 held-out digits of your own digits 'mine'" in words
    split, _ = unseen_by("mine", mine, 0.5, load_dataset)
    assert not pictures(split) & pictures(hold_out(mine, 0.5).train)

    # The sample, exported and given another name, is still the sample.
    export_parts({"train": sample.train.take(torch.arange(40))}, few.labels, tmp_path / "copy")
    copy = load_dataset(str(tmp_path / "copy"))
    with pytest.raises(UserError, match="was trained on all"):
        unseen_by("sample", copy, 0.0, load_dataset)
    both = Split(
        torch.cat([copy.train.images, mine.train.images]),
        torch.cat([copy.train.labels, mine.train.labels]),
    )
    mixed = Dataset("mixed", "mixed", both, mine.validation, None)
    split, _ = unseen_by("sample", mixed, 0.0, load_dataset)
    assert pictures(split) == pictures(mine.train) | pictures(mine.validation)
    split, words = unseen_by("sold", mine, 0.0, load_dataset)
    assert len(split) == 12
    assert "sold is not here to compare" in words


def test_a_net_of_a_random_part_of_mnist_is_not_judged_by_the_sample(
    sample: Dataset, tmp_path: Path
) -> None:
    def load(name: str) -> Dataset:
        return load_dataset(name, tmp_path)

    assert len(unseen_by("mnist", sample, 0.0, load)[0]) == 5000
    with pytest.raises(UserError, match="random part of MNIST.*mnist_demo download"):
        unseen_by("mnist", sample, 0.1, load)
    split, words = unseen_by("sample", sample, 0.3, load)
    assert len(split) == 1500
    assert "1,500 held-out digits" in words
    assert not pictures(split) & pictures(hold_out(sample, 0.3).train)


def test_the_gallery_judges_a_net_of_own_digits_by_their_held_out_part(
    photos: Path, tmp_path: Path
) -> None:
    import_digits(photos, "mine", tmp_path)
    context = Context(Checkpoint(build_net("linear"), "linear", "mnist", ("0",), {}), tmp_path)
    mine = Checkpoint(build_net("linear"), "linear", "mine", tuple("0123456789"), {})
    split, words = context.digits_for(mine)
    assert pictures(split) == pictures(load_named("mine", tmp_path).validation)
    assert "'mine'" in words
    assert len(context.digits_for(context.released)[0]) == 5000
