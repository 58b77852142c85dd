"""The images that a net, or several, may be judged by: none that any of them learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from mnist_demo.checkpoint import Checkpoint, Member
from mnist_demo.datasets import (
    DATASETS,
    DIGITS,
    Dataset,
    Split,
    best_available,
    data_folder,
    load_named,
    names,
    unseen_by,
    without,
)
from mnist_demo.errors import UserError
from mnist_demo.material import has_changed

OF_DIGITS = ("mnist", "sample", "drawn", "mnist-and-drawn")  # nets of these are judged by MNIST


def data_to_judge(trained_on: str, folder: str | Path) -> Dataset:
    """What nets that were trained on this are judged by: it, or the fullest of MNIST."""
    is_here = trained_on in names(Path(folder))
    return load_named(_judged_by(trained_on, is_here, folder), folder)


def name_to_judge(checkpoint: Checkpoint, folder: str | Path | None) -> str:
    """The same of a net, whose data may be a path; of several nets the first one's."""
    trained_on, _ = checkpoint.learned_from[0]
    is_here = trained_on in names(data_folder(folder)) or Path(trained_on).exists()
    return _judged_by(trained_on, is_here or checkpoint.labels != DIGITS, folder)


def _judged_by(trained_on: str, is_here: bool, folder: str | Path | None) -> str:
    return best_available(folder) if trained_on in OF_DIGITS or not is_here else trained_on


def unseen(
    checkpoint: Checkpoint,
    data: Dataset,
    load: Callable[[str], Dataset],
    read: Callable[[str], Split] | None = None,
) -> tuple[Split, str]:
    """The images of `data` that no net in the checkpoint was trained on, and what they are.

    `load` finds the data sets that they were trained on, and `read` what lay beside (as `load`
    where it is None). Raises UserError where no image is left, or nobody can know.
    """
    found = [unseen_by(name, data, holdout, load) for name, holdout in checkpoint.learned_from]
    split, title = found[0]
    titles = {title for _, title in found}
    for other, _ in found[1:]:
        split = common(split, other)
    before, unknown = len(split), ""
    for file in beside_in_question(checkpoint, data):
        own = images_beside(file, load, read)
        if own is not None:
            split = without(split, own)
        elif data.name not in OF_DIGITS:  # these its run left out
            unknown += f", {file} is not here to compare them with"
    if not len(split):
        if not checkpoint.members:
            raise UserError(
                f"this net was trained on all {data.noun} of {data.title}; judge it by another "
                "data set"
            )
        raise UserError(
            f"these nets were together trained on all {data.noun} of {data.title}; judge them by "
            "another data set"
        )
    if len(titles) > 1:
        title = f"{len(split):,} {data.noun} of {data.title} that none of the nets was trained on"
    elif len(split) < before:
        title = f"{len(split):,} of the {title}"
    return split, title + unknown


def changed_since(checkpoint: Checkpoint, data: Dataset, folder: str | Path | None) -> str:
    """What is to be said where a net's own data are no longer those that it learned from.

    `data` as they were loaded, none held out: they are not read again.
    """
    if data.name in OF_DIGITS and {name for name, _ in checkpoint.learned_from} <= set(OF_DIGITS):
        return ""  # their runs left out whatever these judge by
    nets: Sequence[Checkpoint | Member] = checkpoint.members or (checkpoint,)
    files: set[str] = set()
    for net, digest in zip(nets, checkpoint.learned, strict=False):
        if has_changed(net.config, digest, folder, data):
            files |= {net.dataset, str(net.config.get("also") or net.dataset)} - set(DATASETS)
    if not files:
        return ""
    listed = " or ".join(sorted(files))
    return f"{listed} changed since it was learned from, so some of these may have been learned"


def beside_in_question(checkpoint: Checkpoint, data: Dataset) -> list[str]:
    """The files that a net learned from beside others; of what its own set judges by, nothing."""
    trained_on = {name for name, _ in checkpoint.learned_from}
    return [] if trained_on == {data.name} else checkpoint.learned_beside


def images_beside(
    file: str,
    load: Callable[[str], Dataset],
    read: Callable[[str], Split] | None = None,
) -> Split | None:
    """The digits of a file that a net learned from beside others; None where it is not here."""
    try:
        return read(file) if read else load(file).untested
    except UserError:
        return None


def common(first: Split, second: Split) -> Split:
    """The images of `first` that are in `second` too, compared pixel by pixel."""
    if first is second:
        return first
    known = {image.tobytes() for image in second.images.cpu().numpy()}
    keep = [i for i, image in enumerate(first.images.cpu().numpy()) if image.tobytes() in known]
    return first.take(torch.tensor(keep, dtype=torch.int64))
