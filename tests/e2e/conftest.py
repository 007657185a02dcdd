"""A real browser on the real dashboard. Without a browser these tests skip visibly; in CI they must run."""

from __future__ import annotations

from pathlib import Path

import browser as driving
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent.name == "e2e":
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def browser():
    with driving.chromium() as opened:
        yield opened


@pytest.fixture
def page(browser):
    with browser.new_context(viewport={"width": 1440, "height": 1000}) as context:
        opened = context.new_page()
        opened.set_default_timeout(180_000)  # a busy machine is no defect
        yield opened
