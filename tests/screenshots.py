"""Takes the README's pictures of the main pages: a real product, real recordings. `python -m tests.screenshots`."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as BrowserPage

from tests import chromium
from tests.flows.operator import Operator, Page
from tests.stack import BASE, Stack

FOLDER = BASE / "docs" / "screenshots"
SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
CASTS = (
    ("Ada Lovelace", "Charles Babbage"),
    ("Grace Hopper", "Jean Bartik", "Betty Holberton"),
    ("Katherine Johnson", "Dorothy Vaughan", "Mary Jackson"),
    ("Barbara Liskov", "Frances Allen"),
    ("Radia Perlman", "Vint Cerf", "Elizabeth Feinler"),
    ("Margaret Hamilton", "Saydean Zeldman"),
    ("Edith Clarke", "Mary Cartwright"),
)
QUIET_CALLS = (("Alan Turing", "Joan Clarke"), ("Hedy Lamarr", "George Antheil"))
TAKE_SECONDS = 20.0
PAUSE_SECONDS = 6.0
ANNOUNCED_AFTER_SECONDS = 75
"""As long as the real service takes to announce a file: so long is one awaited while the pictures are taken."""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack, Operator(stack) as operator:
        address = stage(stack, operator)
        FOLDER.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
            for theme in THEMES:
                for width, height in SIZES:
                    shoot(browser, stack, address, theme=theme, size=(width, height))
            browser.close()
    return 0


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    delay = str(ANNOUNCED_AFTER_SECONDS)
    with Stack(folder, environ={"LOCAL_ACS_LIVE_CALLS": "0", "LOCAL_ACS_EVENT_DELAY_SECONDS": delay}) as stack:
        yield stack


def stage(stack: Stack, operator: Operator) -> str:
    """Makes recordings in several states; returns the address of a finished one with a pause."""
    for names in (*CASTS, *QUIET_CALLS):
        stack.local("POST", "/local/calls", {"participants": list(names)})
    rows = [record(operator, names) for names in CASTS]
    finished, failing, paused, awaited, _live, *others = rows
    time.sleep(TAKE_SECONDS / 2)
    press(operator, finished, "Pause", "Paused")
    time.sleep(PAUSE_SECONDS)
    press(operator, finished, "Resume", "Recording")
    time.sleep(TAKE_SECONDS / 2)
    press(operator, paused, "Pause", "Paused")
    for row in (finished, *others):
        press(operator, row, "Stop", "Ended")
    for row in (finished, *others):
        operator.await_page(row, lambda page: "Secured" in page.row("summary"), within=180, what="secured")
    stack.local("POST", "/local/faults", {"fault": "service-unavailable", "match": "/content/"})
    press(operator, failing, "Stop", "Ended")
    operator.await_page("/at-risk/", lambda page: "503" in page.text, within=180, what="a failed attempt")
    press(operator, awaited, "Stop", "Ended")
    return finished


def record(operator: Operator, names: tuple[str, ...]) -> str:
    """Records the call of `names` with one click; returns the address of the recording."""

    def place(marker: str) -> str:
        elements = operator.page.soup.select(marker)
        return next((str(each["id"]) for each in elements if all(name in each.get_text() for name in names)), "")

    page = operator.await_page("/", lambda _page: place("li.call"), what=f"the call of {names[0]}")
    operator.press("Record", page=page, within=place("li.call"))
    operator.await_page("/", lambda _page: place("tr[id^=r-]"), what=f"the recording of {names[0]}")
    return f"/recordings/{place('tr[id^=r-]').removeprefix('r-')}/"


def press(operator: Operator, address: str, button: str, becomes: str) -> None:
    operator.press(button, page=operator.open(address))

    def arrived(page: Page) -> bool:
        said = page.row("summary")
        return becomes in said and "unconfirmed" not in said

    operator.await_page(address, arrived, within=30, what=becomes)


def shoot(browser: Browser, stack: Stack, recording: str, *, theme: str, size: tuple[int, int]) -> None:
    """All pages in one theme and size."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{stack.url}/sign-in/")
    page.screenshot(path=FOLDER / f"sign-in-{theme}-{width}x{height}.png")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", stack.admin_password)
    page.click("main button")
    addresses = {
        "live": "/",
        "library": "/library/",
        "recording": recording,
        "at-risk": "/at-risk/",
        "system": "/system/",
    }
    for name, address in addresses.items():
        page.goto(f"{stack.url}{address}")
        if name == "recording":
            play_for_a_moment(page)
        page.wait_for_timeout(300)
        page.screenshot(path=FOLDER / f"{name}-{theme}-{width}x{height}.png")
        sys.stdout.write(f"{name}-{theme}-{width}x{height}.png\n")
    context.close()


def play_for_a_moment(page: BrowserPage) -> None:
    """Moves the player into the recording, so that a picture stands in it."""
    page.locator("[data-scrubber]").fill("400")
    page.wait_for_function("() => document.querySelector('[data-video]').readyState >= 2")
    page.evaluate("document.activeElement.blur()")


if __name__ == "__main__":
    sys.exit(main())
