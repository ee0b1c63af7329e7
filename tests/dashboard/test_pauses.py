"""The pauses of a recording are told from its metadata, else from what was seen here, else as not known."""

from datetime import timedelta

import pytest
from django.urls import reverse

from dashboard import pauses
from recordings import clock
from recordings.models import Recording, StateChange
from recordings.states import RecordingState
from tests.dashboard import cast
from tests.dashboard.test_live import text_of


@pytest.fixture
def row(db) -> Recording:
    return cast.recording(RecordingState.ENDED, began=clock.now() - timedelta(hours=2), duration_ms=600_000)


def paused_here(row: Recording) -> None:
    for old, new in (("active", "paused"), ("paused", "active")):
        StateChange.objects.create(recording=row, old=old, new=new, because="The service says so.")


def known(row: Recording) -> pauses.Known:
    return pauses.of(row, list(row.chunks.all()))


def page(desk, row: Recording) -> str:
    return text_of(desk.get(reverse("recording", args=[row.pk])).content.decode())


def test_metadata_counts_when_it_is_here(desk, row):
    cast.secured(row, pauses=2)
    paused_here(row)
    assert known(row) == pauses.Known(told=2, seen=1)


def test_metadata_without_a_pause_is_taken_at_its_word(desk, row):
    cast.secured(row)
    assert known(row) == pauses.Known(told=0, seen=0)
    assert "It was not paused, as far as its metadata says." in page(desk, row)


def test_metadata_that_names_no_pause_does_not_hide_those_seen_here(desk, row):
    cast.secured(row)
    paused_here(row)
    assert "Its metadata names no pause, but 1 pause was confirmed here" in page(desk, row)


def test_without_metadata_the_pauses_seen_here_are_told(desk, row):
    cast.chunk(row, start_time=None)
    paused_here(row)
    assert known(row) == pauses.Known(told=None, seen=1)
    shown = page(desk, row)
    assert "Its metadata is not here yet; 1 pause was confirmed here" in shown
    assert "1 seen here" in shown


def test_without_either_the_page_says_that_it_does_not_know(desk, row):
    cast.chunk(row, start_time=None)
    shown = page(desk, row)
    assert "Whether it was paused is not known" in shown
    assert "It was not paused" not in shown
