"""axe finds nothing on any page, in both themes; nothing runs off a phone; a busy page needs no scrolling."""

import uuid
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from recordings.models import Loss, MediaFile, PauseInterval, Recording
from recordings.states import RecordingState
from tests.browser.pages import DESKTOP, PHONE, SMALLEST, reader
from tests.dashboard import cast

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Address = Callable[[], str]


def recording(**wanted: object) -> Address:
    return lambda: reverse("recording", args=[Recording.objects.filter(**wanted).order_by("requested_at").first().pk])


PAGES: dict[str, Address] = {
    "live": lambda: "/",
    "start": lambda: "/start/",
    "library": lambda: "/library/",
    "no match": lambda: "/library/?call=x&since=yesterday",
    "recorded": lambda: reverse("recording", args=[PauseInterval.objects.first().chunk.recording_id]),
    "failing": lambda: reverse("recording", args=[MediaFile.objects.filter(state="failed").first().chunk.recording_id]),
    "lost": lambda: reverse("recording", args=[Loss.objects.first().recording_id]),
    "being recorded": recording(state="active"),
    "paused": recording(state="paused"),
    "at risk": lambda: "/at-risk/",
    "system": lambda: "/system/",
    "profile": lambda: "/profile/",
    "password": lambda: "/profile/password/",
    "nothing there": lambda: f"/recordings/{uuid.uuid4()}/",
    "administration": lambda: "/admin/",
    "a table": lambda: "/admin/recordings/recording/",
}
EMPTY = ("live", "library", "at risk", "system")


@pytest.fixture
def house(transactional_db, live_server):
    return cast.user("admin", superuser=True)


def fill() -> None:
    by = cast.user("otto")
    cast.processes(silent=("beat",))
    cast.live_rows(20, by)
    cast.library(14, by)
    ended = cast.clock.now() - cast.timedelta(minutes=1)
    cast.recording(RecordingState.ENDED, began=ended - cast.timedelta(minutes=9), ended_at=ended)
    cast.trouble()


def assert_accessible(page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_pages_full_of_rows(house, live_server, browser, theme):
    fill()
    with reader(browser, live_server.url, house, color_scheme=theme) as page:
        for name, address in PAGES.items():
            page.goto(address())
            assert page.locator("h1").count() >= 1, name
            assert_accessible(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_empty_pages(house, live_server, browser, theme):
    with reader(browser, live_server.url, house, color_scheme=theme) as page:
        for name in EMPTY:
            page.goto(PAGES[name]())
            assert_accessible(page)
    with reader(browser, live_server.url, color_scheme=theme) as page:
        page.goto("/")
        assert_accessible(page)


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["390", "360"])
def test_no_page_runs_off_a_phone(house, live_server, browser, size):
    fill()
    with reader(browser, live_server.url, house, viewport=size) as page:
        for name, address in PAGES.items():
            if address().startswith("/admin/"):
                continue
            page.goto(address())
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name


def test_sentences_in_a_table_have_room(house, live_server, browser):
    fill()
    with reader(browser, live_server.url, house, viewport=DESKTOP) as page:
        page.goto("/at-risk/")
        cells = page.locator("td.wrap")
        assert page.locator("tr[id^=a-] td.wrap").count() == 2
        assert min(cells.nth(n).bounding_box()["width"] for n in range(cells.count())) >= 300


def test_twenty_rows_fit_on_a_screen(house, live_server, browser):
    cast.processes()
    cast.live_rows(20, cast.user("otto"))
    with reader(browser, live_server.url, house, viewport=DESKTOP) as page:
        page.goto("/")
        assert page.locator("tr[id^=r-]").count() == 20
        box = page.locator("tr[id^=r-]").last.bounding_box()
        assert box["y"] + box["height"] <= DESKTOP["height"]


def test_the_pages_complain_of_nothing_in_the_console(house, live_server, browser):
    fill()
    said = []
    with reader(browser, live_server.url, house) as page:
        page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        for name, address in PAGES.items():
            if name in {"recorded", "nothing there", "no match"}:  # these ask for what is not there
                continue
            page.goto(address())
    assert said == []
