"""The endpoints for programs: classify, evaluate and train, by HTTP, gradio_client and MCP.

Types and docstrings are what their users read; Gradio joins the lines below `Returns:` with
commas, so each ends where one belongs. All three answer with JSON; what cannot be done comes
back as {"error": ...}, which says what to change.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from string import Template

import gradio as gr

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError, for_visitors
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES
from mnist_demo.page.api_training import KEPT, ApiRuns, run_of
from mnist_demo.page.api_types import Reading, Report, TrainingEvent, with_types
from mnist_demo.page.context import RELEASED, Context
from mnist_demo.page.guard import address_of
from mnist_demo.page.visitors import Visitor
from mnist_demo.preprocess import preprocess_ink

DEFAULTS = TrainConfig(dataset="sample")


def add_api(context: Context) -> None:
    """Makes the endpoints; the page itself uses none of them."""
    runs = ApiRuns(context)

    async def classify(image: str, net: str = RELEASED) -> Reading:
        """Reads a picture of a handwritten digit, or of several side by side.

        Args:
            image: a PNG, JPEG, WebP, GIF, BMP or TIFF file, in base64 or as a data URL
            net: "released", "perceptron", "linear", or the name that `train` gave to a net of yours

        Returns:
            {"text" (the digit or digits)
            "is_a_digit" (False for what looks like none and for several)
            "digit"
            "confidence" (0 to 1)
            "probabilities" of the ten digits} or {"error"}
        """
        try:
            checkpoint = await context.ready(*_owner(context, net))
            context.check_reads_digits(checkpoint)
            steps = await context.pictures.read(image, preprocess_ink)
            answer = await context.batcher.classify(checkpoint.answering, steps)
        except UserError as error:
            return {"error": for_visitors(error)}
        return {
            "text": answer.text,
            "is_a_digit": not (answer.is_strange or answer.parts),
            "digit": answer.digit,
            "confidence": round(min(a.confidence for a in answer.parts or (answer,)), 6),
            "probabilities": [round(float(p), 6) for p in answer.probabilities],
        }

    def evaluate(net: str = RELEASED) -> Report:
        """Tests a net on images that it was not trained on.

        Args:
            net: "released", "perceptron", "linear", or the name that `train` gave to a net of yours

        Returns:
            {"net", "images", "count", "accuracy" (0 to 1), "loss"
            "per_class" accuracy
            "confusion" (a row for each true class)} or {"error"}
        """
        try:
            owner, choice = _owner(context, net)
            checkpoint = context.checkpoint(owner, choice)
            result = context.evaluation(owner, choice)
            _, title = context.digits_for(checkpoint)
        except UserError as error:
            return {"error": for_visitors(error)}
        parts = [None if part is None else round(part, 6) for part in result.per_class]
        return {
            "net": _name(checkpoint),
            "images": title,
            "count": len(result.truth),
            "accuracy": round(result.accuracy, 6),
            "loss": round(result.loss, 6),
            "per_class": dict(zip(checkpoint.labels, parts, strict=True)),
            "confusion": result.confusion.tolist(),
        }

    def train(
        request: gr.Request,
        net: str = DEFAULTS.net,
        dataset: str = DEFAULTS.dataset,
        epochs: int = 3,
        batch_size: int = DEFAULTS.batch_size,
        learning_rate: float = DEFAULTS.learning_rate,
        optimizer: str = DEFAULTS.optimizer,
        schedule: str = DEFAULTS.schedule,
        augment: str = DEFAULTS.augment,
        seed: int = DEFAULTS.seed,
    ) -> Iterator[TrainingEvent]:
        """Trains a net and tells how it goes; it takes its place in the line like any visitor.

        Args:
            net: a name, such as compact or linear, or "custom:blocks=2,width=32"
            dataset: "sample" (4,000 digits), or "mnist" where the server has it
            epochs: passes over the data, 1 to 60
            batch_size: images a step learns from, 8 to 256
            learning_rate: the size of a step, 0.00001 to 1
            optimizer: one of: $optimizers
            schedule: of the learning rate, one of: $schedules
            augment: random changes to images: none, shift, affine, handwriting or others
            seed: the same seed repeats the same run

        Returns:
            events as they come: {"event": "waiting", "ahead"}
            {"event": "training", "step", "steps", "loss"}
            {"event": "epoch", "epoch", "validation_accuracy", ...}
            at the end {"event": "done", "net", "accuracy", ...} or {"event": "error", "error"}
            where "net" is a name for classify and evaluate
            good for an hour after each use (of all nets the newest $kept are kept)
            which the caller alone knows
        """
        settings = {
            "net": net,
            "dataset": dataset,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
            "schedule": schedule,
            "augment": augment,
            "seed": seed,
        }
        try:
            # A name that nobody can guess is all that the net's owner has to know.
            handle = f"net-{secrets.token_urlsafe(16)}"
            yield from runs.train(handle, settings, address_of(request))
        except UserError as error:
            yield {"event": "error", "error": for_visitors(error)}

    train.__doc__ = Template(train.__doc__ or "").substitute(
        optimizers=", ".join(OPTIMIZERS), schedules=", ".join(SCHEDULES), kept=KEPT
    )
    gr.api(with_types(classify), api_name="classify", concurrency_limit=4)
    gr.api(with_types(evaluate), api_name="evaluate", concurrency_limit=2)
    # Who finds no place is told so at once, and waits in no other line than the one.
    gr.api(with_types(train), api_name="train", concurrency_limit=2 * runs.places)


def _owner(context: Context, net: object) -> tuple[Visitor, str]:
    """Whose net it is and what they call it. Raises UserError for a name that is none."""
    if context.is_shared(net):
        return Visitor(""), net
    owner = context.visitors.peek(net)
    if owner is None or not str(net).startswith("net-"):
        raise UserError(
            f'no net is called {str(net)[:40]!r}; take "{RELEASED}", or the name that `train` '
            f"gave at its end (the newest {KEPT} are kept, for an hour after each use)"
        )
    return owner, run_of(owner).id


def _name(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.title}, trained on {checkpoint.dataset}"
