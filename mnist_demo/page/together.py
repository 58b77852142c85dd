"""Several of a visitor's runs that answer together: an entry in the list like any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mnist_demo.checkpoint import combine, to_bytes
from mnist_demo.ensemble import MAX_MEMBERS
from mnist_demo.errors import UserError
from mnist_demo.page.context import Context
from mnist_demo.page.messages import pack_evaluation
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Drawer
from mnist_demo.page.visitors import Visitor
from mnist_demo.train import Dials

HOWS = {"mean": "the mean of their probabilities", "vote": "a majority vote"}


def chosen_runs(visitor: Visitor, wanted: Any) -> list[Run]:
    """The runs that a message from the page names, in their order. Raises UserError."""
    names = wanted if isinstance(wanted, list) else []
    names = list(dict.fromkeys(name for name in names if isinstance(name, str)))
    if not 2 <= len(names) <= MAX_MEMBERS:
        raise UserError(f"tick 2 to {MAX_MEMBERS} runs to use them together")
    runs = [visitor.run_named(name) for name in names]
    for run in runs:
        if run.members:
            raise UserError(f"run {run.number} is several nets already; tick single runs")
        if not run.is_usable:
            raise UserError(f"run {run.number} has no net yet; wait until its first epoch is over")
    return sorted(runs, key=lambda run: run.number)


def begin_together(visitor: Visitor, wanted: Any, how: Any) -> Run:
    """A new entry whose net is an ensemble of the runs' nets. Raises UserError."""
    runs = chosen_runs(visitor, wanted)
    checkpoint = combine([run.checkpoint for run in runs if run.checkpoint], str(how))
    with visitor.changing:
        visitor.started += 1
        number = visitor.started
        titles = list(dict.fromkeys(run.data_title for run in runs))
        run = Run(
            f"run-{number}",
            number,
            runs[0].config,
            " and ".join(titles),
            runs[0].device,
            Dials(runs[0].config.learning_rate),
            status="testing",
            message=f"{HOWS[str(how)]}",
            members=tuple(run.number for run in runs),
        )
        run.checkpoint = checkpoint
        visitor.add(run)
    return run


def keep(run: Run, drawer: Drawer) -> None:
    """Puts runs that answer together on disk as one net."""
    if run.checkpoint is None:
        return
    run.keeper = drawer.new_slot()
    run.fresh["net"] = to_bytes(run.checkpoint)
    run.keeper.keep(run)
    run.keeper.release()  # already: another page may have it while it is tested in this one


def judge(
    context: Context, visitor: Visitor, run: Run, drawer: Drawer | None = None
) -> Iterator[None]:
    """Tests the ensemble on images that no member has seen; without any, it is not tested.

    Yields between the chunks that it takes; a run that is stopped skips the test. Kept before
    it and, with what it says, after it.
    """
    if drawer is not None:
        keep(run, drawer)
    yield
    try:
        for _ in context.evaluating(visitor, run.id):
            yield
            if run.stop.is_set():
                break
        else:
            evaluation = context.evaluation(visitor, run.id)
            assert run.checkpoint is not None
            split, title = context.digits_for(run.checkpoint)
            is_test = split is context.data(run.checkpoint.dataset).test
            run.judged_by = f"{'test' if is_test else 'held-out'} accuracy ({title})"
            run.accuracy = run.checkpoint.metrics["accuracy"] = evaluation.accuracy
    except UserError as error:
        run.message += f"; not tested: {error}"
    finally:
        run.status = "done"
    if run.keeper is not None and run.keeper.is_there:  # else it was thrown away meanwhile
        if run.evaluation is not None:
            run.fresh["answers"] = pack_evaluation(run.evaluation)
        run.keeper.keep(run)
    yield
