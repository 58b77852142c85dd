"""`train`: a net from a data set to a checkpoint."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_demo.cli.common import add_data_dir, add_device, add_image_root, refuse_place
from mnist_demo.cli.following import (
    add_following,
    check_following,
    fill_following,
    idle_setting,
    line_of_step,
    mirrored_digits,
    try_out,
)
from mnist_demo.cli.saving import save
from mnist_demo.cli.settings import add_settings, config_of
from mnist_demo.errors import UserError
from mnist_demo.recipes import find_recipe

if TYPE_CHECKING:
    from torch import nn

    from mnist_demo.config import TrainConfig
    from mnist_demo.datasets import Dataset
    from mnist_demo.distributed import Ranks
    from mnist_demo.resume import Running, Stored
    from mnist_demo.train import Epoch

HELP = "train a net and write it to a file"
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    add_device(parser)
    add_following(parser)
    add_image_root(parser)
    add_data_dir(parser)
    parser.add_argument("--out", type=Path, metavar="FILE.safetensors", help="the net's file")
    parser.add_argument(
        "--log-to",
        type=Path,
        metavar="FOLDER",
        help="also write losses, settings and mistakes there, for `tensorboard --logdir FOLDER`",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the interrupted run beside --out, after its last whole epoch; its "
        "settings need not be given again",
    )


def resume_file(out: Path) -> Path:
    """Where a run is kept while it is on."""
    return out.with_name(f"{out.name}.resume")


def stopped_file(out: Path) -> Path:
    """Where the net of a run that is broken off goes, where `out` is another run's."""
    return out.with_name(f"{out.stem}-stopped{out.suffix}")


def run(args: argparse.Namespace) -> int:
    if not _is_one_of_several():
        return _run(args)
    from mnist_demo.distributed import together

    with together(args.device) as ranks:
        return _run(args, ranks)


def _is_one_of_several() -> bool:
    """Whether torchrun started us; scripts of clusters set a WORLD_SIZE without it."""
    local, size = (os.environ.get(name, "") for name in ("LOCAL_RANK", "WORLD_SIZE"))
    return local.isdecimal() and size.isdecimal() and int(size) > 1


def _run(args: argparse.Namespace, ranks: Ranks | None = None) -> int:
    from mnist_demo.device import describe_device, pick_device
    from mnist_demo.memory import keep_freed
    from mnist_demo.nets import build_net, count_parameters
    from mnist_demo.resume import begin, check_same

    keep_freed()
    config, stored = _asked(args)
    device = ranks.device if ranks else pick_device(args.device)
    config, data = _with_data(args, config)
    place = resume_file(args.out) if args.out else None
    if place and stored:
        check_same(stored, config, data, place)
    data = data.to(device)
    net = build_net(config.net, config.seed).to(device)
    print(
        f"{config.net}, {count_parameters(net):,} parameters, on {len(data.train):,} {data.noun} "
        f"of {data.title}; {describe_device(device)}",
        flush=True,
    )
    if place is None or args.dry_run:
        running = begin(net, config)
        running.chunk = args.test_batch_size
        print(try_out(running, data))
        return 0
    running = _begun(net, config, stored, place)
    running.chunk = args.test_batch_size
    if ranks:
        from mnist_demo.distributed import shared

        running.learner = shared(running.learner, ranks)
        if not ranks.is_first:  # which tells, keeps and writes what all of them learn
            for _ in running.events(data):
                if ranks.stopping.is_set():
                    break
            return 0
    return _to_the_end(args, running, data, place, stored, ranks)


def _asked(args: argparse.Namespace) -> tuple[TrainConfig, Stored | None]:
    """The settings, and the run to go on with. Wrong ones are told before anything is loaded."""
    fill_following(args)
    check_following(args)
    config = config_of(args)
    if args.out:
        refuse_place(args.out)
    if args.log_to is not None and not args.dry_run:
        from mnist_demo.logbook import check_logs

        check_logs(args.log_to)
    from mnist_demo.resume import read_stored

    stored = read_stored(resume_file(args.out)) if args.out and args.resume else None
    if stored:
        config = config_of(args, stored.config)
    if idle := idle_setting(args, config):
        _note(idle)
    if args.recipe and (recipe := find_recipe(args.recipe)).members > 1:
        unlike = f", --augment {' and '.join(recipe.augments)} in turn," if recipe.augments else ""
        _note(
            f"this trains one of {recipe.members} nets that answer together; train "
            f"{recipe.members} with seeds of their own{unlike} and join them by "
            f"`ensemble --how {recipe.how}`, or run `reproduce {recipe.name}`"
        )
    return config, stored


def _with_data(args: argparse.Namespace, config: TrainConfig) -> tuple[TrainConfig, Dataset]:
    """The data that settings name, and the settings as they are for it."""
    from mnist_demo.match import check_match
    from mnist_demo.material import material
    from mnist_demo.nets.custom import fitted

    asked = config.holdout
    config, data = material(config, args.data_dir, args.image_root)
    if config.holdout != asked:  # the checkpoint shall say how it was
        _note(
            f"a holdout of {asked:g} leaves too few {data.noun} to judge by, for "
            f"{data.title} has no test set; the usual {len(data.validation):,} are held out"
        )
    config = dataclasses.replace(config, net=fitted(config.net, data.shape, len(data.labels)))
    check_match(config.net, data)
    if odd := mirrored_digits(config.augment, data):
        _note(odd)
    return config, data


def _begun(net: nn.Module, config: TrainConfig, stored: Stored | None, place: Path) -> Running:
    """A run from its start, or from where it was broken off."""
    from mnist_demo.resume import begin, take_up

    if stored:
        running = take_up(stored, net, place)
        print(f"goes on after epoch {len(running.epochs)} of {config.epochs}", flush=True)
        return running
    if place.exists():
        _note(f"the interrupted run {place} is dropped; --resume would have gone on with it")
    return begin(net, config)


def _to_the_end(
    args: argparse.Namespace,
    running: Running,
    data: Dataset,
    place: Path,
    stored: Stored | None,
    ranks: Ranks | None,
) -> int:
    """Trains, and writes the net that came of it, also of a run that was broken off.

    That one replaces no net of an earlier run: it goes beside it.
    """
    from mnist_demo.faults import OutOfMemory

    noted = stored.notes if stored else {}
    started = time.perf_counter() - noted.get("seconds", 0.0)
    is_others = noted.get("out_is_others", args.out.exists())
    if is_others:
        _note(f"{args.out} is there and will be written over, unless this run is stopped")

    def notes() -> dict[str, Any]:
        return {"seconds": time.perf_counter() - started, "out_is_others": is_others}

    stop = nullcontext(ranks.stopping) if ranks else ctrl_c()
    trouble = _train(running, data, place, notes, stop, args.log_interval, args.log_to)
    seconds = time.perf_counter() - started
    done, asked = len(running.epochs), running.config.epochs
    stopped = trouble is None and done < asked
    if not done:
        if trouble:
            raise trouble
        print("stopped before the first epoch was over; nothing was written")
        return INTERRUPTED
    try:
        out = stopped_file(args.out) if is_others and done < asked else args.out
        save(running, data, args, out, seconds)
    except UserError as error:
        if place.exists():
            raise UserError(f"{error}; or mend it and run again with --resume") from error
        raise
    if stopped and place.exists():
        print(f"the same command with --resume goes on after epoch {done}")
    elif not isinstance(trouble, OutOfMemory):  # which another time may not strike
        place.unlink(missing_ok=True)
    if trouble:
        raise trouble
    return INTERRUPTED if stopped else 0


def _train(
    running: Running,
    data: Dataset,
    place: Path,
    notes: Callable[[], dict[str, Any]],
    stop: AbstractContextManager[threading.Event],
    log_interval: int,
    log_to: Path | None,
) -> UserError | None:
    """Trains to the end or a Ctrl-C, all kept at `place` each epoch; what else ended the run."""
    from tqdm import tqdm

    from mnist_demo.faults import OutOfMemory
    from mnist_demo.resume import keep_on_disk
    from mnist_demo.train import Diverged, Epoch, Step

    config = running.config
    batches = config.batches(len(data.train))
    before = batches * len(running.epochs)
    bar = tqdm(
        total=batches * config.epochs, initial=before, unit="batch", leave=False, disable=None
    )
    events = keep_on_disk(running.events(data), place, running, data, notes, _note)
    if log_to is not None:
        from mnist_demo.logbook import logged

        net, chunk = running.learner.net, running.chunk
        events = logged(events, net, data, config, log_to, before, _note, chunk)
    with bar, stop as pressed:
        try:
            for event in events:
                if isinstance(event, Step):
                    bar.update()
                    if line := line_of_step(event, config.epochs, log_interval):
                        tqdm.write(line)
                elif isinstance(event, Epoch):
                    tqdm.write(line_of(event))
                    sys.stdout.flush()
                if pressed.is_set():
                    break
        except (Diverged, OutOfMemory) as error:
            return error
        finally:
            events.close()
    return None


def _note(text: str) -> None:
    if _is_one_of_several() and os.environ.get("RANK") != "0":
        return  # the first tells it
    print(f"note: {text}", file=sys.stderr, flush=True)


@contextmanager
def ctrl_c() -> Iterator[threading.Event]:
    """The first Ctrl-C sets the event, so that a batch is finished; a second one interrupts."""
    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def line_of(epoch: Epoch) -> str:
    return (
        f"epoch {epoch.epoch:>3} of {epoch.epochs}  "
        f"train loss {epoch.train_loss:.4f} accuracy {epoch.train_accuracy:.2%}  "
        f"validation loss {epoch.validation_loss:.4f} accuracy {epoch.validation_accuracy:.2%}  "
        f"{epoch.images_per_second:,.0f} images/s"
    )
