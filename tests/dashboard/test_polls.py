"""What every open page hears of without a reload: banners that come and go, and the count beside “At risk”."""

import pytest
from django.urls import reverse

from recordings.models import Condition
from recordings.states import RecordingState
from tests.dashboard import cast
from tests.dashboard.test_live import HTMX, seen

PAGES = ("live", "library", "recording", "at-risk", "system")


def address_of(page: str) -> str:
    if page != "recording":
        return reverse(page)
    return reverse("recording", args=[cast.recording(RecordingState.ENDED).pk])


def asked_again(browser, address: str, page: str):
    """The answer to a reader who has seen `page`."""
    return browser.get(address, {"seen": seen(page)}, headers=HTMX)


@pytest.mark.parametrize("name", PAGES)
def test_a_banner_comes_and_goes_on_an_open_page(desk, name):
    address = address_of(name)
    page = desk.get(address).content.decode()
    assert asked_again(desk, address, page).status_code == 204
    cast.trouble()
    page = asked_again(desk, address, page).content.decode()
    assert "cannot be paused or stopped from here" in page
    Condition.objects.clear(Condition.Kind.UNREACHABLE, resource=cast.resource())
    page = asked_again(desk, address, page).content.decode()
    assert 'id="banners" hx-swap-oob="true"' in page
    assert "cannot be paused or stopped from here" not in page


@pytest.mark.parametrize("name", PAGES)
def test_the_count_of_files_at_risk_follows_on_an_open_page(desk, name):
    address = address_of(name)
    page = desk.get(address).content.decode()
    cast.chunk(cast.recording(RecordingState.ENDED))
    answer = asked_again(desk, address, page).content.decode()
    assert 'id="risk-count" hx-swap-oob="true" class="count">2' in answer
