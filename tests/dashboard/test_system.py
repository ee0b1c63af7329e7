"""System: what runs, what was pulled, whether the service answers, and the embedded service's calls."""

from datetime import timedelta

import pytest
from django.urls import reverse

from recordings import clock, sources
from recordings.models import Condition, Heartbeat, Notification, Resource
from recordings.states import NotificationState, RecordingState
from tests.dashboard import cast
from tests.dashboard.test_controls import acs, service  # noqa: F401  (fixtures)
from tests.dashboard.test_live import HTMX, seen, text_of


@pytest.fixture
def resource(acs, db) -> Resource:  # noqa: F811
    return cast.resource()


def test_silent_processes_are_told_from_running_ones(desk, resource):
    cast.processes(silent=("beat",))
    page = text_of(desk.get("/system/").content.decode())
    assert "beat Not heard from 4 min ago" in page
    assert "worker:control Running" in page


def test_a_process_that_falls_silent_and_one_that_returns_reach_an_open_page(desk, resource):
    cast.processes()
    page = desk.get("/system/").content.decode()
    assert desk.get("/system/", {"seen": seen(page)}, headers=HTMX).status_code == 204
    Heartbeat.objects.filter(name="beat").update(beaten_at=clock.now() - timedelta(minutes=4))
    page = desk.get("/system/", {"seen": seen(page)}, headers=HTMX).content.decode()
    assert page.startswith('<div id="system"')
    assert "beat Not heard from 4 min ago" in text_of(page)


@pytest.mark.parametrize("count", [2, 12])
def test_the_poll_asks_a_constant_number_of_questions(desk, resource, django_assert_max_num_queries, count):
    cast.processes(silent=("beat",))
    cast.library(count, cast.user("root"))
    Notification.objects.update(state=NotificationState.FAILED, error="No documentId in the chunk.")
    with django_assert_max_num_queries(20):
        desk.get("/system/", {"seen": "another"}, headers=HTMX)


def test_processes_that_never_spoke_are_named(desk, resource):
    assert "beat Not heard from never" in text_of(desk.get("/system/").content.decode())


def test_the_connection_test_passes_without_touching_a_recording(desk, resource):
    answer = desk.post(reverse("test-connection", args=[resource.pk]), headers=HTMX)
    assert answer.content.decode().startswith(f'<section class="card" id="resource-{resource.pk}"')
    assert "The service answers and accepts the access key." in answer.content.decode()


def test_a_wrong_key_is_said_with_what_to_do(desk, resource, settings):
    settings.ACS_ACCESS_KEY = "d3Jvbmc="
    page = text_of(desk.post(reverse("test-connection", args=[resource.pk])).content.decode())
    assert "access key" in page.partition("Test connection")[2]
    assert "accepts the access key" not in page


def test_a_service_that_is_away_is_said(desk, resource, settings):
    settings.ACS_ENDPOINT = "http://127.0.0.1:9"
    Resource.objects.update(endpoint=settings.ACS_ENDPOINT)
    page = text_of(desk.post(reverse("test-connection", args=[resource.pk])).content.decode())
    assert "No connection to 127.0.0.1:9" in page


def test_calls_are_started_and_ended(desk, resource, acs):  # noqa: F811
    page = desk.post(reverse("start-call"), follow=True).content.decode()
    assert "A call was started." in text_of(page)
    for call in acs.management("GET", "/local/calls").json():
        answer = desk.post(reverse("end-call"), {"server_call_id": call["serverCallId"]}, follow=True)
        assert "The call was ended" in text_of(answer.content.decode())
    assert "No call is live." in desk.get("/system/").content.decode()


def test_ending_a_call_that_has_ended_says_so(desk, resource):
    answer = desk.post(reverse("end-call"), {"server_call_id": "gone"}, follow=True)
    assert 'class="message error"' in answer.content.decode()


def test_an_embedded_service_that_is_away_leaves_the_page_standing(desk, resource, settings):
    settings.LOCAL_ACS_ENDPOINT = "http://127.0.0.1:9"
    answer = desk.get("/system/")
    assert answer.status_code == 200
    assert "No connection to 127.0.0.1:9" in answer.content.decode()
    answer = desk.post(reverse("start-call"), follow=True)
    assert 'class="message error"' in answer.content.decode()


def test_with_a_real_resource_there_are_no_calls_to_start(desk, resource, settings):
    settings.TAPEDECK_EMBEDDED = False
    page = desk.get("/system/").content.decode()
    assert "Calls of the embedded service" not in page
    assert "Embedded service" not in page


def test_a_notification_that_was_not_understood_can_be_processed_again(desk, resource):
    row = cast.recording(RecordingState.ENDED)
    cast.chunk(row)
    notification = Notification.objects.get()
    Notification.objects.update(state=NotificationState.FAILED, error="No documentId in the chunk.")
    page = desk.get("/system/").content.decode()
    assert "No documentId in the chunk." in page
    desk.post(reverse("replay", args=[notification.pk]))
    notification.refresh_from_db()
    assert notification.state != NotificationState.FAILED


def test_past_troubles_are_kept(desk, resource):
    cast.trouble()
    Condition.objects.clear(Condition.Kind.UNREACHABLE, resource=resource)
    assert "No connection to 127.0.0.1:8801 within 3 s." in desk.get("/system/").content.decode()


@pytest.mark.parametrize("kind", Condition.Kind.values)
def test_every_condition_is_a_banner_with_meaning_and_remedy(desk, resource, kind):
    from dashboard import chrome

    Condition.objects.report(Condition.Kind(kind), resource=None, detail="Seen just now.")
    banner = chrome.banners()[0]
    page = text_of(desk.get("/").content.decode())
    from django.utils.html import escape

    for sentence in (banner.title, banner.meaning, banner.remedy, "Seen just now."):
        assert escape(sentence) in page


def test_a_fresh_installation_without_a_resource_says_so(desk):
    assert "No resource is known yet" in desk.get("/system/").content.decode()


@pytest.fixture
def source(acs, resource, settings):  # noqa: F811
    settings.EVENT_GRID_ENDPOINT, settings.EVENT_GRID_KEY = acs.endpoint, acs.event_grid_key
    settings.EVENT_GRID_TOPIC, settings.EVENT_GRID_SUBSCRIPTION = "acs", "tapedeck"
    sources.ensure_current()


def found_by_the_test(desk) -> str:
    current = Resource.objects.current()
    return text_of(desk.post(reverse("test-connection", args=[current.pk]), headers=HTMX).content.decode())


def test_the_event_source_is_tested_without_taking_an_event(desk, acs, source):  # noqa: F811
    waiting = acs.state()["queue"]
    assert "The event source answers and accepts its key." in found_by_the_test(desk)
    assert acs.state()["queue"] == waiting


def test_a_wrong_key_of_the_event_source_is_said(desk, source, settings):
    settings.EVENT_GRID_KEY = "d3Jvbmc="
    assert "Event source: " in found_by_the_test(desk)


def test_a_wrong_subscription_of_the_event_source_is_said(desk, source, settings):
    settings.EVENT_GRID_SUBSCRIPTION = "other"
    sources.ensure_current()
    assert "knows no such topic and subscription" in found_by_the_test(desk)


@pytest.mark.parametrize(
    ("skew_ms", "said"),
    [(-1100, "agrees with ours within 2 s"), (-420_000, "-420000 ms against ours"), (None, "not compared yet")],
)
def test_a_difference_that_the_date_header_cannot_tell_is_none(desk, resource, skew_ms, said):
    Resource.objects.filter(pk=resource.pk).update(clock_skew_ms=skew_ms)
    assert f"Its clock {said}" in text_of(desk.get("/system/").content.decode()).replace(",", "")
