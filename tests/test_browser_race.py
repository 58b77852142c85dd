"""The race on the Train tab in a real browser, on the embedded sample."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]  # a process that starts and trains
PATIENCE = 150_000  # milliseconds


def race_of(page: Page, address: str) -> Locator:
    page.goto(address)
    page.get_by_role("tab", name="Train").click()
    race = page.locator("#race .race")
    race.locator("summary").click()
    expect(race.locator(".machine")).to_contain_text("Python", ignore_case=True)
    return race


def test_a_race_is_run_watched_and_stopped(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    race = race_of(page, address)
    expect(race.locator(".digits")).to_contain_text("4,000 digits")
    expect(race.locator(".warning")).to_contain_text("too few digits for 99 %")
    race.get_by_role("button", name="To the download of full MNIST").click()
    expect(page.get_by_role("button", name="Download full MNIST")).to_be_focused()
    expect(page.get_by_role("button", name="Download full MNIST")).to_be_in_viewport()
    lanes = race.locator(".lane")
    expect(lanes).to_have_count(3)
    start, stop = (race.get_by_role("button", name=name) for name in ("Start the race", "Stop"))
    expect(stop).to_be_disabled()
    for number in (1, 2):
        lanes.nth(number).get_by_role("checkbox").uncheck()
    expect(start).to_be_disabled()  # nobody races alone
    lanes.nth(2).get_by_role("checkbox").check()
    start.click()
    expect(race).to_have_attribute("data-status", re.compile("preparing|racing"), timeout=PATIENCE)
    expect(lanes.nth(1)).to_have_attribute("data-state", "out")
    expect(lanes.nth(0)).to_have_attribute("data-state", "over", timeout=PATIENCE)
    expect(lanes.nth(2)).to_have_attribute("data-state", "running", timeout=PATIENCE)
    expect(lanes.nth(0).locator(".time")).to_have_text(re.compile(r"^\d+\.\d s$"))
    expect(lanes.nth(0).locator(".accuracy")).to_have_text(re.compile(r"^\d+\.\d\d %$"))
    before = lanes.nth(2).locator(".track").get_attribute("aria-valuenow")
    deadline = time.monotonic() + PATIENCE / 1000
    while lanes.nth(2).locator(".track").get_attribute("aria-valuenow") == before:
        assert time.monotonic() < deadline, "the runner stands still"
        page.wait_for_timeout(200)
    stop.click()
    expect(race).to_have_attribute("data-status", "stopped", timeout=PATIENCE)
    expect(lanes.nth(2).locator(".note")).to_contain_text("when the race ended")
    expect(race.locator(".outcome li")).to_contain_text("times as long as ours")
    expect(start).to_be_enabled()
    assert not complaints
    page.close()


def test_a_closed_page_frees_its_place(chromium: Browser, address: str) -> None:
    first = chromium.new_page()
    race = race_of(first, address)
    race.get_by_role("button", name="Start the race").click()
    expect(race).to_have_attribute("data-status", re.compile("preparing|racing"), timeout=PATIENCE)
    second = chromium.new_page()
    waiting = race_of(second, address)
    waiting.get_by_role("button", name="Start the race").click()
    expect(waiting.locator(".text")).to_contain_text("1 person ahead of you")
    first.close()
    expect(waiting).to_have_attribute(
        "data-status", re.compile("preparing|racing"), timeout=PATIENCE
    )
    waiting.get_by_role("button", name="Stop").click()
    expect(waiting).to_have_attribute("data-status", "stopped", timeout=PATIENCE)
    second.close()
