"""The list: filters from the address, keyset pages, countdowns, and what a row says."""

import re
from datetime import timedelta
from html import unescape

import pytest

from dashboard.views import library
from recordings import clock
from recordings.models import Recording
from recordings.states import RecordingState
from tests.dashboard import cast
from tests.dashboard.test_live import HTMX, seen, text_of


def listed(page: str) -> list[str]:
    return re.findall(r'<tr id="l-([0-9a-f-]+)"', page)


def ended(*names: str, **columns: object) -> Recording:
    return cast.recording(RecordingState.ENDED, names=names or ("Ada Byron", "Grace"), **columns)


def test_newest_first(desk):
    old = ended(began=clock.now() - timedelta(days=2))
    new = ended(began=clock.now() - timedelta(days=1))
    assert listed(desk.get("/library/").content.decode()) == [str(new.pk), str(old.pk)]


@pytest.mark.parametrize("wanted", ["Byron", "ada b"])
def test_a_part_of_a_participants_name_finds_the_recordings(desk, wanted):
    row = ended()
    ended("Radia")
    assert listed(desk.get("/library/", {"participant": wanted}).content.decode()) == [str(row.pk)]


def test_a_whole_participant_id_finds_the_recordings(desk):
    row = ended()
    ended("Radia")
    raw_id = row.cast.first().participant.raw_id
    assert listed(desk.get("/library/", {"participant": raw_id}).content.decode()) == [str(row.pk)]


def test_any_id_of_call_or_recording_finds_it(desk):
    row = ended(remote_call_id="call-77")
    ended()
    for wanted in ("call-77", row.call.server_call_id, f"{row.recording_id}==", str(row.pk)):
        assert listed(desk.get("/library/", {"call": wanted}).content.decode()) == [str(row.pk)]


def test_dates_are_days_of_the_viewers_zone(desk):
    row = ended(began=clock.now().replace(year=2026, month=3, day=10, hour=23, minute=30))
    desk.cookies["tapedeck_zone"] = "Europe/Berlin"
    assert listed(desk.get("/library/", {"since": "2026-03-11", "until": "2026-03-11"}).content.decode()) == [
        str(row.pk)
    ]
    assert listed(desk.get("/library/", {"until": "2026-03-10"}).content.decode()) == []


def test_a_state_filters(desk):
    lost = ended()
    cast.lost(lost)
    cast.secured(ended())
    assert listed(desk.get("/library/", {"state": "lost"}).content.decode()) == [str(lost.pk)]


def test_a_filter_that_cannot_be_read_is_said_beside_its_field(desk):
    ended()
    page = desk.get("/library/", {"since": "yesterday", "state": "gone"}).content.decode()
    assert "Enter a valid date" in page
    assert "Select a valid choice" in page
    assert len(listed(page)) == 1


def test_pages_go_on_where_the_last_one_ended_and_back(desk, monkeypatch):
    monkeypatch.setattr(library, "PAGE", 2)
    rows = [ended(began=clock.now() - timedelta(hours=n)) for n in range(5)]
    page, walked = desk.get("/library/", {"participant": "Ada"}).content.decode(), []
    while True:
        walked += listed(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        if not older:
            break
        assert "participant=Ada" in older[1]
        page = desk.get("/library/" + older[1].replace("&amp;", "&")).content.decode()
    assert walked == [str(row.pk) for row in rows]
    newer = re.search(r'rel="prev" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert listed(desk.get("/library/" + newer).content.decode()) == [str(row.pk) for row in rows[2:4]]


def test_rows_of_the_same_moment_are_neither_skipped_nor_repeated(desk, monkeypatch):
    monkeypatch.setattr(library, "PAGE", 1)
    began = clock.now()
    rows = {str(ended(began=began).pk) for _ in range(3)}
    page, walked = desk.get("/library/").content.decode(), []
    for _ in range(3):
        walked += listed(page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        page = desk.get("/library/" + older[1].replace("&amp;", "&")).content.decode() if older else ""
    assert set(walked) == rows
    assert len(walked) == 3


@pytest.mark.parametrize("mark", ["x", "2026-01-01_y", "2026-01-01T00:00:00_01890000-0000-7000-8000-000000000000"])
def test_a_mark_that_is_none_shows_the_first_page(desk, mark):
    row = ended()
    assert listed(desk.get("/library/", {"older": mark}).content.decode()) == [str(row.pk)]


def test_a_file_in_temporary_storage_shows_its_countdown(desk):
    row = ended()
    cast.failing(row, left=0.06, error="503")
    page = desk.get("/library/").content.decode()
    assert "countdown is-urgent" in page
    assert re.search(r"1:26:\d\d", page)


def test_a_secured_row_shows_length_size_pauses_and_no_countdown(desk):
    row = ended("Ada")
    cast.secured(row, minutes=30, pauses=2)
    page = desk.get("/library/").content.decode()
    assert "countdown" not in page.partition('id="rows"')[2]
    assert "Secured" in text_of(page)
    assert "27:00" in page
    assert "219 MB" in page


def test_findings_are_marked(desk):
    row = ended()
    chunk = cast.secured(row)
    chunk.files.filter(artefact="media").update(findings=["The picture is black for 12 s."])
    assert "The picture is black for 12 s." in desk.get("/library/").content.decode()


def test_the_poll_asks_for_the_very_page_that_is_shown(desk, monkeypatch):
    monkeypatch.setattr(library, "PAGE", 1)
    for hours in (1, 2, 3):
        ended(began=clock.now() - timedelta(hours=hours))
    page = desk.get("/library/", {"participant": "Ada"}).content.decode()
    older = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    page = desk.get(f"/library/{older}").content.decode()
    poll = unescape(re.search(r'hx-get="([^"]+)"', page)[1])
    assert desk.get(poll, headers=HTMX).status_code == 204
    ended("Ada Byron", began=clock.now())  # on a page before this one
    assert desk.get(poll, headers=HTMX).status_code == 204
    fragment = desk.get(poll.partition("&seen")[0], headers=HTMX).content.decode()
    assert fragment.startswith('<section id="rows"')
    assert listed(fragment) == listed(page)
    assert "seen" not in re.search(r'rel="next" href="([^"]+)"', fragment)[1]


@pytest.mark.parametrize("change", ["state", "size", "people"])
def test_whatever_a_row_says_makes_a_new_version_of_the_list(desk, change):
    row = ended("Ada Byron")
    chunk = cast.chunk(row)
    before = seen(desk.get("/library/").content.decode())
    if change == "state":
        Recording.objects.filter(pk=row.pk).update(bucket="lost")
    elif change == "size":
        chunk.files.filter(artefact="media").update(size=4_200_000)
    else:
        row.call.presences.update(participant=cast.person("Radia"))
    assert desk.get("/library/", {"seen": before}, headers=HTMX).status_code == 200


@pytest.mark.parametrize("count", [5, 30])
def test_the_poll_asks_a_constant_number_of_questions(desk, django_assert_max_num_queries, count):
    cast.library(count, cast.user("root"))
    with django_assert_max_num_queries(16):
        desk.get("/library/", {"seen": "another"}, headers=HTMX)


@pytest.mark.parametrize("count", [5, 30])
def test_the_list_asks_a_constant_number_of_questions(desk, django_assert_max_num_queries, count):
    cast.library(count, cast.user("root"))
    with django_assert_max_num_queries(14):
        desk.get("/library/")


def test_the_empty_list_and_the_empty_search_say_different_things(desk):
    assert "No recording is known yet" in desk.get("/library/").content.decode()
    assert "No recording matches these filters" in desk.get("/library/", {"call": "x"}).content.decode()


@pytest.mark.parametrize(("state", "word"), [(RecordingState.PAUSED, "Paused"), (RecordingState.STOPPING, "Stopping")])
def test_a_live_recording_says_what_it_is_doing(desk, state, word):
    row = cast.recording(state, names=("Ada Byron",))
    page = desk.get("/library/").content.decode()
    assert word in text_of(page.partition(f'<tr id="l-{row.pk}"')[2].partition("</tr>")[0])
