"""What file events of every generation make of recordings, chunks and files."""

from datetime import timedelta

import pytest

from recordings.models import Call, Chunk, Loss, MediaFile, Recording, StateChange
from recordings.states import Bucket, LossCause, MediaState, NotificationState, RecordingState
from tests.recordings import builders
from tests.recordings.builders import T0, at, take

pytestmark = pytest.mark.django_db


def test_a_file_event_for_an_unknown_recording_adopts_it():
    [row] = take(builders.file_event())
    recording = Recording.objects.get()
    assert (recording.origin, recording.state) == (Recording.Origin.FILE_EVENT, RecordingState.ENDED)
    assert (recording.identity, recording.recording_id, recording.remote_call_id) == ("r:rec-1", "rec-1", "call-1-guid")
    assert (recording.content_type, recording.channel_type, recording.format_type) == ("audioVideo", "mixed", "mp4")
    assert (recording.started_at, recording.ended_at, recording.duration_ms) == (T0, at(60), 60_000)
    assert recording.session_end_reason == "CallEnded"
    assert recording.bucket == Bucket.IN_TEMPORARY_STORAGE
    assert recording.call.server_call_id == "call-1"
    assert (row.state, row.identity, row.recording) == (NotificationState.PROCESSED, "r:rec-1", recording)


def test_each_chunk_gets_a_media_and_a_metadata_file():
    take(builders.file_event())
    files = MediaFile.objects.order_by("artefact").values_list("artefact", "state")
    assert list(files) == [("media", MediaState.ANNOUNCED), ("metadata", MediaState.ANNOUNCED)]
    announced = StateChange.objects.filter(media_file__isnull=False, new=MediaState.ANNOUNCED)
    assert announced.count() == 2


def test_a_file_expires_after_the_retention_from_its_recordings_end():
    take(builders.file_event(seconds=300))
    chunk = Chunk.objects.get()
    assert (chunk.expires_at, chunk.expires_basis) == (at(60) + timedelta(days=1), Chunk.ExpiryBasis.RECORDING_END)
    assert chunk.announced_at == at(300)


def test_without_start_and_duration_the_time_of_the_event_counts():
    event = builders.file_event()
    del event["data"]["recordingDurationMs"]
    take(event)
    chunk = Chunk.objects.get()
    assert (chunk.expires_at, chunk.expires_basis) == (at(120) + timedelta(days=1), Chunk.ExpiryBasis.EVENT_TIME)


def test_an_event_without_any_time_counts_from_its_arrival():
    event = builders.file_event()
    del event["time"], event["data"]["recordingStartTime"]
    [row] = take(event)
    chunk = Chunk.objects.get()
    assert (chunk.expires_at, chunk.expires_basis) == (row.received_at + timedelta(days=1), Chunk.ExpiryBasis.ARRIVAL)


@pytest.mark.parametrize("start", ["2003-01-01T00:00:00Z", "2150-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "now", 7])
def test_an_absurd_start_does_not_set_the_expiry(start):
    event = builders.file_event()
    event["data"]["recordingStartTime"] = start
    take(event)
    assert Chunk.objects.get().expires_at == at(120) + timedelta(days=1)


def test_an_event_from_the_future_counts_from_its_arrival():
    event = builders.file_event()
    event["time"] = "2199-01-01T00:00:00Z"
    [row] = take(event)
    assert Chunk.objects.get().expires_at < row.received_at + timedelta(days=1, seconds=1)


def test_the_seeds_event_is_adopted_by_call_and_start():
    [row] = take(builders.file_event_2021())
    recording = Recording.objects.get()
    assert recording.identity == f"c:call-1-guid@{T0.isoformat()}" == row.identity
    assert recording.recording_id is None
    chunk = Chunk.objects.get()
    assert (chunk.document_id, chunk.content_location, chunk.metadata_location) == ("doc-0", "", "")
    assert (Call.objects.get().server_call_id, Call.objects.get().remote_call_id) == ("", "call-1-guid")


def test_twins_in_both_schemas_meet_at_the_document_id():
    first, second = take(builders.file_event(), builders.file_event_in_grid_schema())
    assert first.pk != second.pk
    assert first.recording == second.recording == Recording.objects.get()
    assert (Chunk.objects.count(), MediaFile.objects.count()) == (1, 2)


def test_a_twin_with_a_recording_id_names_a_recording_known_by_its_call():
    old, new = take(builders.file_event_2021(), builders.file_event())
    recording = Recording.objects.get()
    assert (recording.recording_id, recording.identity) == ("rec-1", "r:rec-1")
    assert recording.former_identity == f"c:call-1-guid@{T0.isoformat()}"
    old.refresh_from_db()
    assert {old.identity, new.identity} == {"r:rec-1"}
    assert Chunk.objects.get().content_location == f"{builders.STORE}/doc-0/content/video"


def test_a_late_event_of_2021_finds_the_recording_that_has_its_real_id_by_now():
    take(builders.file_event_2021(), builders.file_event())
    [late] = take(builders.file_event_2021(builders.bare_chunk("doc-1", 1), seconds=180))
    assert late.identity == "r:rec-1"
    assert Recording.objects.count() == 1
    assert Recording.objects.get().chunks.count() == 2


def test_a_recording_known_by_its_callback_takes_the_files_of_an_event_without_its_id():
    take(builders.state_callback("active"), builders.file_event_2021())
    recording = Recording.objects.get()
    assert (recording.identity, recording.state) == ("r:rec-1", RecordingState.ENDED)
    assert recording.chunks.count() == 1


def test_two_rows_are_joined_when_their_call_turns_out_to_be_one():
    take(
        builders.file_event_2021(),
        builders.state_callback("active", correlationId=None),
        builders.call_started(),
    )
    recording = Recording.objects.get()
    assert (recording.identity, recording.state, recording.chunks.count()) == ("r:rec-1", RecordingState.ENDED, 1)
    assert recording.former_identity == f"c:call-1-guid@{T0.isoformat()}"
    assert Call.objects.get().server_call_id == "call-1"
    assert recording.notifications.count() == 2


def test_chunks_may_be_spread_over_events():
    take(
        builders.file_event(builders.chunk("doc-0", 0, end_reason="ChunkMaximumSizeExceeded")),
        builders.file_event(builders.chunk("doc-1", 1), seconds=180),
    )
    assert list(Chunk.objects.order_by("index").values_list("index", "document_id")) == [(0, "doc-0"), (1, "doc-1")]
    assert Recording.objects.get().bucket == Bucket.IN_TEMPORARY_STORAGE


def test_a_gap_in_the_indexes_is_still_awaited_once_the_others_are_in():
    take(builders.file_event(builders.chunk("doc-0", 0), builders.chunk("doc-2", 2)))
    MediaFile.objects.update(state=MediaState.ARCHIVED)
    recording = Recording.objects.get()
    from recordings import buckets

    assert buckets.bucket_of(recording) == Bucket.AWAITING_FILE


def test_a_file_event_ends_a_recording_believed_to_be_active():
    take(builders.state_callback("active"), builders.file_event())
    recording = Recording.objects.get()
    assert recording.origin == Recording.Origin.CALLBACK
    assert recording.state == RecordingState.ENDED
    assert recording.changes.filter(new=RecordingState.ENDED).get().notification.event_type.endswith("StatusUpdated")


def test_a_late_file_takes_back_the_loss_of_the_whole_recording():
    take(builders.state_callback("active"), builders.call_ended())
    recording = Recording.objects.get()
    Loss.objects.create(recording=recording, cause=LossCause.NO_FILE_EVENT, evidence="none came")
    take(builders.file_event())
    assert Loss.objects.get().recovered_at is not None
    assert Recording.objects.get().bucket == Bucket.IN_TEMPORARY_STORAGE


def test_a_late_chunk_takes_back_the_loss_of_that_chunk_only():
    take(builders.file_event(builders.chunk("doc-3", 3)))
    recording = Recording.objects.get()
    for index in (0, 1):
        Loss.objects.create(recording=recording, chunk_index=index, cause=LossCause.MISSING_CHUNK, evidence="gap")
    take(builders.file_event(builders.chunk("doc-1", 1), seconds=200))
    assert list(Loss.objects.filter(recovered_at=None).values_list("chunk_index", flat=True)) == [0]


def test_padding_does_not_make_a_recording_id_another():
    take(builders.state_callback(recording="cmVjLTE="), builders.file_event(recording="cmVjLTE"))
    assert Recording.objects.get().recording_id == "cmVjLTE"


def test_a_document_stays_with_the_recording_that_has_it():
    take(builders.file_event())
    [row] = take(builders.file_event(recording="rec-2", seconds=130))
    assert Chunk.objects.get().recording.recording_id == "rec-1"
    assert row.state == NotificationState.FAILED
    assert "belongs to another recording" in row.error
    assert Recording.objects.get(recording_id="rec-2").bucket == Bucket.AWAITING_FILE


def test_an_unusable_chunk_is_told_and_the_others_are_taken():
    [row] = take(builders.file_event(builders.chunk("doc-0", 0), {"index": 1, "endReason": "SessionEnded"}))
    assert row.state == NotificationState.FAILED
    assert row.error == "Chunk 2 of the list was not taken: it has no usable documentId."
    assert Chunk.objects.count() == 1


@pytest.mark.parametrize("document", ["../../etc/passwd", "a/b", "..", "a?b", "a#b", "a%2fb", "a\\b"])
def test_a_document_id_that_would_change_an_address_is_refused(document):
    [row] = take(builders.file_event_2021(builders.bare_chunk(document)))
    assert row.state == NotificationState.FAILED
    assert "cannot be part of an address" in row.error
    assert not Chunk.objects.exists()


@pytest.mark.parametrize("document", ["", None, 1.5, ["x"], {"a": 1}, "x" * 1_000_000, "a\x00b", "\ud800"])
def test_an_unusable_document_id_is_replaced_by_the_one_in_its_address(document):
    take(builders.file_event(builders.chunk("doc-0") | {"documentId": document}))
    assert Chunk.objects.get().document_id == "doc-0"


@pytest.mark.parametrize("index", [-1, None, "x", 1e300, 2**40, [0], True])
def test_an_unusable_index_is_replaced_by_the_place_in_the_list(index):
    [row] = take(builders.file_event(builders.chunk("doc-0", 0), builders.chunk("doc-1", index)))
    assert list(Chunk.objects.order_by("index").values_list("index", flat=True)) == [0, 1]
    assert "no usable index" in row.error


@pytest.mark.parametrize("duration", [-5, "long", None, [], 10**30, float("inf")])
def test_an_absurd_duration_is_not_believed(duration):
    event = builders.file_event()
    event["data"]["recordingDurationMs"] = duration
    take(event)
    assert Recording.objects.get().duration_ms is None


def test_an_event_with_nothing_to_go_by_is_kept_as_failed():
    [row] = take(builders.cloud_event("RecordingFileStatusUpdated", {}, subject="/nothing"))
    assert (row.state, row.recording) == (NotificationState.FAILED, None)
    assert "names no recording" in row.error
    [row] = take(builders.cloud_event("RecordingFileStatusUpdated", {}, subject="/recording/call/c"))
    assert (row.state, row.recording) == (NotificationState.FAILED, None)
    assert not Recording.objects.exists()


def test_a_file_known_by_its_document_only_is_adopted_and_named_later():
    event = builders.file_event_2021()
    event["subject"] = ""
    take(event)
    assert Recording.objects.get().identity == "d:doc-0"
    take(builders.file_event_2021(seconds=130))
    assert Recording.objects.get().identity == f"c:call-1-guid@{T0.isoformat()}"
    take(builders.file_event())
    assert Recording.objects.get().identity == "r:rec-1"


def test_a_thousand_chunks_are_the_limit():
    chunks = [builders.bare_chunk(f"d{number}", number) for number in range(1_001)]
    [row] = take(builders.file_event(*chunks))
    assert Chunk.objects.count() == 1_000
    assert "more than 1000 chunks" in row.error
