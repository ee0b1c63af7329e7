"""Live shows what is known and no more, and its fragment costs nothing while nothing changes."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from recordings import clock
from recordings.models import Command, Recording
from recordings.states import CommandState, CommandVerb, RecordingState
from tests.dashboard import cast

HTMX = {"HX-Request": "true"}


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def row_of(page: str, row: Recording) -> str:
    return text_of(page.partition(f'id="r-{row.pk}"')[2].partition("</tr>")[0].partition(">")[2])


def seen(page: str) -> str:
    return re.search(r"seen=(\w+)", page)[1]


def test_a_confirmed_recording_offers_pause_and_stop(desk):
    row = cast.recording(names=("Ada", "Grace"))
    shown = row_of(desk.get("/").content.decode(), row)
    assert shown.startswith("Recording Ada, Grace")
    assert "Pause" in shown
    assert "Stop" in shown
    assert "unconfirmed" not in shown


def test_an_acknowledged_pause_is_not_called_paused(desk, olga):
    row = cast.recording()
    cast.command(row, CommandVerb.PAUSE, CommandState.ACKNOWLEDGED, requested_by=olga)
    shown = row_of(desk.get("/").content.decode(), row)
    assert shown.startswith("Recording pause acknowledged, unconfirmed 0 s")
    assert "Stop" not in shown


@pytest.mark.parametrize("state", [CommandState.REQUESTED, CommandState.ACKNOWLEDGED])
def test_stop_is_offered_again_when_a_pause_stays_unclear(desk, olga, state):
    row = cast.recording()
    asked = cast.command(row, CommandVerb.PAUSE, state, requested_by=olga)
    page = desk.get("/").content.decode()
    assert "Stop" not in row_of(page, row)
    Command.objects.filter(pk=asked.pk).update(requested_at=clock.now() - timedelta(seconds=11))
    answer = desk.get("/", {"seen": seen(page)}, headers=HTMX)
    assert answer.status_code == 200
    shown = row_of(answer.content.decode(), row)
    assert "Stop" in shown
    assert "Pause" not in shown
    assert desk.get("/", {"seen": seen(answer.content.decode())}, headers=HTMX).status_code == 204


def test_a_contradicted_pause_is_raised(desk, olga):
    row = cast.recording()
    cast.command(row, CommandVerb.PAUSE, CommandState.CONTRADICTED, requested_by=olga)
    page = desk.get("/").content.decode()
    assert "contradicted: not paused" in row_of(page, row)
    assert "goes on recording. Pause again, or stop." in page


def test_a_refused_command_says_why(desk, olga):
    row = cast.recording()
    cast.command(row, CommandVerb.PAUSE, CommandState.FAILED, requested_by=olga, error="The call has ended already.")
    assert "Pause was refused: The call has ended already." in row_of(desk.get("/").content.decode(), row)


def test_a_recording_that_was_never_borne_out_is_unconfirmed(desk):
    row = cast.recording(confirmed_at=None, began=clock.now() - timedelta(seconds=9))
    assert "unconfirmed 9 s" in row_of(desk.get("/").content.decode(), row)


def test_a_paused_recording_stands_still_and_a_long_pause_is_raised(desk):
    now = clock.now()
    row = cast.recording(began=now - timedelta(minutes=10))
    Recording.objects.filter(pk=row.pk).update(
        state=RecordingState.PAUSED, paused_since=now - timedelta(minutes=6), paused_ms=60_000
    )
    page = desk.get("/").content.decode()
    assert "3:00" in row_of(page, row)
    assert "7:0" in row_of(page, row)
    assert "Resume" in row_of(page, row)
    assert "1 pause longer than 5 min" in text_of(page)


def test_a_start_that_was_not_answered_is_shown(desk, olga):
    row = cast.recording(RecordingState.REQUESTED, confirmed_at=None, started_at=None)
    cast.command(row, CommandVerb.START, CommandState.REQUESTED, requested_by=olga)
    assert row_of(desk.get("/").content.decode(), row).startswith("Starting start asked, unconfirmed")


def test_calls_that_nobody_records_can_be_recorded_with_one_click(desk):
    free = cast.call("Radia", "Ken")
    cast.recording(names=("Ada",))
    cast.call("Gone", ended=clock.now())
    page = desk.get("/").content.decode()
    calls = text_of(page.partition('class="card calls"')[2])
    assert "Radia, Ken" in calls
    assert "Ada" not in calls
    assert "Gone" not in calls
    assert f'formaction="{reverse("record", args=[free.pk])}"' in page


def test_the_strip_sums_to_what_is_known(desk):
    cast.recording()
    cast.library(11, cast.user("root"))
    page = desk.get("/").content.decode()
    counts = [int(number) for number in re.findall(r'strip-count num">(\d+)<', page)]
    assert counts[0] == sum(counts[1:]) == 12


def test_every_bucket_of_the_strip_is_a_link_to_as_many_rows(desk):
    cast.library(11, cast.user("root"))
    page = desk.get("/").content.decode()
    cells = re.findall(r'href="(/library/\?state=\w+)"><span class="strip-count num">(\d+)<', page)
    assert len(cells) == 7
    for address, count in cells:
        assert desk.get(address).content.decode().count('id="l-') == int(count)


def test_the_strip_names_processes_that_were_not_heard_from(desk):
    cast.processes(silent=("beat",))
    assert "Not heard from: beat" in text_of(desk.get("/").content.decode())


def test_a_fragment_that_was_seen_is_answered_with_nothing(desk):
    cast.recording()
    page = desk.get("/").content.decode()
    answer = desk.get("/", {"seen": seen(page)}, headers=HTMX)
    assert answer.status_code == 204
    assert answer.content == b""
    assert int(answer["Tapedeck-Now"]) > 0


def test_a_change_makes_a_new_fragment(desk):
    row = cast.recording()
    page = desk.get("/").content.decode()
    Recording.objects.filter(pk=row.pk).update(version=row.version + 1, state=RecordingState.STOPPING)
    answer = desk.get("/", {"seen": seen(page)}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.content.decode().startswith('<div id="live"')
    assert "Stopping" in row_of(answer.content.decode(), row)


def test_a_new_banner_reaches_an_open_page(desk):
    page = desk.get("/").content.decode()
    cast.trouble()
    answer = desk.get("/", {"seen": seen(page)}, headers=HTMX).content.decode()
    assert 'id="banners" hx-swap-oob="true"' in answer
    assert "cannot be paused or stopped from here" in answer


def test_two_readers_with_the_same_rights_and_zone_get_the_same_bytes(desk):
    from tests.dashboard.conftest import signed_in

    cast.recording()
    other = signed_in(cast.user("otto"))
    first, second = (browser.get("/", headers=HTMX).content for browser in (desk, other))
    ticking = rb"data-clock[^>]*>[^<]*<"
    assert re.sub(ticking, b"", first) == re.sub(ticking, b"", second)


@pytest.mark.parametrize("count", [3, 20])
def test_the_page_asks_a_constant_number_of_questions(desk, django_assert_max_num_queries, count):
    cast.live_rows(count, cast.user("root"))
    with django_assert_max_num_queries(20):
        desk.get("/")


def test_more_rows_than_fit_are_said_to_be_elsewhere(desk, monkeypatch):
    from dashboard.views import live

    monkeypatch.setattr(live, "MOST_ROWS", 2)
    for _ in range(3):
        cast.recording()
    page = desk.get("/").content.decode()
    assert page.count('<tr id="r-') == 2
    assert "Show in the Library" in page


def test_an_empty_house_says_what_to_do(desk):
    page = text_of(desk.get("/").content.decode())
    assert "Nothing is being recorded" in page
    assert "No live call is known" in page
    assert "Start a call" in page


def test_on_a_phone_every_bare_value_has_its_label(desk, olga):
    row = cast.recording(started_by=olga)
    page = desk.get("/").content.decode().partition(f'<tr id="r-{row.pk}"')[2]
    assert '<td class="fit muted" data-label="Started by">olga' in page


def test_the_first_steps_name_the_button_and_the_mark_that_are_there(desk):
    cast.call("Ada", "Grace")
    page = desk.get("/").content.decode()
    assert "Press Record beside a live call." in page
    assert "a tick shows that the service has confirmed it" in page
