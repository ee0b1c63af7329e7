"""Archived files are read back from time to time."""

from datetime import timedelta
from pathlib import Path

import pytest

from recordings import clock, manifest, storage, tasks
from recordings.models import Chunk, Loss, MediaFile
from recordings.pipeline import verify
from recordings.states import LossCause, MediaState

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


def test_the_task_verifies(old):
    tasks.verify(str(old.media.pk))
    old.media.refresh_from_db()
    assert old.media.verified_at > clock.now() - timedelta(minutes=1)
