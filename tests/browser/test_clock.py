"""A countdown runs out on an open page as it does on the server."""

import pytest
from playwright.sync_api import expect

from recordings.states import RecordingState
from tests.browser.pages import reader
from tests.dashboard import cast

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_countdown_that_has_run_out_says_so_without_asking(browser, live_server, transactional_db):
    cast.processes()
    row = cast.recording(RecordingState.ENDED)
    seconds = 8
    cast.chunk(row, left=seconds / row.resource.retention_seconds)
    with reader(browser, live_server.url, cast.user("olga")) as page:
        page.route("**/at-risk/?seen=*", lambda route: route.abort())
        page.goto("/at-risk/")
        countdown = page.locator("tr[id^=f-] .countdown").first
        expect(countdown).to_have_text("0:00 over", timeout=seconds * 2000)
        expect(countdown).to_have_class("countdown is-over")
