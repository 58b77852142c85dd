"""What a run can be taken home as: the net, its history as a table, its curves as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

from mnist_demo.checkpoint import to_bytes
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.page.runs import Run

COLUMNS = (
    "kind",
    "epoch",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "seconds",
    "images_per_second",
)


@dataclass(frozen=True)
class Download:
    """A file made in memory; nothing of a visitor's is written to disk."""

    name: str
    type: str
    content: bytes


def make_download(run: Run, kind: object) -> Download:
    """Raises UserError for a kind that is none, or a run that has nothing of it yet."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown_choice("download", kind, KINDS)
    ending, mime, make = KINDS[kind]
    net = "together" if run.members else run.config.net.partition(":")[0]
    name = f"digits-run-{run.number}-{net}{ending}"
    return Download(name, mime, make(run))


def checkpoint_of(run: Run) -> bytes:
    if run.checkpoint is None:
        raise UserError("this run has no net yet; wait until its first epoch is over")
    return to_bytes(run.checkpoint)


def history_of(run: Run) -> bytes:
    """A table of both curves: rows of the kind "batches" hold a place within the epochs."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for place, loss in list(run.losses.points):
        table.writerow({"kind": "batches", "epoch": f"{place:.6g}", "train_loss": f"{loss:.6g}"})
    for epoch in list(run.epochs):
        row = {name: f"{getattr(epoch, name):.6g}" for name in COLUMNS[1:]}
        table.writerow({"kind": "epoch", **row})
    return text.getvalue().encode()


def curves_of(run: Run) -> bytes:
    """A PNG of loss and accuracy. matplotlib comes in here: it takes a second to import."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    points, epochs = list(run.losses.points), list(run.epochs)
    if not points and not epochs:
        raise UserError("this run has no curve yet; wait for its first batches")
    figure = Figure(figsize=(10, 4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    loss, accuracy = figure.subplots(1, 2)
    at = [epoch.epoch for epoch in epochs]
    loss.plot(
        [x for x, _ in points],
        [y for _, y in points],
        color="#9bbcd6",
        lw=1,
        label="training, by batches",
    )
    loss.plot(at, [e.train_loss for e in epochs], "o-", color="#0072b2", ms=4, label="training")
    loss.plot(
        at, [e.validation_loss for e in epochs], "s--", color="#d55e00", ms=4, label="validation"
    )
    loss.set(yscale="log", ylabel="loss", xlabel="epochs", title=run.title)
    loss.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    loss.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    loss.yaxis.set_minor_formatter(NullFormatter())
    accuracy.plot(
        at, [100 * e.train_accuracy for e in epochs], "o-", color="#0072b2", ms=4, label="training"
    )
    accuracy.plot(
        at,
        [100 * e.validation_accuracy for e in epochs],
        "s--",
        color="#d55e00",
        ms=4,
        label="validation",
    )
    accuracy.set(ylabel="accuracy, %", xlabel="epochs", title=run.data_title)
    for axes in (loss, accuracy):
        axes.set_xlim(0, run.config.epochs * 1.02)
        axes.grid(alpha=0.25)
        if epochs or axes is loss:
            axes.legend(loc="lower right" if axes is accuracy else "upper right")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


KINDS: dict[str, tuple[str, str, Callable[[Run], bytes]]] = {
    "net": (".safetensors", "application/octet-stream", checkpoint_of),
    "history": (".csv", "text/csv", history_of),
    "curves": (".png", "image/png", curves_of),
}
