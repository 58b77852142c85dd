"""A net's model card: what it is, what it was measured at, how it was made, what it is not for.

Written from what the checkpoint carries and from nothing else, for the Hub and for
`models/README.md`.
"""

from __future__ import annotations

from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from mnist_demo.checkpoint import WEIGHTS, Checkpoint, Member
from mnist_demo.classify import STRANGE
from mnist_demo.config import UNUSED
from mnist_demo.datasets import DIGITS
from mnist_demo.ensemble import NAME
from mnist_demo.nets import NETS, count_parameters, find_net
from mnist_demo.provenance import SOURCES, credits_of

LIBRARY = "mnist-demo"
LICENSE = "mit"
ROUNDING = (
    "Other processors, thread counts and versions of PyTorch round differently, and other versions "
    "of this program may draw and prepare images differently, so their net differs a little; with "
    "the same of all the seed repeats."
)
CALIBRATED = "python -m mnist_demo calibrate --checkpoint FILE --out FILE"
NOT_FOR = (
    "By itself it names a digit whatever it is shown: that a letter, a scribble or a row of digits "
    "is none is for the sceptic to say (`models/sceptic.safetensors`), which `read_digit` and the "
    "app ask too. Habits of writing that its data do not have are read less well. Not for reading "
    "what matters (cheques, forms, doses) without somebody who looks."
)
OF_SCEPTIC = (
    "A letter that somebody writes as a digit is written (O, l, S, Z, B) is a digit to it. It "
    "knows letters, shapes and scribbles best that are of the kinds it learned from."
)


def card_of(checkpoint: Checkpoint, file: str = WEIGHTS, repo: str = "") -> str:
    """The card as Markdown, with the Hub's header. `repo` is where on the Hub the net goes."""
    named = plain(f"{checkpoint.title}, trained on {checkpoint.dataset}")
    sections = [
        f"---\n{header_of(checkpoint).to_yaml()}\n---",
        f"# {repo or (named if file == WEIGHTS else file)}",
        in_a_sentence(checkpoint),
        table(rows_of(checkpoint)),
        *made_by(checkpoint),
        how_to_use(checkpoint, file, repo),
        limits_of(checkpoint),
        licence_of(checkpoint),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def header_of(checkpoint: Checkpoint) -> ModelCardData:
    """What the Hub reads: licence, tags, data set and the measured accuracy."""
    source = SOURCES.get(checkpoint.dataset)
    accuracy = number(checkpoint.metrics.get("test_accuracy"))
    results = []
    if source and source.test and source.on_hub and accuracy is not None:  # else it has no type
        results.append(
            EvalResult(
                task_type="image-classification",
                dataset_type=source.on_hub,
                dataset_name=source.title,
                dataset_split="test",
                metric_type="accuracy",
                metric_value=accuracy,
            )
        )
    options: dict[str, Any] = {"model_name": plain(checkpoint.title)} if results else {}
    return ModelCardData(
        license=LICENSE,
        library_name=LIBRARY,
        pipeline_tag="image-classification",
        tags=["pytorch", "safetensors", *(["mnist"] if checkpoint.labels == DIGITS else [])],
        datasets=[source.on_hub] if source and source.on_hub else None,
        metrics=["accuracy"],
        eval_results=results or None,
        **options,
    )


def in_a_sentence(checkpoint: Checkpoint) -> str:
    reads = "reads handwritten digits" if checkpoint.labels == DIGITS else "names what it is shown"
    if checkpoint.is_sceptic:
        reads = "says whether a drawing is a digit at all"
    size = f"{count_parameters(checkpoint.net):,} parameters, float32"
    return f"A net that {reads}: {describe(checkpoint)}; {size}."


def describe(checkpoint: Checkpoint) -> str:
    """The architecture in words, as the registry has it."""
    if checkpoint.name == NAME:
        return plain(checkpoint.title)
    spec = NETS.get(checkpoint.name)
    return f"`{plain(checkpoint.name)}`" + (
        f", {spec.summary[0].lower()}{spec.summary[1:]}" if spec else ""
    )


def rows_of(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    channels, height, width = find_net(checkpoint.kind).input_shape
    what = (
        "white ink on black, prepared as `PREPROCESSING.md` says"
        if checkpoint.takes_ink
        else "the picture's middle, scaled"
    )
    rows = [
        (
            "input",
            f"float32 (B, {channels}, {height}, {width}) in [0, 1], {what}; "
            "the net normalises it itself",
        ),
        (
            "output",
            f"{len(checkpoint.labels)} logits: {', '.join(map(plain, checkpoint.labels))}",
        ),
    ]
    return rows + trained(checkpoint) + measured(checkpoint)


def trained(checkpoint: Checkpoint | Member) -> list[tuple[str, str]]:
    """What it learned from and with which settings."""
    config, source = checkpoint.config, SOURCES.get(checkpoint.dataset)
    if not config:
        return []
    held_out = number(config.get("holdout")) or 0.0
    if source is None:
        told = f"the data set `{plain(checkpoint.dataset)}`"
    elif held_out:
        told = f"{source.title}, {held_out:.3g} of its training part held out at random"
    else:
        told = f"{source.train}; held out: {source.validation}"
    if config.get("also"):
        told += f"; beside them digits of its maker's own (`{plain(config['also'])}`)"
    chosen = (
        "the epoch of lowest validation loss" if config.get("keep") == "best" else "the last epoch"
    )
    return [("trained on", told), ("recipe", recipe_of(config)), ("kept", chosen)]


def recipe_of(config: dict[str, Any]) -> str:
    """The settings of a run in a line; what is off is left out."""

    def said(key: str) -> str:
        return plain(config.get(key, "?"))

    parts = [
        f"{said('optimizer')}, learning rate {said('learning_rate')} ({said('schedule')})",
        f"batch {said('batch_size')}",
        f"{said('epochs')} epochs",
    ]
    named = {
        "momentum": "momentum",
        "weight_decay": "weight decay",
        "gamma": "gamma",
        "average": "moving average of the weights",
        "label_smoothing": "label smoothing",
        "focus": "focus on doubtful images",
        "augment": "augmentation",
        "precision": "precision",
        "seed": "seed",
    }
    off = (None, 0.0, "none", "float32")
    chosen = config.get("optimizer"), config.get("schedule")
    parts += [
        f"{words} {said(key)}"
        for key, words in named.items()
        if config.get(key) not in off and not any(one in UNUSED.get(key, ()) for one in chosen)
    ]
    return ", ".join(parts)


def measured(checkpoint: Checkpoint | Member) -> list[tuple[str, str]]:
    """The figures that the checkpoint carries."""
    metrics, source = checkpoint.metrics, SOURCES.get(checkpoint.dataset)
    rows = []
    accuracy, loss = (
        number(metrics.get("validation_accuracy")),
        number(metrics.get("validation_loss")),
    )
    if accuracy is not None:
        chose = ", which chose the epoch" if checkpoint.config.get("keep") == "best" else ""
        rows.append(
            (
                "validation",
                f"{accuracy:.2%}" + (f" (loss {loss:.4f})" if loss is not None else "") + chose,
            )
        )
    temperature = number(metrics.get("temperature"))
    if temperature is not None:
        rows.append(("calibrated", f"on the validation images: logits over {temperature:.3f}"))
    test = number(metrics.get("test_accuracy"))
    if test is not None:
        whose = source.test if source and source.test else "the test set"
        rows.append(("test", f"**{test:.2%}** of {whose}, which chose nothing"))
    seconds, epochs = number(metrics.get("seconds")), number(metrics.get("epochs"))
    if seconds is not None and epochs is not None:
        rows.append(("took", f"{seconds / 60:.3g} minutes for {epochs:.0f} epochs"))
    return rows


def made_by(checkpoint: Checkpoint) -> list[str]:
    """The command, or for several nets each one's figures and command."""
    if not checkpoint.members:
        if not checkpoint.command:
            return []
        parts = [f"Made by\n\n{code(checkpoint.command)}"]
        if number(checkpoint.metrics.get("temperature")) is not None:
            parts.append(f"and then\n\n{code(CALIBRATED)}")
        return [*parts, ROUNDING]
    parts = []
    for place, member in enumerate(checkpoint.members, 1):
        rows = trained(member) + measured(member)
        parts.append(f"## Net {place}: `{plain(member.net)}`\n\n{table(rows)}")
        parts += [f"Made by\n\n{code(member.command)}"] if member.command else []
    return [*parts, ROUNDING]


def how_to_use(checkpoint: Checkpoint, file: str, repo: str) -> str:
    source = repo or file
    if checkpoint.labels == DIGITS:
        return (
            "## Use\n\n```python\nfrom mnist_demo import load_net, read_digit\n\n"
            f'answer = read_digit(load_net("{source}"), "photo.jpg")\n'
            "print(answer.digit, answer.confidence)\n```"
        )
    if checkpoint.is_sceptic:
        return (
            "## Use\n\nThe app, `predict` and `read_digit` ask it about every drawing, beside the "
            "net that reads. Doubted is what it gives more than "
            f"{STRANGE:.0%} to be something else."
        )
    return f"## Use\n\n{code(f'python -m mnist_demo predict photo.jpg --checkpoint {file}')}"


def limits_of(checkpoint: Checkpoint) -> str:
    if checkpoint.labels == DIGITS:
        return f"## Limits\n\n{NOT_FOR}"
    if checkpoint.is_sceptic:
        return f"## Limits\n\n{OF_SCEPTIC}"
    return (
        f"## Limits\n\nIt knows {len(checkpoint.labels)} kinds of pictures and will name one of "
        "them whatever it is shown. Figures hold for pictures like those it was trained on."
    )


def licence_of(checkpoint: Checkpoint) -> str:
    names = sorted({plain(name) for name, _ in checkpoint.learned_from})
    return f"## Licence\n\nThe net: MIT. {credits_of(names)}"


def table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])


def code(command: str) -> str:
    """On one line, so that nothing in it ends the block."""
    line = " ".join(command.split()).replace("`", "'")
    return f"```\n{''.join(filter(str.isprintable, line))}\n```"


def number(value: object) -> float | None:
    """A figure from a file's header, which may hold anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None


def plain(value: object) -> str:
    """A word from a file's header on one line, without what Markdown or a terminal would act on."""
    line = " ".join(str(value).split())
    return "".join(c for c in line if c not in "|<>[]`" and c.isprintable())
