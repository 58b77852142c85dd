"""Nets in the Hugging Face Hub's form: model.safetensors, config.json and a model card.

The weights' file is a checkpoint like any other, so every command opens it as it lies, and
config.json says once more what its header says. Nothing is ever unpickled.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import (
    ModelCard,
    PyTorchModelHubMixin,
    constants,
    get_token,
    hf_hub_download,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from torch import nn

from mnist_demo.card import LIBRARY, LICENSE, card_of
from mnist_demo.checkpoint import (
    MAX_BYTES,
    RELEASED,
    WEIGHTS,
    Checkpoint,
    Member,
    load_checkpoint,
    to_bytes,
)
from mnist_demo.datasets import DIGITS
from mnist_demo.datasets.files import not_read
from mnist_demo.ensemble import NAME, Ensemble
from mnist_demo.errors import UserError
from mnist_demo.faults import is_full, not_written
from mnist_demo.nets import build_net

CARD = "README.md"
GUIDE = "PREPROCESSING.md"  # how ink becomes the net's input; lies beside the released net
MOST = {constants.CONFIG_NAME: 2**20, WEIGHTS: MAX_BYTES}  # bytes of each file that is read
OURS = {WEIGHTS, constants.CONFIG_NAME, CARD, GUIDE, ".gitattributes", ".git", ".cache"}


class HubNet(
    nn.Module,
    PyTorchModelHubMixin,
    library_name=LIBRARY,
    license=LICENSE,
    pipeline_tag="image-classification",
):
    """A checkpoint as the Hub's tools know nets: `HubNet.from_pretrained("owner/name")`.

    `forward` takes float32 (B, C, H, W) in [0, 1] and gives logits; `checkpoint` is the net
    with its labels, figures and history, as the rest of this program takes it.
    """

    def __init__(
        self,
        net: str,
        dataset: str,
        labels: Sequence[str],
        settings: dict[str, Any],
        metrics: dict[str, float],
        command: str = "",
        how: str = "",
        members: Sequence[dict[str, Any]] = (),
        learned: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.each = tuple(Member(**member) for member in members)
        self.net = (
            Ensemble([build_net(member.net) for member in self.each], how)
            if net == NAME
            else build_net(net)
        )
        self.described = net, dataset, tuple(labels), settings, metrics, command
        self.learned = tuple(learned)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(images)
        return logits

    @property
    def checkpoint(self) -> Checkpoint:
        name, dataset, labels, settings, metrics, command = self.described
        said = (name, dataset, labels, settings, metrics, command, self.each)
        return Checkpoint(self.net, *said, learned=self.learned)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> HubNet:
        """The checkpoint's net itself, not a copy."""
        made = cls(**description_of(checkpoint))
        made.net = checkpoint.net
        return made

    def _save_pretrained(self, save_directory: Path) -> None:
        (save_directory / WEIGHTS).write_bytes(to_bytes(self.checkpoint))
        guide = RELEASED.parent / GUIDE
        if self.checkpoint.labels == DIGITS and guide.is_file():
            shutil.copyfile(guide, save_directory / GUIDE)

    @classmethod
    def from_pretrained(cls, source: str | Path, **options: Any) -> HubNet:  # type: ignore[override]
        """The net in a folder or on the Hub, whose files are read after a look at their sizes."""
        names = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        _check_sizes(str(source), {name: options[name] for name in names if name in options})
        return super().from_pretrained(source, **options)

    @classmethod
    def _from_pretrained(  # type: ignore[override]
        cls, *, model_id: str, map_location: str = "cpu", strict: bool = True, **options: Any
    ) -> HubNet:
        names = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        where = {name: options.pop(name) for name in names}
        folder = Path(model_id)
        path = folder if folder.is_dir() else Path(hf_hub_download(model_id, WEIGHTS, **where))
        made = cls.of(load_checkpoint(path))
        said = description_of(made.checkpoint)
        wrong = [name for name, value in options.items() if said.get(name) != value]
        if wrong:
            raise UserError(
                f"config.json and {WEIGHTS} of {model_id} do not say the same of "
                f"{', '.join(wrong)}; save the net again"
            )
        return made.to(map_location).eval()

    def generate_model_card(self, *args: object, **kwargs: Any) -> ModelCard:
        return ModelCard(card_of(self.checkpoint, WEIGHTS, kwargs.get("repo_id", "")))


def description_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What `HubNet` is made with, and so what config.json holds."""
    said: dict[str, Any] = {
        "net": checkpoint.name,
        "dataset": checkpoint.dataset,
        "labels": list(checkpoint.labels),
        "settings": checkpoint.config,
        "metrics": checkpoint.metrics,
        "command": checkpoint.command,
        "how": checkpoint.net.how if isinstance(checkpoint.net, Ensemble) else "",
        "members": [vars(member) for member in checkpoint.members],
        "learned": list(checkpoint.learned),
    }
    return said


def save(checkpoint: Checkpoint, folder: Path) -> Path:
    """Writes the net into a folder in the Hub's form; one that it wrote earlier is replaced.

    Written into a folder inside it and moved from there: where it fails, all is as it was.
    Raises UserError where the folder holds other things, or the disk refuses.
    """
    made = next((path for path in (*reversed(folder.parents), folder) if not path.exists()), None)
    try:
        others = {path.name for path in folder.iterdir()} - OURS if folder.is_dir() else set()
        is_earlier = (folder / WEIGHTS).is_file()
        if others or (folder.is_dir() and any(folder.iterdir()) and not is_earlier):
            named = ", ".join(sorted(others)[:3]) or "files that are no net"
            raise UserError(f"{folder} holds other things ({named}); name a folder of its own")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as beside:
            HubNet.of(checkpoint).save_pretrained(beside)
            for path in Path(beside).iterdir():
                path.replace(folder / path.name)
    except BaseException as error:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        if isinstance(error, OSError):
            raise not_written(folder, error, "name another folder") from error
        raise
    return folder


def push(checkpoint: Checkpoint, repo: str, private: bool = False) -> str:
    """Puts the net on the Hub in one commit and gives its address. Raises UserError."""
    with _told(repo):
        validate_repo_id(repo)  # before a token is asked for, which would not mend it
    if get_token() is None:
        raise UserError(
            f"no token for {constants.ENDPOINT}; run `hf auth login`, or put one with the right "
            "to write into the variable HF_TOKEN"
        )
    with _told(repo):
        return str(
            HubNet.of(checkpoint).push_to_hub(
                repo,
                private=private or None,  # None leaves it to the owner's settings
                commit_message=f"{checkpoint.title}, trained on {checkpoint.dataset}",
                model_card_kwargs={"repo_id": repo},
            )
        )


def load(source: str) -> Checkpoint:
    """The net in a folder or a file, or "owner/name" on the Hub. Raises UserError."""
    here = Path(source)
    if not here.is_dir() and (here.exists() or here.suffix == Path(WEIGHTS).suffix):
        return load_checkpoint(here)
    with _told(source):
        try:
            return HubNet.from_pretrained(source).checkpoint
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, HFValidationError):
                raise
            raise UserError(
                f"config.json of {source} is none of this program's ({error}); save the net again"
            ) from error
        except OSError as error:
            if not here.is_dir():
                raise
            raise not_read(here, error) from error


def _check_sizes(source: str, where: dict[str, Any]) -> None:
    """Raises UserError for a folder, or a repository, with a file that is too large for a net."""
    folder = Path(source)
    for name, most in MOST.items():
        size = 0
        if folder.is_dir():
            size = (folder / name).stat().st_size if (folder / name).exists() else 0
        elif not where.get("local_files_only"):
            with suppress(EntryNotFoundError):  # which is told when it is asked for
                size = hf_hub_download(source, name, dry_run=True, **where).file_size or 0
        if size > most:
            raise UserError(
                f"{name} of {source} has {size:,} bytes, no net of this program has more than "
                f"{most:,}"
            )


@contextmanager
def _told(repo: str) -> Iterator[None]:
    """What goes wrong between here and the Hub, said with its remedy."""
    hub = constants.ENDPOINT
    # Their base is the transport's own error, httpx's or httpx2's as the version has it.
    transport: type[BaseException] = HfHubHTTPError.__bases__[0]
    try:
        yield
    except HFValidationError as error:
        raise UserError(
            f"{repo!r} is no folder here and no name on the Hub; write owner/name"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"{hub} has no net {repo!r}, or your token may not see it; check the name, or run "
            "`hf auth login`"
        ) from error
    except LocalEntryNotFoundError as error:
        raise UserError(_unreachable(hub)) from error
    except (EntryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(
            f"{repo} on {hub} has no {WEIGHTS}, so it is no net of this program"
        ) from error
    except HfHubHTTPError as error:
        code = error.response.status_code
        reason = error.server_message or error.response.reason_phrase
        remedy = (
            "check that your token may write there (`hf auth whoami`)"
            if code in (401, 403)
            else "try again later"
        )
        raise UserError(f"{hub} answered {code} ({reason}) for {repo}; {remedy}") from error
    except (transport, OSError, RuntimeError) as error:  # the last: a client that was closed
        if isinstance(error, OSError) and is_full(error):
            place = Path(error.filename or tempfile.gettempdir())
            raise not_written(place, error, "choose another with HF_HOME or TMPDIR") from error
        raise UserError(_unreachable(hub)) from error
    except ValueError as error:  # what it says of a card's header, or no JSON
        raise UserError(
            f"{hub} does not take {repo} as it is ({error}); write it with `hub save FOLDER`, mend "
            f"{CARD} there and send it with `hf upload {repo} FOLDER`"
        ) from error


def _unreachable(hub: str) -> str:
    return (
        f"{hub} cannot be reached; check the connection and the variable HF_HUB_OFFLINE, or name "
        "a folder"
    )
