"""Whether a net and a data set belong together."""

from __future__ import annotations

from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.nets import NETS, check_fit


def check_match(name: str, data: Dataset) -> None:
    """Raises UserError where the net cannot take the images or tell the classes apart.

    What the registry does not hold was made for its data set.
    """
    check_fit(name, data.shape)
    if name in NETS and len(data.labels) != NETS[name].classes:
        raise UserError(
            f"the net {name!r} tells {NETS[name].classes} classes apart, {data.title} has "
            f"{len(data.labels)} ({', '.join(data.labels[:12])}); choose such data, or a net of "
            "your own as in custom:blocks=2"
        )
