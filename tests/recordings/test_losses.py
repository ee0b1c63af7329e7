"""When something counts as lost, why, and how it is taken back."""

from datetime import timedelta

import pytest
from django.conf import settings

from recordings import clock, losses
from recordings.models import Attempt, Chunk, Loss, MediaFile, Recording, Resource
from recordings.states import AttemptOutcome, Bucket, LossCause, MediaState, RecordingState
from tests import rows

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def chunk_expired(ago: timedelta, **columns: object) -> Chunk:
    """A chunk of the resource whose key the settings hold."""
    resource = rows.resource(endpoint=settings.ACS_ENDPOINT)
    recording = rows.recording(RecordingState.ENDED, resource=resource)
    chunk = rows.chunk(recording, expires_at=clock.now() - ago, **columns)
    rows.set_files(chunk, MediaState.FAILED)
    return chunk


def media_of(chunk: Chunk) -> MediaFile:
    return chunk.files.get(artefact=MediaFile.Artefact.MEDIA)


def tried(file: MediaFile, *, after_expiry: timedelta, **columns: object) -> Attempt:
    columns = {"outcome": AttemptOutcome.FAILED, "worker": "w", "error": "gone"} | columns
    number = file.attempts.count() + 1
    return Attempt.objects.create(
        media_file=file, number=number, started_at=file.chunk.expires_at + after_expiry, **columns
    )


def test_a_refusal_after_the_expiry_is_a_loss():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=timedelta(minutes=1), http_status=404)
    assert losses.sweep() == 1
    loss = Loss.objects.get()
    assert (loss.cause, loss.chunk_index, loss.media_file) == (LossCause.EXPIRED, 0, media_of(chunk))
    assert "404" in loss.evidence
    assert media_of(chunk).state == MediaState.LOST
    assert Recording.objects.get().bucket == Bucket.LOST


def test_a_refusal_before_the_expiry_is_none():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=-timedelta(minutes=1), http_status=404)
    assert losses.sweep() == 0


def test_nothing_is_lost_before_its_expiry():
    chunk = chunk_expired(-HOUR)
    tried(media_of(chunk), after_expiry=-2 * HOUR, http_status=404)
    assert losses.sweep() == 0


def test_refusals_since_long_before_the_expiry_mean_that_others_deleted_it():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=-HOUR, http_status=404)
    tried(media_of(chunk), after_expiry=timedelta(minutes=1), http_status=404)
    losses.sweep()
    assert Loss.objects.get().cause == LossCause.DELETED


def test_an_early_404_that_was_followed_by_bytes_does_not_mean_deleted():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=-HOUR, http_status=404)
    tried(media_of(chunk), after_expiry=-HOUR / 2, http_status=200)
    tried(media_of(chunk), after_expiry=timedelta(minutes=1), http_status=404)
    losses.sweep()
    assert Loss.objects.get().cause == LossCause.EXPIRED


def test_bytes_that_were_no_recording_until_the_end_are_unplayable():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=-HOUR, http_status=200, outcome=AttemptOutcome.QUARANTINED)
    tried(media_of(chunk), after_expiry=timedelta(minutes=1), http_status=404)
    losses.sweep()
    assert Loss.objects.get().cause == LossCause.UNPLAYABLE


def test_garbage_after_the_expiry_is_unplayable_too():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=timedelta(minutes=1), http_status=200, outcome=AttemptOutcome.QUARANTINED)
    losses.sweep()
    assert Loss.objects.get().cause == LossCause.UNPLAYABLE


def test_silence_is_a_loss_only_after_a_margin():
    chunk = chunk_expired(HOUR / 2)
    tried(media_of(chunk), after_expiry=timedelta(minutes=1), error_kind="unreachable")
    assert losses.sweep() == 0
    Chunk.objects.update(expires_at=clock.now() - 2 * HOUR)
    assert losses.sweep() == 1
    assert Loss.objects.get().cause == LossCause.UNREACHABLE


def test_a_file_that_nobody_could_try_is_lost_after_the_margin():
    chunk_expired(2 * HOUR)
    assert losses.sweep() == 1
    assert "none could be started" in Loss.objects.get().evidence


@pytest.mark.parametrize("kind", sorted(losses.OUR_OWN_FAULT))
def test_faults_on_this_side_are_never_a_loss_by_counting(kind):
    chunk = chunk_expired(23 * HOUR)
    for _ in range(50):
        tried(media_of(chunk), after_expiry=HOUR, error_kind=kind)
    assert losses.sweep() == 0


@pytest.mark.parametrize("kind", sorted(losses.OUR_OWN_FAULT))
def test_a_fault_on_this_side_that_nobody_mends_is_a_loss_in_the_end(kind):
    chunk = chunk_expired(25 * HOUR)
    tried(media_of(chunk), after_expiry=HOUR, error_kind=kind, error="So it is.")
    assert losses.sweep() == 1
    loss = Loss.objects.get()
    assert loss.cause == LossCause.OWN_FAULT
    assert "So it is." in loss.evidence


def test_a_file_of_a_resource_without_key_waits_long_and_is_then_lost():
    chunk = chunk_expired(23 * HOUR)
    Resource.objects.update(retired_at=clock.now())
    chunk.files.filter(artefact="media").update(
        state=MediaState.RETRIEVING, lease_until=clock.now() - HOUR
    )  # its worker died before
    assert losses.sweep() == 0
    Chunk.objects.update(expires_at=clock.now() - 25 * HOUR)
    assert losses.sweep() == 1
    assert Loss.objects.get().cause == LossCause.OWN_FAULT
    assert "access key" in Loss.objects.get().evidence
    assert media_of(chunk).state == MediaState.LOST


def test_files_that_have_to_wait_do_not_stand_before_others(monkeypatch):
    waiting = chunk_expired(2 * HOUR)
    for artefact in waiting.files.all():
        tried(artefact, after_expiry=HOUR, error_kind="credentials_refused")
    gone = rows.chunk(waiting.recording, index=1, expires_at=clock.now() - HOUR / 2)
    tried(media_of(gone), after_expiry=timedelta(minutes=1), http_status=404)
    monkeypatch.setattr(losses, "BATCH", 1)
    assert losses.sweep() == 1


def test_the_margin_is_never_longer_than_the_retention():
    resource = rows.resource(retention_seconds=20)
    assert losses.margin(resource) == timedelta(seconds=20)


def test_metadata_that_never_came_is_absent_and_no_loss():
    chunk = chunk_expired(HOUR / 2)
    chunk.files.filter(artefact="media").update(state=MediaState.ARCHIVED)
    tried(chunk.files.get(artefact="metadata"), after_expiry=timedelta(minutes=1), http_status=404)
    assert losses.sweep() == 0
    assert chunk.files.get(artefact="metadata").state == MediaState.ABSENT
    assert Recording.objects.get().bucket == Bucket.SECURED


def test_a_loss_is_declared_once():
    chunk_expired(2 * HOUR)
    losses.sweep()
    assert losses.sweep() == 0
    assert Loss.objects.count() == 1


def test_an_ended_recording_that_no_event_spoke_of_is_lost_after_its_window():
    recording = rows.recording(RecordingState.ENDED, ended_at=clock.now() - timedelta(hours=26))
    assert losses.sweep() == 1
    loss = Loss.objects.get()
    assert (loss.recording, loss.cause, loss.chunk_index) == (recording, LossCause.NO_FILE_EVENT, None)


def test_an_ended_recording_is_waited_for_until_then():
    rows.recording(RecordingState.ENDED, ended_at=clock.now() - timedelta(hours=24))
    assert losses.sweep() == 0


def test_chunks_that_must_have_existed_are_lost():
    recording = rows.recording(RecordingState.ENDED)
    for index, reason in ((0, "ChunkMaximumSizeExceeded"), (2, "ChunkMaximumSizeExceeded")):
        chunk = rows.chunk(recording, index=index, end_reason=reason, expires_at=clock.now() - 2 * HOUR)
        rows.set_files(chunk, MediaState.ARCHIVED)
    assert losses.sweep() == 2
    assert sorted(Loss.objects.values_list("chunk_index", "cause")) == [(1, "missing_chunk"), (3, "missing_chunk")]


def test_missing_chunks_are_waited_for_while_they_may_come():
    recording = rows.recording(RecordingState.ENDED)
    chunk = rows.chunk(recording, index=1, expires_at=clock.now() - HOUR / 2)
    rows.set_files(chunk, MediaState.ARCHIVED)
    assert losses.sweep() == 0


def test_a_late_event_recovers_what_was_lost():
    recording = rows.recording(RecordingState.ENDED)
    losses.declare(recording, cause=LossCause.NO_FILE_EVENT, evidence="silence")
    rows.chunk(recording)
    assert losses.recover(recording, chunk_index=0, because="It came after all.") == 1
    assert Loss.objects.get().recovered_at
    assert Recording.objects.get().bucket == Bucket.IN_TEMPORARY_STORAGE


def test_a_recovered_file_is_tried_again():
    chunk = chunk_expired(2 * HOUR)
    losses.sweep()
    losses.recover(chunk.recording, chunk_index=0, because="An operator asked.")
    assert media_of(chunk).state == MediaState.ANNOUNCED
    assert MediaFile.objects.due().filter(pk=media_of(chunk).pk).exists()


def test_recovering_nothing_changes_nothing():
    recording = rows.recording(RecordingState.ENDED)
    assert losses.recover(recording, chunk_index=0, because="nothing") == 0


def test_a_damaged_archived_file_is_fetched_again_while_the_service_has_it():
    recording = rows.recording(RecordingState.ENDED)
    chunk = rows.chunk(recording, expires_at=clock.now() + HOUR)
    rows.set_files(chunk, MediaState.ARCHIVED)
    assert losses.damaged(media_of(chunk), evidence="The disk ate it.")
    assert media_of(chunk).state == MediaState.ANNOUNCED
    assert Loss.objects.get().cause == LossCause.ARCHIVE_DAMAGED


def test_a_damaged_archived_file_that_expired_is_lost():
    recording = rows.recording(RecordingState.ENDED)
    chunk = rows.chunk(recording, expires_at=clock.now() - HOUR)
    rows.set_files(chunk, MediaState.ARCHIVED)
    losses.damaged(media_of(chunk), evidence="The disk ate it.")
    assert media_of(chunk).state == MediaState.LOST


def test_a_file_that_was_archived_meanwhile_is_not_declared_lost():
    chunk = chunk_expired(HOUR)
    stale = media_of(chunk)
    MediaFile.objects.filter(pk=stale.pk).update(state=MediaState.ERASED)
    said = losses.declare(chunk.recording, cause=LossCause.EXPIRED, evidence="?", chunk_index=0, media_file=stale)
    assert said is None
    assert not Loss.objects.exists()
