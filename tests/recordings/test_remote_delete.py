"""Nothing is deleted at the service unless configured, verified and decoded."""

from datetime import timedelta
from pathlib import Path

import pytest

from recordings import clock
from recordings.models import Chunk, Condition, MediaFile
from recordings.pipeline import decode, remote_delete
from recordings.states import MediaState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def deletable(secured, settings):
    settings.ACS_DELETE_AFTER_ARCHIVE = True
    decode.decode(secured.media)
    return secured


def deletes(scene) -> int:
    return sum(1 for method, *_ in scene.host.requests if method == "DELETE")


def test_a_verified_and_decoded_chunk_is_deleted(deletable):
    (chunk,) = remote_delete.pending(5)
    assert remote_delete.delete(chunk)
    chunk.refresh_from_db()
    assert chunk.remote_deleted_at
    assert deletes(deletable) == 1
    assert not remote_delete.pending(5)


def test_nothing_is_deleted_unless_configured(deletable, settings):
    settings.ACS_DELETE_AFTER_ARCHIVE = False
    assert not remote_delete.pending(5)


def test_nothing_is_deleted_before_the_full_decode(secured, settings):
    settings.ACS_DELETE_AFTER_ARCHIVE = True
    assert not remote_delete.pending(5)


def test_nothing_is_deleted_while_the_metadata_is_not_archived(deletable):
    MediaFile.objects.filter(pk=deletable.metadata.pk).update(state=MediaState.RETRIEVED)
    assert not remote_delete.pending(5)


def test_a_damaged_copy_keeps_the_original(deletable, settings):
    MediaFile.objects.update(verified_at=clock.now() - timedelta(days=1))
    path = Path(settings.ARCHIVE_DIR, deletable.media.archive_key)
    path.write_bytes(b"x" * path.stat().st_size)
    assert not remote_delete.delete(deletable.chunk)
    assert deletes(deletable) == 0


def test_an_old_verification_is_renewed_before_the_delete(deletable):
    long_ago = clock.now() - timedelta(days=1)
    MediaFile.objects.update(verified_at=long_ago)
    assert remote_delete.delete(deletable.chunk)
    deletable.media.refresh_from_db()
    assert deletable.media.verified_at > long_ago


def test_an_implausible_duration_keeps_the_original(deletable):
    Chunk.objects.update(duration_ms=90_000)
    deletable.chunk.refresh_from_db()
    assert not remote_delete.delete(deletable.chunk)


def test_a_broken_decode_keeps_the_original(deletable):
    MediaFile.objects.filter(pk=deletable.media.pk).update(findings=[f"3 packets {decode.BROKEN}."])
    assert not remote_delete.delete(deletable.chunk)


@pytest.mark.parametrize("place", ["/v1/objects/0-eus-d1-other", "/calling/recordings/{}", "/v1/objects/{}.other"])
def test_a_location_that_names_another_document_is_left_alone(deletable, place):
    document = deletable.chunk.document_id
    Chunk.objects.update(delete_location=deletable.host.endpoint + place.format(document))
    deletable.chunk.refresh_from_db()
    assert not remote_delete.delete(deletable.chunk)
    assert deletes(deletable) == 0


def test_what_is_gone_already_counts_as_deleted(deletable):
    del deletable.host.documents[f"/v1/objects/{deletable.chunk.document_id}"]
    assert remote_delete.delete(deletable.chunk)


def test_an_unreachable_service_is_asked_later(deletable):
    deletable.host.__exit__()
    assert not remote_delete.delete(deletable.chunk)
    assert remote_delete.pending(5)
    assert Condition.objects.open().exists()
    assert not remote_delete.delete(deletable.chunk)
