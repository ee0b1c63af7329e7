"""A second click in the same spot reaches no button that only came there after the first."""

import pytest
from django.db.models import F
from playwright.sync_api import expect

from recordings import buckets
from recordings.models import Recording
from tests.browser.pages import reader
from tests.dashboard import cast

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def page(browser, live_server, transactional_db):
    cast.processes()
    with reader(browser, live_server.url, cast.user("olga")) as opened:
        yield opened


@pytest.fixture
def rows(page):
    """Three recordings, in the order in which they stand below each other."""
    made = [cast.recording(names=(name,)) for name in ("Ada", "Grace", "Radia")]
    page.goto("/")
    order = [row.get_attribute("id")[2:] for row in page.locator("tr[id^=r-]").all()]
    return [next(row for row in made if str(row.pk) == pk) for pk in order]


@pytest.fixture
def pressed(page):
    """The addresses that presses of Stop were sent to; none of them arrives."""
    asked = []

    def note(route):
        asked.append(route.request.url)
        route.fulfill(status=204)

    page.route("**/stop/", note)
    return asked


def over(page, row: Recording) -> tuple[float, float]:
    box = page.locator(f"#stop-{row.pk}").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def leave(page, row: Recording) -> None:
    Recording.objects.filter(pk=row.pk).update(state="ended", version=F("version") + 1)
    buckets.settle(row)
    expect(page.locator(f"#r-{row.pk}")).to_have_count(0)


def test_a_button_that_moved_under_the_pointer_ignores_it_for_a_moment(page, rows, pressed):
    x, y = over(page, rows[0])
    page.mouse.click(x, y)
    expect(page.locator(f"#stop-{rows[0].pk}")).to_be_enabled()
    leave(page, rows[0])
    page.mouse.click(x, y)
    page.wait_for_timeout(900)
    assert [str(rows[0].pk) in url for url in pressed] == [True]
    with page.expect_request("**/stop/") as later:
        page.mouse.click(x, y)
    assert str(rows[1].pk) in later.value.url


def test_the_keyboard_and_a_pointer_that_goes_elsewhere_are_heard(page, rows, pressed):
    x, y = over(page, rows[0])
    page.mouse.move(x, y)
    leave(page, rows[0])
    page.locator(f"#stop-{rows[1].pk}").press("Enter")
    expect(page.locator(f"#stop-{rows[1].pk}")).to_be_enabled()
    with page.expect_response("**/stop/"):
        page.mouse.click(*over(page, rows[2]))
    assert [str(row.pk) in url for row, url in zip(rows[1:], pressed, strict=True)] == [True, True]
