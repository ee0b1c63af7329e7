"""From the spool into the archive: write-once, verified, and the same object whoever does it how often."""

import errno
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from recordings import clock, storage
from recordings.models import Condition, MediaFile, Participant, PauseInterval
from recordings.pipeline import archive, claims, retrieve, spool
from recordings.states import Bucket, MediaState

pytestmark = pytest.mark.django_db(transaction=True)


class FullDisk(FileSystemStorage):
    """An archive on a disk without room."""

    full = True

    def _save(self, name, content):
        if FullDisk.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._save(name, content)


class Forgetful(storage.ArchiveFiles):
    """An archive that loses the last byte of what it stores."""

    def _save(self, name, content):
        saved = super()._save(name, content)
        path = Path(self.path(name))
        path.write_bytes(path.read_bytes()[:-1])
        return saved


class Broken(storage.ArchiveFiles):
    """An archive whose backend has faults of its own."""

    def _save(self, *arguments):
        raise RuntimeError(f"token expired at {arguments[0]}")


def use(settings, backend: type) -> None:
    options = settings.STORAGES["archive"]["OPTIONS"]
    name = f"{backend.__module__}.{backend.__qualname__}"
    settings.STORAGES = {**settings.STORAGES, "archive": {"BACKEND": name, "OPTIONS": options}}


@pytest.fixture
def retrieved(scene):
    for file in (scene.media, scene.metadata):
        assert retrieve.retrieve(claims.claim(file)) == MediaState.RETRIEVED
        file.refresh_from_db()
    return scene


def objects() -> list[str]:
    return [key for key in storage.walk() if "manifest" not in key]


def test_a_file_lies_under_a_key_that_its_content_determines(retrieved):
    assert archive.archive(retrieved.media)
    retrieved.media.refresh_from_db()
    recording = retrieved.recording
    day = recording.requested_at.strftime("%Y/%m/%d")
    expected = f"{retrieved.resource.key}/{day}/{recording.pk}/0-{retrieved.media.sha256[:8]}.mp4"
    assert retrieved.media.archive_key == expected
    assert storage.read_bytes(expected) == retrieved.body


def test_an_archived_recording_is_secured_and_leaves_the_spool(secured, spool):
    secured.recording.refresh_from_db()
    assert secured.recording.bucket == Bucket.SECURED
    assert list(spool.iterdir()) == []
    assert secured.media.verified_at


def test_files_of_the_archive_are_for_their_owner_only(secured, settings):
    path = Path(settings.ARCHIVE_DIR) / secured.media.archive_key
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_archiving_twice_leaves_one_object(retrieved):
    assert archive.archive(retrieved.media)
    assert not archive.archive(retrieved.media)
    assert len(objects()) == 1


def test_a_worker_that_died_after_storing_is_followed_by_one_that_stores_nothing_more(retrieved):
    storage.put(archive.key_for(retrieved.media), storage.spool_path(retrieved.media.spool_name))
    assert archive.archive(retrieved.media)
    assert len(objects()) == 1


def test_a_damaged_object_under_the_key_is_not_overwritten(retrieved):
    key = archive.key_for(retrieved.media)
    storage.put_text(key, "not the recording")
    assert archive.archive(retrieved.media)
    retrieved.media.refresh_from_db()
    assert storage.read_bytes(key) == b"not the recording"
    assert retrieved.media.archive_key == archive.key_for(retrieved.media, 2)


def test_an_archive_that_changes_the_bytes_is_found_out(retrieved, settings):
    use(settings, Forgetful)
    assert not archive.archive(retrieved.media)
    retrieved.media.refresh_from_db()
    assert retrieved.media.state == MediaState.FAILED
    assert objects() == []


def test_a_spooled_file_that_has_gone_is_retrieved_again(retrieved):
    storage.spool_path(retrieved.media.spool_name).unlink()
    assert not archive.archive(retrieved.media)
    retrieved.media.refresh_from_db()
    assert retrieved.media.state == MediaState.FAILED
    assert retrieve.retrieve(claims.claim(retrieved.media)) == MediaState.RETRIEVED


def test_a_full_archive_is_a_condition_and_work_goes_on_by_itself(retrieved, settings):
    FullDisk.full = True
    use(settings, FullDisk)
    assert not archive.archive(retrieved.media)
    assert Condition.objects.open().get().kind == Condition.Kind.DISK_FULL
    assert list(archive.pending(10)) == []
    retrieved.media.refresh_from_db()
    assert (retrieved.media.state, retrieved.media.error_kind) == (MediaState.RETRIEVED, "archive")
    FullDisk.full = False
    past = clock.now() - timedelta(seconds=1)
    Condition.objects.open().update(probe_at=past)
    MediaFile.objects.update(next_attempt_at=past)
    spool.probe_disk()
    assert not Condition.objects.open().exists()
    assert all(archive.archive(file) for file in archive.pending(10))


def test_a_fault_of_the_storage_backend_is_told_and_tried_again(retrieved, settings, caplog):
    use(settings, Broken)
    assert not archive.archive(retrieved.media)
    retrieved.media.refresh_from_db()
    assert "token expired" in retrieved.media.error
    assert retrieved.media.next_attempt_at > clock.now()


def test_metadata_teaches_times_pauses_and_people(secured):
    secured.chunk.refresh_from_db()
    assert secured.chunk.duration_ms == 3000
    assert secured.chunk.start_time.isoformat() == "2026-06-01T12:00:00.132139+00:00"
    assert PauseInterval.objects.get(chunk=secured.chunk).duration_ms == 1000
    cast = secured.recording.cast.order_by("participant__raw_id")
    assert [(each.participant.raw_id, each.channel) for each in cast] == [("8:acs:one", None), ("8:acs:two", 1)]
    assert Participant.objects.count() == 2


def test_metadata_fills_in_what_the_event_left_out(secured):
    secured.recording.refresh_from_db()
    assert secured.recording.remote_call_id == "43563209-4ec6-4119-be5b-88398cda2caf"
    assert secured.recording.content_type == "audioVideo"


def test_parts_that_no_row_speaks_of_are_swept(secured, spool):
    (spool / storage.part_name(secured.media.pk, 1)).write_bytes(b"left over")
    assert archive.sweep_spool() == 1
    assert list(spool.iterdir()) == []


def test_parts_of_a_waiting_file_are_kept(scene, spool):
    storage.spool_path(storage.part_name(scene.media.pk, 1)).write_bytes(b"half")
    assert archive.sweep_spool() == 0
