"""CIFAR-10 from torchvision's archive, an image folder and a zip, all of them tiny."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

from mnist_demo.datasets import Dataset, cifar, cifar_is_in, load_named
from mnist_demo.datasets.cifar import CLASSES, load_cifar10
from mnist_demo.datasets.pictures import colour_pixels
from mnist_demo.errors import UserError

EACH = {"train": 5, "test": 2}  # images of each class


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def images_of(part: str) -> np.ndarray:
    """(10, n, 32, 32, 3): smooth, so that JPEG changes little, and each of its own shade."""
    rng = np.random.default_rng(len(part))
    corners = rng.integers(0, 256, (10 * EACH[part], 2, 2, 3), dtype=np.uint8)
    smooth = [Image.fromarray(c).resize((32, 32), Image.Resampling.BILINEAR) for c in corners]
    return np.stack([np.asarray(image) for image in smooth]).reshape(10, -1, 32, 32, 3)


def members(suffix: str) -> dict[str, bytes]:
    found = {}
    for part in EACH:
        for name, images in zip(CLASSES, images_of(part), strict=True):
            for i, pixels in enumerate(images):
                out = io.BytesIO()
                options = {"quality": 95} if suffix == ".jpg" else {}
                Image.fromarray(pixels).save(out, "JPEG" if options else "PNG", **options)  # type: ignore[arg-type]
                found[f"{part}/{name}/{i:04}{suffix}"] = out.getvalue()
    return found


def put_folder(folder: Path, suffix: str = ".jpg") -> Path:
    for name, content in members(suffix).items():
        path = folder / "cifar10" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def put_zip(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "cifar10-jpeg.zip", "w") as archive:
        for name, content in members(".jpg").items():
            archive.writestr(name, content)
        archive.writestr("README.txt", "no image")
        archive.writestr("../train/cat/9999.jpg", "elsewhere")
    return folder


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torchvision's form with the md5 sums of this one."""
    place = tmp_path / "cifar-10-batches-py"
    place.mkdir()

    def put(name: str, content: object) -> str:
        data = pickle.dumps(content)
        (place / name).write_bytes(data)
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    for part, attribute in (("train", "train_list"), ("test", "test_list")):
        rows = images_of(part).transpose(0, 1, 4, 2, 3).reshape(-1, 3 * 32 * 32)
        labels = np.repeat(np.arange(10), EACH[part]).tolist()
        name = f"{part}_batch"
        md5 = put(name, {"data": rows, "labels": labels})
        monkeypatch.setattr(CIFAR10, attribute, [[name, md5]])
    md5 = put("batches.meta", {"label_names": list(CLASSES)})
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return tmp_path


def check(data: Dataset, tolerance: float) -> None:
    assert data.labels == CLASSES
    assert data.noun == "images"
    assert data.shape == (3, 32, 32)
    assert data.test is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (40, 10, 20)
    assert data.train.images.dtype == torch.uint8
    assert data.test.labels.tolist() == np.repeat(np.arange(10), 2).tolist()
    expected = images_of("test").reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)
    assert np.abs(data.test.images.numpy().astype(int) - expected).max() <= tolerance
    together = torch.cat([data.train.labels, data.validation.labels])
    assert together.bincount().tolist() == [5] * 10


def test_the_archive_is_read_through_torchvision(archive: Path) -> None:
    assert cifar_is_in(archive)
    data = load_named("cifar10", archive)
    check(data, 0)
    assert data.title == "CIFAR-10, 50 + 20 images of it"


def test_a_damaged_archive_names_the_remedy(archive: Path) -> None:
    with (archive / "cifar-10-batches-py" / "test_batch").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match="damaged; delete that folder"):
        load_cifar10(archive)


def test_an_image_folder_and_a_zip_of_it_are_the_same_and_say_what_they_are(
    tmp_path: Path,
) -> None:
    data = load_cifar10(put_folder(tmp_path / "folder"))
    check(data, 40)
    assert data.title.startswith("CIFAR-10 (JPEG re-encoded)")
    zipped = load_cifar10(put_zip(tmp_path / "zip"))
    check(zipped, 40)
    assert zipped.title == data.title
    assert torch.equal(zipped.train.images, data.train.images)
    assert torch.equal(zipped.validation.labels, data.validation.labels)


def test_png_files_are_the_original(tmp_path: Path) -> None:
    data = load_cifar10(put_folder(tmp_path, ".png"))
    check(data, 0)
    assert data.title == "CIFAR-10, 50 + 20 images of it"


def test_images_are_decoded_once_and_anew_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put_zip(tmp_path / "data")
    first = load_cifar10(folder)
    assert len(list(folder.glob("cifar10-*.safetensors"))) == 1
    calls: list[object] = []

    def decode(source: Path | bytes) -> np.ndarray:
        calls.append(source)
        return colour_pixels(source)

    monkeypatch.setattr(cifar, "colour_pixels", decode)
    again = load_cifar10(folder)
    assert not calls
    assert torch.equal(again.train.images, first.train.images)
    assert torch.equal(again.train.labels, first.train.labels)
    later = time.time_ns() + 10**9
    os.utime(folder / "cifar10-jpeg.zip", ns=(later, later))
    load_cifar10(folder)
    assert len(calls) == 70
    for cached in folder.glob("cifar10-*.safetensors"):
        cached.write_bytes(b"damaged")
    check(load_cifar10(folder), 40)


def test_a_read_only_folder_keeps_its_images_elsewhere(tmp_path: Path, own_cache: Path) -> None:
    folder = put_zip(tmp_path / "data")
    folder.chmod(0o555)
    load_cifar10(folder)
    folder.chmod(0o755)
    assert [path.name for path in folder.iterdir()] == ["cifar10-jpeg.zip"]
    assert len(list((own_cache / "mnist-demo").iterdir())) == 1


def test_missing_or_broken_images_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="CIFAR-10 is not in .*download=True"):
        load_cifar10(tmp_path)
    (tmp_path / "cifar10-jpeg.zip").write_bytes(b"PK no more")
    with pytest.raises(UserError, match="cifar10-jpeg.zip is damaged"):
        load_cifar10(tmp_path)
    with zipfile.ZipFile(tmp_path / "cifar10-jpeg.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/cat/0000.jpg", bytes(range(256)) * 8)
    whole = bytearray((tmp_path / "cifar10-jpeg.zip").read_bytes())
    whole[60:80] = b"\xff" * 20  # in the packed bytes of its one file
    (tmp_path / "cifar10-jpeg.zip").write_bytes(whole)
    with pytest.raises(UserError, match="cifar10-jpeg.zip is damaged"):
        load_cifar10(tmp_path)
    folder = put_folder(tmp_path / "folder")
    (folder / "cifar10" / "train" / "cat" / "0001.jpg").write_bytes(b"no image")
    with pytest.raises(UserError, match="train/cat/0001.jpg.*not a picture"):
        load_cifar10(folder)
    for path in (folder / "cifar10" / "train" / "cat").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="no images in train/cat"):
        load_cifar10(folder)
    Image.new("RGB", (64, 64)).save(folder / "cifar10" / "train" / "cat" / "0.png")
    with pytest.raises(UserError, match="0.png: it has 64x64 pixels; make it 32x32"):
        load_cifar10(folder)
