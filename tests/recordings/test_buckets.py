"""A recording sits in the worst bucket of its chunks."""

import pytest

from recordings import buckets
from recordings.models import Command, Loss
from recordings.states import Bucket, CommandVerb, LossCause, MediaState, RecordingState
from tests import rows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("file_state", "bucket"),
    [
        (MediaState.ANNOUNCED, Bucket.IN_TEMPORARY_STORAGE),
        (MediaState.RETRIEVING, Bucket.RETRIEVING),
        (MediaState.RETRIEVED, Bucket.RETRIEVING),
        (MediaState.FAILED, Bucket.RETRIEVING),
        (MediaState.QUARANTINED, Bucket.RETRIEVING),
        (MediaState.ARCHIVED, Bucket.SECURED),
        (MediaState.ABSENT, Bucket.SECURED),
        (MediaState.LOST, Bucket.LOST),
        (MediaState.ERASED, Bucket.ERASED),
    ],
)
def test_one_chunk_decides_alone(file_state, bucket):
    recording = rows.recording(RecordingState.ENDED)
    rows.set_files(rows.chunk(recording), file_state)
    assert buckets.bucket_of(recording) == bucket


@pytest.mark.parametrize(
    ("one", "other", "bucket"),
    [
        (MediaState.LOST, MediaState.RETRIEVING, Bucket.LOST),
        (MediaState.RETRIEVING, MediaState.ANNOUNCED, Bucket.RETRIEVING),
        (MediaState.ANNOUNCED, MediaState.ARCHIVED, Bucket.IN_TEMPORARY_STORAGE),
    ],
)
def test_the_worst_chunk_decides(one, other, bucket):
    recording = rows.recording(RecordingState.ENDED)
    rows.set_files(rows.chunk(recording, 0), one)
    rows.set_files(rows.chunk(recording, 1), other)
    assert buckets.bucket_of(recording) == bucket


def test_a_missing_chunk_keeps_a_recording_from_being_secured():
    recording = rows.recording(RecordingState.ENDED)
    rows.set_files(rows.chunk(recording, 0), MediaState.ARCHIVED)
    rows.set_files(rows.chunk(recording, 2), MediaState.ARCHIVED)
    assert buckets.bucket_of(recording) == Bucket.AWAITING_FILE


def test_a_last_chunk_that_announces_another_keeps_a_recording_from_being_secured():
    recording = rows.recording(RecordingState.ENDED)
    rows.set_files(rows.chunk(recording, end_reason="ChunkMaximumSizeExceeded"), MediaState.ARCHIVED)
    assert buckets.bucket_of(recording) == Bucket.AWAITING_FILE


def test_media_without_its_metadata_is_not_secured():
    recording = rows.recording(RecordingState.ENDED)
    chunk = rows.chunk(recording)
    chunk.files.filter(artefact="media").update(state=MediaState.ARCHIVED)
    assert buckets.bucket_of(recording) == Bucket.IN_TEMPORARY_STORAGE


def test_a_live_recording_is_being_recorded_whatever_its_early_chunks_do():
    recording = rows.recording(RecordingState.ACTIVE)
    rows.set_files(rows.chunk(recording), MediaState.ARCHIVED)
    assert buckets.bucket_of(recording) == Bucket.RECORDING


def test_an_ended_recording_without_a_file_awaits_it():
    assert rows.recording(RecordingState.ENDED).bucket == Bucket.AWAITING_FILE


def test_a_recording_started_paused_and_never_resumed_has_no_media():
    recording = rows.recording(RecordingState.ENDED)
    Command.objects.create(
        resource=recording.resource,
        recording=recording,
        verb=CommandVerb.START,
        state="confirmed",
        body={"pauseOnStart": True},
    )
    assert buckets.bucket_of(recording) == Bucket.NO_MEDIA


def test_an_unacknowledged_start_is_not_counted():
    recording = rows.recording(RecordingState.REQUESTED, identity="", recording_id=None)
    assert recording.bucket == ""


def test_an_open_loss_outweighs_everything_and_a_recovered_one_nothing():
    recording = rows.recording(RecordingState.ENDED)
    loss = Loss.objects.create(recording=recording, cause=LossCause.NO_FILE_EVENT, evidence="Nothing came.")
    assert buckets.bucket_of(recording) == Bucket.LOST
    loss.recovered_at = rows.NOON
    loss.save(update_fields=["recovered_at"])
    assert buckets.bucket_of(recording) == Bucket.AWAITING_FILE
