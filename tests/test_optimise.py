"""Optimizers and schedules."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.muon import ADAM_PART, Muon, orthogonal
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES, make_optimizer, schedule_factor


@pytest.mark.parametrize("name", SCHEDULES)
@given(st.floats(0, 1), st.integers(1, 200), st.floats(0.1, 1))
def test_a_schedule_is_a_part_of_the_learning_rate(
    name: str, progress: float, epochs: int, gamma: float
) -> None:
    config = TrainConfig(schedule=name, epochs=epochs, gamma=gamma)
    assert 0 <= schedule_factor(progress, config) <= 1


def test_schedules_take_their_course() -> None:
    def course(name: str) -> list[float]:
        config = TrainConfig(schedule=name, epochs=4, gamma=0.5)
        return [schedule_factor(at, config) for at in (0, 0.2, 0.5, 0.999)]

    assert course("constant") == [1, 1, 1, 1]
    assert course("step") == [1, 1, 0.25, 0.125]
    assert course("cosine")[0] == 1
    assert course("cosine")[2] == pytest.approx(0.5)
    start, peak, middle, end = course("one-cycle")
    assert start < 0.1
    assert peak == pytest.approx(1)
    assert end < 0.01 < middle < 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_goes_down_the_gradient(name: str) -> None:
    goal = torch.tensor([1.0, -2.0, 0.5])
    weights = nn.Parameter(torch.zeros(3))
    rate = 0.02 / ADAM_PART if name == "muon" else 0.02  # what is no convolution takes a part
    optimizer = make_optimizer([weights], TrainConfig(optimizer=name, learning_rate=rate))
    for _ in range(300):
        optimizer.zero_grad()
        ((weights - goal) ** 2).sum().backward()
        optimizer.step()
    assert torch.allclose(weights.detach(), goal, atol=0.15)


@pytest.mark.parametrize("shape", [(4, 4), (8, 30), (30, 8)])
def test_an_orthogonal_step_favours_no_direction(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    singular = torch.linspace(0.3, 3, min(shape)).diag()
    left = torch.linalg.qr(torch.randn(shape[0], min(shape)))[0]
    right = torch.linalg.qr(torch.randn(shape[1], min(shape)))[0]
    near = torch.linalg.svdvals(orthogonal(left @ singular @ right.t(), rounds=5))
    assert near.max() < 1.4
    assert near.min() > 0.5
    exact = left @ right.t()
    assert (
        torch.cosine_similarity(
            orthogonal(left @ singular @ right.t(), rounds=5).flatten(), exact.flatten(), dim=0
        )
        > 0.95
    )


def test_muon_turns_a_convolution_towards_its_goal_and_leaves_what_has_no_gradient() -> None:
    torch.manual_seed(0)
    goal = torch.randn(4, 2, 3, 3)
    weight, idle = nn.Parameter(torch.zeros(4, 2, 3, 3)), nn.Parameter(torch.ones(2))
    optimizer = Muon([weight, idle], 0.1)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 200)
        optimizer.zero_grad()
        ((weight - goal) ** 2).sum().backward()
        optimizer.step()
    assert torch.allclose(weight.detach(), goal, atol=0.1)
    assert torch.equal(idle.detach(), torch.ones(2))


def test_muon_goes_on_from_its_state_as_if_never_put_down() -> None:
    def problem() -> tuple[list[nn.Parameter], Muon]:
        torch.manual_seed(0)
        parameters = [nn.Parameter(torch.randn(4, 2, 3, 3)), nn.Parameter(torch.randn(5))]
        return parameters, Muon(parameters, 0.1)

    def learn(parameters: list[nn.Parameter], optimizer: Muon, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            sum(((p - 1) ** 2).sum() for p in parameters).backward()  # type: ignore[union-attr]
            optimizer.step()

    whole, optimizer = problem()
    learn(whole, optimizer, 6)
    first, optimizer = problem()
    learn(first, optimizer, 3)
    second, resumed = problem()
    for parameter, value in zip(second, first, strict=True):
        parameter.data.copy_(value.data)
    resumed.load_state_dict(optimizer.state_dict())
    learn(second, resumed, 3)
    assert all(torch.equal(a, b) for a, b in zip(whole, second, strict=True))


def test_settings_reach_the_optimizer() -> None:
    def group(**settings: object) -> dict[str, object]:
        config = TrainConfig(**settings)  # type: ignore[arg-type]
        return dict(make_optimizer([nn.Parameter(torch.zeros(1))], config).param_groups[0])

    sgd = group(optimizer="sgd", momentum=0.5, weight_decay=0.1, learning_rate=0.2)
    assert (sgd["lr"], sgd["momentum"], sgd["weight_decay"]) == (0.2, 0.5, 0.1)
    assert group(optimizer="sgd", momentum=0.0)["nesterov"] is False
    assert group(optimizer="adamw", weight_decay=0.2)["weight_decay"] == 0.2
    assert group(optimizer="rmsprop", momentum=0.3)["momentum"] == 0.3


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(UserError, match="choose one of: adam, adamw, sgd, rmsprop, muon"):
        make_optimizer([nn.Parameter(torch.zeros(1))], TrainConfig(optimizer="adan"))
    with pytest.raises(UserError, match="choose one of: one-cycle"):
        schedule_factor(0.5, TrainConfig(schedule="warm"))


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"learning_rate": float("nan")},
        {"learning_rate": "fast"},
        {"batch_size": 10**6},
        {"seed": -1},
        {"keep": "worst"},
        {"precision": "int4"},
    ],
)
def test_settings_out_of_bounds_name_the_setting(settings: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(settings))):
        TrainConfig(**settings)  # type: ignore[arg-type]


def test_a_config_survives_its_dictionary() -> None:
    config = TrainConfig(epochs=7, optimizer="sgd")
    assert TrainConfig.from_dict(config.to_dict()) == config
    with pytest.raises(UserError, match="colour"):
        TrainConfig.from_dict({"colour": "red"})
