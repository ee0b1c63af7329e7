"""The ledger adds up, and what is taken away behind the code's back is named."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from recordings import ledger, manifest, storage
from recordings.models import Adoption, Chunk, MediaFile, Notification, NotificationDelivery, Recording
from recordings.states import Bucket, RecordingState
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


def delete(model, **where) -> None:
    """Deletes rows as somebody with a database prompt would, past every constraint."""
    ((column, value),) = where.items()
    table, field = model._meta.db_table, model._meta.get_field(column)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys = OFF")
        else:
            cursor.execute("SET session_replication_role = replica")
        statement = f"DELETE FROM {table} WHERE {field.column} = %s"  # noqa: S608 - names of our own
        cursor.execute(statement, [field.get_db_prep_value(value, connection)])
        cursor.execute(
            "PRAGMA foreign_keys = ON" if connection.vendor == "sqlite" else "RESET session_replication_role"
        )


def ids(read: ledger.Ledger) -> set[str]:
    return {each.id for each in read.disagreements}


def test_a_secured_recording_balances(secured):
    read = ledger.read()
    assert read.disagreements == []
    assert (read.balanced, read.known, read.buckets["secured"]) == (True, 1, 1)
    assert (read.files["archived"], read.files_known) == (2, 2)


def test_every_bucket_is_counted_once(resource):
    for state in (RecordingState.ACTIVE, RecordingState.PAUSED, RecordingState.STOPPING, RecordingState.ENDED):
        rows.notification(rows.recording(state, resource=resource))
    read = ledger.read()
    assert (read.balanced, read.known) == (True, 4)
    assert (read.buckets["recording"], read.buckets["awaiting_file"]) == (3, 1)


def test_a_start_that_was_never_acknowledged_is_not_known(resource):
    rows.recording(RecordingState.REQUESTED, resource=resource, identity="", recording_id=None)
    assert (ledger.read().known, ledger.read().balanced) == (0, True)


def test_a_former_identity_is_the_same_recording(resource):
    recording = rows.recording(RecordingState.ENDED, resource=resource, former_identity="c:call@2021")
    rows.notification(recording)
    rows.notification(recording, identity="c:call@2021")
    assert (ledger.read().known, ledger.read().balanced) == (1, True)


def test_an_adoption_is_evidence(resource):
    recording = rows.recording(resource=resource)
    Adoption.objects.create(resource=resource, identity=recording.identity, how=Adoption.How.WATCHED)
    assert ledger.read().balanced


def test_a_recording_deleted_behind_its_back_is_named(secured):
    delete(Recording, id=secured.recording.pk)
    read = ledger.read()
    assert not read.balanced
    assert str(secured.recording.pk) in ids(read)
    assert secured.recording.identity in ids(read)


def test_a_recording_deleted_with_all_its_rows_is_named_by_the_archive(secured):
    name = str(secured.recording.pk)
    secured.recording.delete()
    Notification.objects.all().delete()
    read = ledger.read()
    assert not read.balanced
    assert ids(read) == {name}


def test_a_chunk_deleted_behind_its_back_is_named(secured):
    delete(Chunk, id=secured.chunk.pk)
    read = ledger.read()
    assert not read.balanced
    assert str(secured.chunk.pk) in ids(read)


def test_a_chunk_that_an_event_announced_and_no_row_has_is_named(secured):
    body = {
        "type": "Microsoft.Communication.RecordingFileStatusUpdated",
        "specversion": "1.0",
        "id": "e",
        "source": "s",
    }
    chunks = [{"documentId": "0-eus-d1-feed", "index": 0, "contentLocation": "https://a.asm.skype.com/x"}]
    body |= {
        "subject": "/recording/call/c/recordingId/r",
        "data": {"recordingStorageInfo": {"recordingChunks": chunks}},
    }
    rows.notification(secured.recording, body=json.dumps(body))
    read = ledger.read()
    assert not read.balanced
    assert "0-eus-d1-feed" in ids(read)


def test_a_file_row_deleted_behind_its_back_is_named(secured):
    delete(MediaFile, id=secured.media.pk)
    read = ledger.read()
    assert not read.balanced
    assert str(secured.chunk.pk) in ids(read)
    assert str(secured.recording.pk) in ids(read)


def test_an_archived_file_unlinked_behind_its_back_is_named(secured, settings):
    Path(settings.ARCHIVE_DIR, secured.media.archive_key).unlink()
    read = ledger.read()
    assert not read.balanced
    assert str(secured.media.pk) in ids(read)


def test_an_inbox_entry_deleted_behind_its_back_is_named(secured):
    entry = secured.chunk.announced_by_id
    delete(NotificationDelivery, notification=entry)
    delete(Notification, id=entry)
    read = ledger.read()
    assert not read.balanced
    assert str(entry) in ids(read)
    assert str(secured.recording.pk) in ids(read)


def test_a_manifest_deleted_behind_its_back_is_named(secured):
    for _, key in manifest.versions(manifest.folder(secured.recording)):
        storage.archive().delete(key)
    read = ledger.read()
    assert not read.balanced
    assert str(secured.recording.pk) in ids(read)


def test_a_changed_file_is_found_by_verifying(secured, settings):
    path = Path(settings.ARCHIVE_DIR) / secured.media.archive_key
    path.write_bytes(b"x" * path.stat().st_size)
    assert ledger.read().balanced
    read = ledger.read(verify=True)
    assert ids(read) == {str(secured.media.pk)}
    assert (read.objects_read, read.objects_matching) == (2, 1)


def test_a_bucket_that_the_facts_contradict_is_named(secured):
    Recording.objects.update(bucket=Bucket.NO_MEDIA)
    assert str(secured.recording.pk) in ids(ledger.read())


def test_a_loss_without_a_reason_is_named(secured):
    Recording.objects.update(bucket=Bucket.LOST)
    MediaFile.objects.filter(pk=secured.media.pk).update(state="lost")
    assert [each.kind for each in ledger.read().disagreements] == ["loss_missing"]


def test_the_command_answers_in_json(secured, capsys):
    call_command("ledger", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["known"], said["balanced"], said["disagreements"]) == (1, True, [])
    assert said["buckets"]["secured"] == 1
    assert said["last_notification_at"]


def test_the_command_fails_when_something_is_missing(secured, settings, capsys):
    Path(settings.ARCHIVE_DIR, secured.media.archive_key).unlink()
    with pytest.raises(SystemExit) as end:
        call_command("ledger")
    told = capsys.readouterr().out
    assert end.value.code == 1
    assert "NOT BALANCED" in told
    assert str(secured.media.pk) in told


def test_the_command_verifies(secured, capsys):
    call_command("ledger", "--verify", "--json")
    assert json.loads(capsys.readouterr().out)["balanced"]
    call_command("ledger", "--verify")
    assert "2 of 2 archived objects were read and match" in capsys.readouterr().out


def test_the_strip_takes_a_constant_number_of_queries(scene, django_assert_num_queries):
    with django_assert_num_queries(4):
        strip = ledger.strip()
    assert (strip.known, strip.buckets["in_temporary_storage"]) == (1, 1)
    assert strip.next_expiry == scene.chunk.expires_at


def test_nothing_that_is_secured_expires(secured):
    assert ledger.strip().next_expiry is None


def test_metadata_that_is_still_there_expires(secured):
    MediaFile.objects.filter(pk=secured.metadata.pk).update(state="failed")
    assert ledger.strip().next_expiry == secured.chunk.expires_at
