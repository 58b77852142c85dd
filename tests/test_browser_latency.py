"""`benchmark latency` finds its way through the page as it is."""

from __future__ import annotations

import json

import pytest
from conftest import Run
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def test_a_pen_is_timed_at_rest_and_while_a_training_runs(cli: Run, chromium: Browser) -> None:
    result = cli("benchmark", "latency", "--strokes", "2", "--json", timeout=300)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["training_still_on"]
    for phase in report["phases"].values():
        assert phase["answered"] > 0
        assert 0 < phase["p50_ms"] <= phase["p95_ms"]
