"""Where chunks, pauses and people stand on the wall clock."""

from datetime import timedelta

import pytest

from dashboard import timeline
from recordings import clock
from recordings.models import Chunk, Recording
from recordings.states import RecordingState
from tests.dashboard import cast


@pytest.fixture
def row(db) -> Recording:
    return cast.recording(RecordingState.ENDED, names=("Ada", "Grace"), began=clock.now() - timedelta(hours=3))


def drawn(row: Recording) -> timeline.Timeline | None:
    stays = list(row.call.presences.select_related("participant"))
    return timeline.draw(timeline.pieces(row, list(row.chunks.order_by("index"))), presences=stays, commands=[])


def test_two_chunks_share_the_width(row):
    for index in range(2):
        cast.secured(row, index, minutes=30)
    assert [(band.left, band.width) for band in drawn(row).chunks] == [(0.0, 50.0), (50.0, 50.0)]


def test_a_pause_takes_wall_time_and_no_media_time(row):
    cast.secured(row, minutes=30, pauses=1)
    piece = timeline.pieces(row, list(row.chunks.all()))[0]
    assert piece.ends - piece.starts == timedelta(minutes=30)
    assert piece.media_ms == 28.5 * 60_000
    pause = drawn(row).pauses[0]
    assert (pause.band.left, pause.band.width, pause.duration_ms, pause.who) == (50.0, 5.0, 90_000, "")


def test_before_its_metadata_a_chunk_stands_where_the_event_says(row):
    cast.chunk(row, start_time=None)
    Recording.objects.filter(pk=row.pk).update(duration_ms=600_000)
    row.refresh_from_db()
    piece = timeline.pieces(row, list(row.chunks.all()))[0]
    assert (piece.starts, piece.media_ms) == (row.started_at, 600_000)


def test_what_cannot_be_placed_is_left_out(row):
    cast.chunk(row, start_time=None)
    Recording.objects.filter(pk=row.pk).update(started_at=None)
    Chunk.objects.update(duration_ms=None)
    row.refresh_from_db()
    assert drawn(row) is None


def test_each_person_has_a_lane_and_the_picture_grows_with_them(row):
    cast.secured(row, minutes=30)
    picture = drawn(row)
    assert [lane.name for lane in picture.lanes] == ["Ada", "Grace"]
    assert picture.height == timeline.FIRST_LANE + 2 * timeline.LANE


@pytest.mark.parametrize("minutes", [0.05, 1, 30, 240, 3000])
def test_ticks_stand_at_round_times_and_never_too_many(row, minutes):
    cast.secured(row, minutes=minutes)
    ticks = drawn(row).ticks
    assert len(ticks) <= timeline.MOST_TICKS + 1
    assert all(0 <= tick.left <= 100 for tick in ticks)
    assert all(tick.starts.microsecond == 0 or minutes < 1 for tick in ticks)
