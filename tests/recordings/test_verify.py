"""Archived files are read back from time to time."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from recordings import clock, manifest, storage, tasks
from recordings.models import Chunk, Loss, MediaFile
from recordings.pipeline import leases, verify
from recordings.states import LossCause, MediaState, RecordingState
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def old(secured):
    MediaFile.objects.update(verified_at=clock.now() - timedelta(days=30))
    return secured


def test_a_fresh_verification_is_not_renewed(secured):
    assert not verify.pending(5)


def test_a_whole_file_is_good_for_another_week(old):
    assert [verify.verify(file) for file in verify.pending(5)] == [True, True]
    assert not verify.pending(5)


def test_a_changed_file_is_a_loss_and_fetched_again(old, settings):
    Path(settings.ARCHIVE_DIR, old.media.archive_key).write_bytes(b"rust")
    assert not verify.verify(old.media)
    old.media.refresh_from_db()
    assert (old.media.state, Loss.objects.get().cause) == (MediaState.ANNOUNCED, LossCause.ARCHIVE_DAMAGED)


def test_a_vanished_file_that_expired_is_lost(old, settings):
    Chunk.objects.update(expires_at=clock.now() - timedelta(days=1))
    old.media.chunk.refresh_from_db()
    Path(settings.ARCHIVE_DIR, old.media.archive_key).unlink()
    assert not verify.verify(old.media)
    old.media.refresh_from_db()
    assert old.media.state == MediaState.LOST


def test_an_archive_that_is_not_mounted_is_no_loss(old, caplog):
    for key in [*storage.walk()]:
        storage.archive().delete(key)
    assert not verify.verify(old.media)
    assert not Loss.objects.exists()
    assert manifest.folder(old.recording) in caplog.text
    assert old.media not in verify.pending(5)


def another_secured(like: MediaFile, settings) -> MediaFile:
    """An archived file of another recording, put there before that one was last seen."""
    chunk = rows.chunk(rows.recording(RecordingState.ENDED, resource=like.chunk.resource))
    chunk.files.filter(artefact="metadata").delete()
    key = f"acs/{chunk.pk}/0.mp4"
    storage.put(key, Path(settings.ARCHIVE_DIR, like.archive_key))
    long_ago = clock.now() - timedelta(days=40)
    facts = {"archive_key": key, "sha256": like.sha256, "size": like.size, "archived_at": long_ago}
    chunk.files.update(state=MediaState.ARCHIVED, verified_at=clock.now() - timedelta(days=20), **facts)
    return chunk.files.get()


def test_a_folder_that_vanished_from_an_archive_that_is_there_is_a_loss(old, settings):
    other = another_secured(old.media, settings)
    shutil.rmtree(Path(settings.ARCHIVE_DIR, manifest.folder(old.recording)))
    for file in verify.pending(5):
        verify.verify(file)
    other.refresh_from_db()
    assert other.verified_at > clock.now() - timedelta(minutes=1)
    assert {loss.cause for loss in Loss.objects.all()} == {LossCause.ARCHIVE_DAMAGED}
    assert not verify.pending(5)


def test_new_files_in_the_folder_of_an_archive_that_is_not_mounted_are_no_proof(old, settings):
    other = another_secured(old.media, settings)
    MediaFile.objects.filter(pk=other.pk).update(archived_at=clock.now() - timedelta(days=40))
    shutil.rmtree(settings.ARCHIVE_DIR)
    storage.put_text("acs/new/0.mp4", "put there while it was not mounted")
    assert [verify.verify(file) for file in verify.pending(5)] == [False] * 3
    assert not Loss.objects.exists()


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_it(old, settings):
    path = Path(settings.ARCHIVE_DIR, old.media.archive_key)
    path.unlink()
    path.mkdir()  # reading it is an OSError
    assert sorted(verify.verify(file) for file in verify.pending(5)) == [False, True]
    assert not Loss.objects.exists()
    assert not verify.pending(5)
    old.media.refresh_from_db()
    assert (old.media.lease_until, old.media.next_attempt_at > clock.now()) == (None, True)


def test_a_hint_that_comes_twice_reads_nothing_twice(old):
    assert verify.verify(old.media)
    assert not verify.verify(old.media)


def test_a_file_that_another_worker_reads_is_left_to_it(old):
    MediaFile.objects.update(lease_until=clock.now() + timedelta(seconds=30))
    assert not verify.pending(5)
    assert not verify.verify(old.media)


def test_a_worker_that_is_told_to_end_leaves_the_file_to_another(old):
    leases.stopping.set()
    try:
        assert not verify.verify(old.media)
    finally:
        leases.stopping.clear()
    assert verify.verify(old.media)


def test_a_file_is_read_back_once_more_before_its_temporary_copy_expires(secured, settings):
    MediaFile.objects.update(verified_at=clock.now() - timedelta(hours=20))
    assert not verify.pending(5)
    Chunk.objects.update(expires_at=clock.now() + timedelta(hours=5))
    assert len(verify.pending(5)) == 2
    Path(settings.ARCHIVE_DIR, secured.media.archive_key).write_bytes(b"rust")
    assert sorted(verify.verify(file) for file in verify.pending(5)) == [False, True]
    assert not verify.pending(5)
    secured.media.refresh_from_db()
    assert secured.media.state == MediaState.ANNOUNCED


def test_what_was_deleted_at_the_service_needs_no_last_look(secured):
    MediaFile.objects.update(verified_at=clock.now() - timedelta(hours=20))
    Chunk.objects.update(expires_at=clock.now() + timedelta(hours=5), remote_deleted_at=clock.now())
    assert not verify.pending(5)


def test_the_task_verifies(old):
    tasks.verify(str(old.media.pk))
    old.media.refresh_from_db()
    assert old.media.verified_at > clock.now() - timedelta(minutes=1)
