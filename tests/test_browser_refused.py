"""What the Train tab cannot do now: it is not offered, or refused where the visitor looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from test_browser_recipes import choose, tab, wait_for_value
from test_browser_training import Tab, address

from mnist_demo.errors import UserError
from mnist_demo.page import racetrack, together

__all__ = ["address", "tab"]  # fixtures

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def test_others_are_used_together_once_those_before_are_tested(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, judge = threading.Event(), together.judge

    def judge_late(*args: Any) -> Iterator[None]:
        yield
        over.wait(60)
        yield from judge(*args)

    monkeypatch.setattr(together, "judge", judge_late)
    tab.set_epochs(1)
    for number in (1, 2):
        choose(tab, "Net", "linear" if number == 1 else "perceptron")
        wait_for_value(tab, "Net", "linear" if number == 1 else "perceptron")
        tab.button("Train").click()
        tab.board.get_by_text(f"Run {number}: ").wait_for()
        tab.wait_for_status("done")
    tab.board.get_by_label("Show run 1 in the charts").check()
    use = tab.button("Use together")
    use.click()
    tab.wait_for_status("testing")
    expect(use).to_be_disabled()
    over.set()
    tab.wait_for_status("done")
    expect(use).to_be_enabled()


def test_a_race_that_is_refused_is_told_of_beside_its_button(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(wanted: object) -> tuple[str, ...]:
        raise UserError("choose at least 2 runners for a race")

    monkeypatch.setattr(racetrack, "check_runners", refuse)
    race = tab.page.locator("#race")
    race.locator("summary").first.click()
    start = race.get_by_role("button", name="Start")
    expect(start).to_be_enabled()
    for _ in range(2):
        start.click()
        expect(race.locator(".alert")).to_have_text("Choose at least 2 runners for a race.")
        expect(start).to_be_enabled()
    expect(tab.page.locator(".toast-body")).to_have_count(0)
