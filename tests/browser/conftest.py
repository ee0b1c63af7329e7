"""A real Chromium and the whole product."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import chromium
from tests.stack import Stack

DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environ = {"LOCAL_ACS_LIVE_CALLS": "0", "LOCAL_ACS_EVENT_DELAY_SECONDS": "0.2"}
    with Stack(tmp_path_factory.mktemp("browser"), environ=environ) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.executable()
    assert path, "Chromium is missing: run `python -m tests.chromium`"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh profile; a test may ask for options by `@pytest.mark.parametrize(..., indirect=["context"])`."""
    options = {"viewport": DESKTOP, "base_url": stack.url} | getattr(request, "param", {})
    fresh = browser.new_context(**options)
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def signed_in(page: Page, stack: Stack) -> Page:
    """A page whose operator has signed in by hand."""
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(stack.admin_password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Live", exact=True).wait_for()
    return page


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
