"""Where there is little room, the names of people give way, and nothing lies over anything else."""

import pytest

from recordings.states import RecordingState
from tests.browser.pages import DESKTOP, PHONE, reader
from tests.dashboard import cast

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_row_at_risk_names_its_file_whole(browser, live_server, transactional_db, size):
    cast.processes()
    cast.failing(cast.recording(RecordingState.ENDED, names=cast.NAMES), left=0.5, error="The service failed (503).")
    with reader(browser, live_server.url, cast.user("olga"), viewport=size) as page:
        page.goto("/at-risk/")
        cell = page.locator("tr[id^=f-] .named").first.bounding_box()
        file = page.locator("tr[id^=f-] .named .muted").first
        assert "chunk 0, media" in file.inner_text()
        box = file.bounding_box()
        assert box["x"] + box["width"] <= cell["x"] + cell["width"] + 1
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_administrations_navigation_lies_over_nothing_on_a_phone(browser, live_server, transactional_db):
    with reader(browser, live_server.url, cast.user("ada", superuser=True), viewport=PHONE) as page:
        page.goto("/admin/")
        links = [each.bounding_box() for each in page.locator(".product-nav a").all()]
        lowest = max(box["y"] + box["height"] for box in links)
        assert lowest <= page.locator("#user-tools").bounding_box()["y"]
        assert lowest <= page.locator("#content h1").bounding_box()["y"]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
