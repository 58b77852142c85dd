"""Nets in the Hub's form: folders of its mixin, and a Hub on this machine."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_hub import TOKEN, FakeHub, serve_hub
from huggingface_hub import ModelCard, constants
from PIL import Image
from safetensors.torch import load_file, save_file

from mnist_demo import UserError, hub, load_net
from mnist_demo.checkpoint import (
    MAX_BYTES,
    WEIGHTS,
    Checkpoint,
    combine,
    load_checkpoint,
    save_checkpoint,
)
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS
from mnist_demo.datasets.cifar import CLASSES
from mnist_demo.hub import CARD, HubNet
from mnist_demo.nets import build_net, find_net


def made(name: str, seed: int = 1, labels: tuple[str, ...] = DIGITS) -> Checkpoint:
    """A fresh net that says that it was trained."""
    dataset = "mnist" if labels == DIGITS else "cifar10"
    config = TrainConfig(net=name, dataset=dataset, seed=seed).to_dict()
    metrics = {"validation_accuracy": 0.91, "validation_loss": 0.3, "test_accuracy": 0.9012}
    net = build_net(name, seed).eval()
    return Checkpoint(net, name, dataset, labels, config, metrics, f"train --net {name}")


NETS = {
    "one": lambda: made("linear"),
    "described": lambda: made("custom:blocks=1,width=8"),
    "colour": lambda: made("cifar-threeconv", labels=CLASSES),
    "mean": lambda: combine([made("linear", 1), made("perceptron", 2)]),
    "vote": lambda: combine([made("linear", 1), made("linear", 2), made("linear", 3)], "vote"),
}


@pytest.mark.parametrize("kind", NETS)
def test_a_folder_of_the_mixin_gives_the_same_net_again(kind: str, tmp_path: Path) -> None:
    checkpoint = NETS[kind]()
    images = torch.rand(3, *find_net(checkpoint.kind).input_shape)
    HubNet.of(checkpoint).save_pretrained(tmp_path / "net")
    again = HubNet.from_pretrained(tmp_path / "net")
    assert not again.training
    with torch.no_grad():
        assert torch.equal(again(images), checkpoint.net(images))
    assert again.checkpoint.metadata() == checkpoint.metadata()
    # Any command opens the weights as they lie, and no pickle is among the files.
    assert WEIGHTS == constants.SAFETENSORS_SINGLE_FILE
    for plain in (tmp_path / "net" / WEIGHTS, tmp_path / "net"):
        assert load_checkpoint(plain).metadata() == checkpoint.metadata()
    assert load_net(tmp_path / "net").metadata() == checkpoint.metadata()
    names = {path.name for path in (tmp_path / "net").iterdir()}
    assert {WEIGHTS, "config.json", CARD} <= names <= hub.OURS


def test_every_command_takes_such_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "net")
    checkpoint = made("linear")
    checkpoint.dataset = "sample"
    save_checkpoint(checkpoint, tmp_path / "net.safetensors")
    assert main(["hub", "save", folder, "--checkpoint", str(tmp_path / "net.safetensors")]) == 0
    other = str(save_checkpoint(made("perceptron"), tmp_path / "other.safetensors"))
    picture = str(tmp_path / "digit.png")
    assert main(["data", "show", "3", "--dataset", "sample", "--out", picture]) == 0
    out = ["--out", str(tmp_path / "new.safetensors")]
    for words in (
        ["evaluate", "--dataset", "sample", "--checkpoint", folder],
        ["predict", picture, "--checkpoint", folder],
        ["calibrate", "--checkpoint", folder, *out],
        ["ensemble", folder, other, *out],
        ["hub", "card", "--checkpoint", folder],
    ):
        assert main(words) == 0, capsys.readouterr().err
    (tmp_path / "net" / WEIGHTS).unlink()
    assert main(["evaluate", "--checkpoint", folder]) == 2
    assert f"there is no checkpoint {tmp_path / 'net' / WEIGHTS};" in capsys.readouterr().err


def test_config_json_alone_builds_the_net_that_the_weights_fit(tmp_path: Path) -> None:
    checkpoint = NETS["mean"]()
    hub.save(checkpoint, tmp_path / "net")
    fresh = HubNet(**json.loads((tmp_path / "net" / "config.json").read_text()))
    fresh.net.load_state_dict(load_file(tmp_path / "net" / WEIGHTS))
    images = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(fresh(images), checkpoint.net(images))


def test_config_and_weights_that_differ_are_refused(tmp_path: Path) -> None:
    hub.save(made("linear"), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "sample"}))
    with pytest.raises(UserError, match=r"do not say the same of dataset"):
        hub.load(str(tmp_path))


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"net": 3}', "\x00"])
def test_a_config_of_somebody_else_is_an_error_in_words(text: str, tmp_path: Path) -> None:
    hub.save(made("linear"), tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config.json"):
        hub.load(str(tmp_path))


def test_a_pickle_in_place_of_the_weights_is_not_opened(tmp_path: Path) -> None:
    hub.save(made("linear"), tmp_path)
    (tmp_path / WEIGHTS).unlink()
    touched = tmp_path / "touched"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (touched,)

    torch.save(Bomb(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match="there is no checkpoint"):
        hub.load(str(tmp_path))
    torch.save(Bomb(), tmp_path / WEIGHTS)
    with pytest.raises(UserError, match="not a safetensors file"):
        hub.load(str(tmp_path))
    save_file({"weight": torch.zeros(1)}, tmp_path / WEIGHTS)  # safetensors, but no net of ours
    with pytest.raises(UserError, match="not written by this program"):
        hub.load(str(tmp_path))
    assert not touched.exists()


def test_a_net_saved_over_another_has_its_own_card(tmp_path: Path) -> None:
    hub.save(made("linear"), tmp_path / "net")
    hub.save(made("perceptron"), tmp_path / "net")
    assert "`perceptron`" in (tmp_path / "net" / CARD).read_text()
    assert hub.load(str(tmp_path / "net")).name == "perceptron"


@pytest.mark.parametrize("write", ["write_text", "write_bytes"])  # config.json, the weights
def test_a_full_disk_leaves_everything_as_it_was(
    write: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "earlier"
    hub.save(made("linear"), earlier)
    before = {path: path.read_bytes() for path in earlier.iterdir()}

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, write, full)
    for folder in (earlier, tmp_path / "new" / "net"):
        told = f"cannot write {folder}: the disk is full; make room there, or name another folder"
        with pytest.raises(UserError, match=re.escape(told)):
            hub.save(made("perceptron"), folder)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in earlier.iterdir()} == before
    assert list(tmp_path.iterdir()) == [earlier]


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("my own")
    with pytest.raises(UserError, match="holds other things"):
        hub.save(made("linear"), tmp_path)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"thesis.tex"):
        hub.save(made("linear"), tmp_path)
    assert (tmp_path / CARD).read_text() == "my own"
    assert sorted(path.name for path in tmp_path.iterdir()) == [CARD, "thesis.tex"]


def use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with serve_hub() as server:
        use(server.address, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


def test_pushed_and_loaded_it_is_the_same_net(
    fake: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = NETS["mean"]()
    address = hub.push(net, "me/net", private=True)
    assert address.startswith(f"{fake.address}/me/net/commit/")
    assert fake.visibility == {"me/net": "private"}
    assert {WEIGHTS, "config.json", CARD} <= set(fake.repos["me/net"]) <= hub.OURS
    assert 'load_net("me/net")' in ModelCard(fake.repos["me/net"][CARD].decode()).text
    assert main(["hub", "load", "me/net", "--out", str(tmp_path / "got.safetensors")]) == 0
    assert "mean of 2 nets (linear, perceptron), trained on mnist" in capsys.readouterr().out
    images = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        expected = net.net(images)
        assert torch.equal(load_checkpoint(tmp_path / "got.safetensors").net(images), expected)
        fake.lost = True  # what was fetched once is in the cache
        assert torch.equal(load_net("me/net").net(images), expected)


def test_the_command_pushes_the_released_net(
    fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hub", "push", "me/digits"]) == 0
    assert capsys.readouterr().out.startswith(f"{fake.address}/me/digits/commit/")
    card = ModelCard(fake.repos["me/digits"][CARD].decode())
    assert card.data.get("license") == "mit"
    assert fake.visibility == {"me/digits": "default"}


def test_what_goes_wrong_on_the_way_names_its_remedy(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = made("linear")
    with pytest.raises(UserError, match=r"403 \(You don't have the rights"):
        hub.push(net, "others/net")
    with pytest.raises(UserError, match="write owner/name"):
        hub.push(net, "no such name")
    with pytest.raises(UserError, match="has no net 'me/none'"):
        hub.load("me/none")
    with pytest.raises(UserError, match="write owner/name"):
        hub.load("../no-such/../place")
    fake.card_errors = ('"model-index[0].type" is not allowed to be empty',)
    with pytest.raises(UserError, match=r"empty\); write it with `hub save FOLDER`, mend README"):
        hub.push(net, "me/net")
    fake.card_errors = ()
    hub.push(net, "me/net")
    fake.claimed_size = MAX_BYTES + 1
    with pytest.raises(UserError, match=r"model.safetensors of me/net has 134,217,729 bytes"):
        hub.load("me/net")
    fake.claimed_size = None
    mine = fake.repos["me/net"]["config.json"]
    fake.repos["me/net"]["config.json"] = b"[" * (2**20 + 1)
    with pytest.raises(UserError, match=r"config.json of me/net has 1,048,577 bytes"):
        hub.load("me/net")
    fake.repos["me/net"]["config.json"] = mine
    del fake.repos["me/net"][WEIGHTS]
    with pytest.raises(UserError, match="no net of this program"):
        hub.load("me/net")
    fake.lost = True
    with pytest.raises(UserError, match=r"answered 503 .* try again later"):
        hub.push(net, "me/net")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    fake.lost = False
    with pytest.raises(UserError, match="401"):
        hub.push(net, "me/net")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match=r"no token for http.*hf auth login.*HF_TOKEN"):
        hub.push(net, "me/net")
    with pytest.raises(UserError, match="write owner/name"):  # which no token would mend
        hub.push(net, "../x")


def test_what_lies_here_is_not_asked_of_the_hub(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.lost = True
    monkeypatch.chdir(tmp_path)
    save_checkpoint(made("linear"), Path("nets/net.safetensors"))
    assert hub.load("nets/net.safetensors").name == "linear"
    with pytest.raises(UserError, match=r"there is no checkpoint nets.none.safetensors"):
        hub.load("nets/none.safetensors")
    hub.save(made("linear"), Path("mine"))
    config = tmp_path / "mine" / "config.json"
    config.write_text("[" * (2**20 + 1))
    with pytest.raises(UserError, match=r"config.json of mine has 1,048,577 bytes"):
        hub.load("mine")
    config.unlink()
    config.mkdir()  # for root may read any file
    with pytest.raises(UserError, match=r"mine.config.json cannot be read"):
        hub.load("mine")


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_it_says_so(
    offline: bool, fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("http://127.0.0.1:9", monkeypatch)  # nobody listens there
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    with pytest.raises(UserError, match="cannot be reached"):
        hub.load("me/net")
    with pytest.raises(UserError, match="cannot be reached"):
        hub.push(made("linear"), "me/net")


def test_a_strangers_words_do_nothing_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = ("\x1b[2Jcat", "dog\ud800")
    pets = replace(made("custom:classes=2", labels=labels), dataset="pets\x1b]0;\x07\ud800")
    path = str(save_checkpoint(pets, tmp_path / "pets.safetensors"))
    Image.new("RGB", (28, 28), "red").save(tmp_path / "red.png")
    out = ["--out", str(tmp_path / "out.safetensors")]
    hub.save(pets, tmp_path / "hub")
    assert main(["predict", str(tmp_path / "red.png"), "--checkpoint", path]) == 0
    assert main(["hub", "load", str(tmp_path / "hub"), *out]) == 0
    assert main(["hub", "card", "--checkpoint", path]) == 0
    assert main(["evaluate", "--checkpoint", path]) == 2
    assert main(["evaluate", "--checkpoint", path, "--dataset", "sample"]) == 2
    told = "".join(capsys.readouterr())
    assert "\\x1b[2Jcat" in told
    assert all(line.isprintable() for line in told.splitlines())
