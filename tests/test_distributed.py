"""Two processes learn what one learns; the first alone prints and writes."""

from __future__ import annotations

import copy
import os
import signal
import threading
from pathlib import Path

import pytest
import torch
from conftest import run_two, start_two
from torch import nn

from mnist_demo.checkpoint import load_checkpoint
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.distributed import Ranks, WholeBatchNorm, shared
from mnist_demo.errors import UserError
from mnist_demo.learner import make_learner
from mnist_demo.nets import build_net

# Dropout, augmentation and a moving average: what depends on the whole batch. Batch norm has a
# test of its own, for the sums of PyTorch's own are only good to about 1e-5 on a CPU.
# Not Adam, whose first steps make a whole step of a gradient that is nothing but rounding.
RUN = [
    *("train", "--dataset", "sample", "--net", "custom:blocks=2,width=8,norm=none,dropout=0.3"),
    *("--epochs", "1", "--batch-size", "500", "--augment", "affine", "--average", "0.5"),
    *("--optimizer", "sgd", "--lr", "0.05", "--seed", "3", "--device", "cpu", "--keep", "last"),
    *("--schedule", "one-cycle", "--gamma", "0.5"),  # the last does nothing: a note
]


@pytest.mark.timeout(400)  # three processes import PyTorch, on two cores that may be busy
def test_two_processes_give_the_net_that_one_gives(tmp_path: Path) -> None:
    alone, shared_out = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    done = run_two("-m", "mnist_demo", *RUN, "--out", str(shared_out))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch   1 of 1") == 1  # from the first process alone
    assert done.stdout.count("wrote") == 1
    assert done.stderr.count("note: ") == 1
    assert main([*RUN, "--out", str(alone)]) == 0
    one, two = load_checkpoint(alone), load_checkpoint(shared_out)
    state = two.net.state_dict()
    for name, value in one.net.state_dict().items():
        assert torch.allclose(value.float(), state[name].float(), atol=2e-5, rtol=1e-4), name
    assert one.metrics["validation_loss"] == pytest.approx(two.metrics["validation_loss"], rel=1e-4)


@pytest.mark.parametrize(("size", "local"), [("4", None), ("four", "0"), ("4", ""), ("1", "0")])
def test_what_a_cluster_leaves_in_the_environment_makes_no_run_of_several(
    size: str,
    local: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORLD_SIZE", size)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local is not None:
        monkeypatch.setenv("LOCAL_RANK", local)
    assert main([*RUN, "--dry-run"]) == 0
    assert "note: " in capsys.readouterr().err


DIVERGED = """
import os, sys, time
from mnist_demo.distributed import together
from mnist_demo.train import Diverged

with together("cpu") as ranks:
    if ranks.is_first:
        time.sleep(2)
        open(sys.argv[1], "w").close()
    raise Diverged("the loss is no longer a number")
"""


@pytest.mark.timeout(400)  # three processes import PyTorch, on two cores that may be busy
def test_a_diverged_run_is_saved_before_any_process_ends(tmp_path: Path) -> None:
    """torchrun ends all of them as soon as it sees that one has failed."""
    script, saved = tmp_path / "diverged.py", tmp_path / "saved"
    script.write_text(DIVERGED)
    done = run_two(str(script), str(saved))
    assert done.returncode != 0
    assert "no longer a number" in done.stderr
    assert saved.is_file()


@pytest.mark.skipif(os.name == "nt", reason="there is no Ctrl-C for a group of processes")
@pytest.mark.timeout(400)  # three processes import PyTorch, on two cores that may be busy
def test_ctrl_c_ends_all_processes_after_the_same_batch(tmp_path: Path) -> None:
    """A terminal tells all of them, and torchrun tells its own again."""
    out = tmp_path / "two.safetensors"
    words = [*("train", "--dataset", "sample", "--net", "linear", "--epochs", "200")]
    process = start_two("-m", "mnist_demo", *words, "--device", "cpu", "--out", str(out))
    with process:
        assert process.stdout is not None
        assert any("epoch   2 of 200" in line for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        told, errors = process.communicate(timeout=120)
    assert "--resume goes on after epoch" in told
    assert "mnist_demo" not in errors.partition("Traceback")[2]  # torchrun has one of its own
    assert load_checkpoint(out).metrics["epochs"] >= 2


def test_batch_norm_sees_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads stand in for two processes: forward, backward and running statistics."""
    meet, shares = threading.Barrier(2, timeout=30), [torch.empty(0)] * 2
    here = threading.local()

    def all_reduce(value: torch.Tensor) -> None:
        shares[here.rank] = value.clone()
        meet.wait()
        value.copy_(shares[0] + shares[1])
        meet.wait()

    monkeypatch.setattr("torch.distributed.all_reduce", all_reduce)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    torch.manual_seed(0)
    plain = nn.BatchNorm2d(3).double()
    images = torch.randn(6, 3, 4, 4, dtype=torch.float64) * 3 + 1
    weights = torch.randn(6, 3, 4, 4, dtype=torch.float64)

    def learn(norm: nn.Module, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
        part = images[rows].clone().requires_grad_()
        output = norm(part)
        (output * weights[rows]).square().sum().backward()
        assert part.grad is not None
        return output.detach(), part.grad

    results: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    parts = [copy.deepcopy(plain) for _ in range(2)]

    def of_rank(rank: int) -> None:
        here.rank = rank
        parts[rank].__class__ = WholeBatchNorm  # type: ignore[assignment]
        results[rank] = learn(parts[rank], slice(3 * rank, 3 * rank + 3))

    threads = [threading.Thread(target=of_rank, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    output, gradient = learn(plain, slice(0, 6))
    assert torch.allclose(torch.cat([results[0][0], results[1][0]]), output)
    assert torch.allclose(torch.cat([results[0][1], results[1][1]]), gradient)
    for part in parts:
        assert torch.allclose(part.running_mean, plain.running_mean)  # type: ignore[arg-type]
        assert torch.allclose(part.running_var, plain.running_var)  # type: ignore[arg-type]
        assert torch.equal(part.eval()(images), nn.BatchNorm2d.forward(part, images))
    assert plain.weight.grad is not None
    both = parts[0].weight.grad + parts[1].weight.grad  # type: ignore[operator]
    assert torch.allclose(both, plain.weight.grad)


def test_the_parts_of_a_batch_are_alike_and_cover_it() -> None:
    batch = torch.arange(11)
    parts = [Ranks(rank, 3, torch.device("cpu")).part(batch) for rank in range(3)]
    assert torch.cat(parts).tolist() == list(range(9))
    assert {len(part) for part in parts} == {3}


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    learner = make_learner(build_net("linear"), TrainConfig(net="linear", batch_size=50))
    with pytest.raises(UserError, match="choose a multiple of 3"):
        shared(learner, Ranks(0, 3, torch.device("cpu")))
