"""Whether a net and a data set belong together."""

from __future__ import annotations

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.nets import check_fit, find_net, in_words


def check_match(name: str, data: Dataset) -> None:
    """Raises UserError where the net cannot take the images or tell the classes apart."""
    check_fit(name, data.shape, data.labels)


def check_same_classes(checkpoint: Checkpoint, data: Dataset) -> None:
    """Raises UserError where what the net answers is no answer to this data's question."""
    shape = find_net(checkpoint.kind).input_shape
    if shape != data.shape:
        raise UserError(
            f"the net takes images of {in_words(shape)}, those of {data.name!r} are of "
            f"{in_words(data.shape)}; choose another data set"
        )
    if checkpoint.labels != data.labels:
        raise UserError(
            f"the net knows the classes {', '.join(checkpoint.labels)}, which are not those of "
            f"{data.name!r}; choose another data set"
        )
