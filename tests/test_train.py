"""The training loop itself: that it learns, repeats, stops and keeps the best."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from mnist_demo.augment import AUGMENTS
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, Split
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate
from mnist_demo.nets import build_net
from mnist_demo.recipes import find_recipe
from mnist_demo.train import Dials, Diverged, Epoch, Event, Step, Validating, keep, train

SMALL = TrainConfig(net="perceptron", dataset="sample", epochs=2, augment="none", batch_size=50)


@pytest.fixture
def few(sample: Dataset) -> tuple[Split, Split]:
    """600 digits to learn from and 200 to validate on: a second's work."""
    return sample.train.take(torch.arange(0, 4000, 7)[:570]), sample.validation.take(
        torch.arange(0, 1000, 5)
    )


def losses(events: Iterator[Event]) -> list[float]:
    return [float(event.loss) for event in events if isinstance(event, Step)]


def epochs(events: Iterator[Event]) -> list[Epoch]:
    return [event for event in events if isinstance(event, Epoch)]


def weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("name", "average"), [("compact", 0.9), ("perceptron", 0.0)])
def test_a_small_net_learns_the_sample(sample: Dataset, name: str, average: float) -> None:
    epochs_wanted = 2 if name == "compact" else 5
    config = dataclasses.replace(
        SMALL, net=name, epochs=epochs_wanted, batch_size=64, average=average
    )
    net = build_net(config.net, config.seed)
    last = epochs(train(net, sample.train, sample.validation, config))[-1]
    assert last.validation_accuracy > 0.9
    assert evaluate(net, sample.validation).accuracy == last.validation_accuracy


def test_the_first_loss_is_that_of_a_guess(few: tuple[Split, Split]) -> None:
    first = next(train(build_net("compact"), *few, SMALL))
    assert isinstance(first, Step)
    assert float(first.loss) == pytest.approx(math.log(10), abs=0.5)


@pytest.mark.parametrize(
    "config",
    [
        dataclasses.replace(SMALL, augment="handwriting"),
        dataclasses.replace(SMALL, net="deep", epochs=1, batch_size=32),  # has dropout
        dataclasses.replace(SMALL, average=0.9, schedule="step"),
    ],
    ids=lambda config: f"{config.net}, {config.augment}, {config.schedule}",
)
def test_the_seed_decides_the_curve(few: tuple[Split, Split], config: TrainConfig) -> None:
    if config.net == "deep":
        few = few[0].take(torch.arange(96)), few[1].take(torch.arange(20))

    def curve(seed: int, global_seed: int) -> list[float]:
        torch.manual_seed(global_seed)  # what else uses torch in this process must not matter
        before = torch.get_rng_state()
        here = dataclasses.replace(config, seed=seed)
        curve = losses(train(build_net(here.net, 1), *few, here))
        assert torch.equal(torch.get_rng_state(), before)
        return curve

    assert curve(1, 10) == curve(1, 20)
    assert curve(1, 10) != curve(2, 10)


@pytest.mark.parametrize(
    "name",
    [
        *("digitnet", "threeconv", "lenet500", "nielsen-dense", "nielsen-conv"),
        *("nielsen-two-conv", "nielsen-dropout", "wide9216", "fast"),
    ],
)
def test_a_short_epoch_of_a_recipe_lowers_its_loss(few: tuple[Split, Split], name: str) -> None:
    config = dataclasses.replace(find_recipe(name).config, epochs=1, batch_size=32)
    net = build_net(config.net, config.seed)
    started = evaluate(net, few[1]).loss
    (last,) = epochs(train(net, *few, config))
    assert last.validation_loss < started


def test_events_count_batches_images_and_epochs(few: tuple[Split, Split]) -> None:
    events = list(train(build_net("linear"), *few, SMALL))
    steps = [event for event in events if isinstance(event, Step)]
    batches = 570 // 50
    assert [step.step for step in steps] == list(range(1, 2 * batches + 1))
    assert {step.steps for step in steps} == {2 * batches}
    assert [step.epoch for step in steps] == [1] * batches + [2] * batches
    assert steps[-1].images == 2 * batches * 50
    assert any(isinstance(event, Validating) for event in events)
    done = epochs(iter(events))
    assert [(epoch.epoch, epoch.epochs) for epoch in done] == [(1, 2), (2, 2)]
    assert done[0].train_loss == pytest.approx(
        sum(float(step.loss) for step in steps[:batches]) / batches, rel=1e-4
    )
    assert events[-1] is done[-1]


def test_every_epoch_shuffles_anew_and_shows_each_digit_once(
    few: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []

    def spy(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        seen.append(images.flatten(1).clone())
        return images

    monkeypatch.setitem(AUGMENTS, "none", spy)
    config = dataclasses.replace(SMALL, batch_size=57)
    list(train(build_net("linear"), *few, config))
    first, second = torch.cat(seen[:10]), torch.cat(seen[10:])
    assert not torch.equal(first, second)

    def in_order(images: torch.Tensor) -> list[bytes]:
        return sorted(image.numpy().tobytes() for image in images)

    stored = few[0].images.float().flatten(1) / 255
    assert in_order(first) == in_order(second) == in_order(stored)


def test_closed_in_mid_epoch_it_leaves_a_net_that_works(few: tuple[Split, Split]) -> None:
    net = build_net("compact")
    events = train(net, *few, SMALL)
    for _ in range(4):
        next(events)
    events.close()
    assert torch.is_grad_enabled()
    result = evaluate(net, few[1])
    assert math.isfinite(result.loss)
    # And it can be trained on.
    assert len(epochs(train(net, *few, SMALL))) == 2


def test_fewer_digits_than_a_batch_are_one_batch(few: tuple[Split, Split]) -> None:
    little = few[0].take(torch.arange(20))
    steps = [e for e in train(build_net("linear"), little, few[1], SMALL) if isinstance(e, Step)]
    assert [step.images for step in steps] == [20 * (n + 1) for n in range(SMALL.epochs)]


def test_one_image_is_too_few_for_batch_norm_and_that_is_said(few: tuple[Split, Split]) -> None:
    one = few[0].take(torch.arange(1))
    for name in ("deep", "compact"):
        with pytest.raises(UserError, match="one image to learn from.*add images"):
            next(train(build_net(name), one, few[1], dataclasses.replace(SMALL, net=name)))
    assert len(losses(train(build_net("linear"), one, few[1], SMALL))) == SMALL.epochs


def test_the_learning_rate_can_be_turned_in_mid_run(few: tuple[Split, Split]) -> None:
    config = dataclasses.replace(SMALL, schedule="constant", optimizer="sgd", momentum=0.0)
    dials = Dials(0.1)
    net = build_net("linear")
    events = train(net, *few, config, dials)
    first = next(events)
    dials.learning_rate = 0.0
    before = weights(net)
    second = next(events)
    assert isinstance(first, Step)
    assert isinstance(second, Step)
    assert (first.learning_rate, second.learning_rate) == (0.1, 0.0)
    assert same(before, weights(net))
    dials.learning_rate = 0.05
    next(events)
    assert not same(before, weights(net))


def getting_worse(net: nn.Module, few: tuple[Split, Split]) -> Iterator[Event]:
    """A run whose second epoch ruins what the first has learned."""
    config = dataclasses.replace(SMALL, epochs=3, schedule="constant", optimizer="sgd")
    dials = Dials(0.05)
    for event in train(net, *few, config, dials):
        if isinstance(event, Epoch):
            dials.learning_rate = 1.0
        yield event


@pytest.mark.parametrize("stop_after", [2, 3])
def test_a_copy_of_the_best_epoch_is_kept(few: tuple[Split, Split], stop_after: int) -> None:
    net = build_net("perceptron")
    curve: list[Epoch] = []
    states: list[dict[str, torch.Tensor]] = []
    events = keep(getting_worse(net, few), net)
    for event in events:
        if isinstance(event, Epoch):
            curve.append(event)
            states.append(weights(net))
        if len(curve) == stop_after:
            break
    events.close()
    best = min(range(len(curve)), key=lambda i: curve[i].validation_loss)
    assert best < len(curve) - 1, "the run was meant to get worse"
    assert same(weights(net), states[best])
    assert evaluate(net, few[1]).loss == pytest.approx(curve[best].validation_loss, rel=1e-4)


def test_to_keep_the_best_of_no_epoch_leaves_the_net_as_it_is(few: tuple[Split, Split]) -> None:
    net = build_net("linear")
    events = keep(train(net, *few, SMALL), net)
    next(events)
    so_far = weights(net)
    events.close()
    assert same(weights(net), so_far)


def test_a_loss_that_is_no_number_ends_the_run_and_the_best_is_kept(
    few: tuple[Split, Split],
) -> None:
    net = build_net("perceptron")
    config = dataclasses.replace(SMALL, epochs=3, schedule="constant", optimizer="sgd")
    dials = Dials(0.05)
    best: dict[str, torch.Tensor] = {}

    def run() -> None:
        for event in keep(train(net, *few, config, dials), net):
            if isinstance(event, Epoch):
                best.update(weights(net))
                dials.learning_rate = 1e30

    with pytest.raises(Diverged, match="learning rate well below 1e\\+30"):
        run()
    assert best
    assert same(weights(net), best)


def test_an_average_of_weights_is_not_the_last_weights(few: tuple[Split, Split]) -> None:
    plain, mean = build_net("linear"), build_net("linear")
    list(train(plain, *few, SMALL))
    list(train(mean, *few, dataclasses.replace(SMALL, average=0.99)))
    assert not same(weights(plain), weights(mean))
    assert evaluate(mean, few[1]).accuracy > 0.6


def test_bfloat16_learns_too_and_the_weights_stay_float32(few: tuple[Split, Split]) -> None:
    net = build_net("perceptron")
    last = epochs(train(net, *few, dataclasses.replace(SMALL, precision="bfloat16")))[-1]
    assert last.validation_accuracy > 0.6
    assert {value.dtype for value in net.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("wrong", [{"augment": "x"}, {"optimizer": "x"}, {"schedule": "x"}])
def test_unknown_names_are_refused_before_anything_is_learned(
    few: tuple[Split, Split], wrong: dict[str, str]
) -> None:
    net = build_net("linear")
    before = weights(net)
    with pytest.raises(UserError, match="choose one of"):
        next(train(net, *few, dataclasses.replace(SMALL, **wrong)))  # type: ignore[arg-type]
    assert same(before, weights(net))
