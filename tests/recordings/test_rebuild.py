"""Dropping every row and making them anew from the archive gives the same rows and the same ledger."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from recordings import ledger, losses, manifest, rebuild, storage
from recordings.models import (
    Adoption,
    Attempt,
    Call,
    Chunk,
    Command,
    EventSource,
    Loss,
    MediaFile,
    Notification,
    NotificationDelivery,
    Participant,
    PauseInterval,
    Presence,
    Recording,
    RecordingParticipant,
    Resource,
    StateChange,
)
from recordings.states import AttemptOutcome, LossCause, MediaState, RecordingState
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (
    Resource,
    EventSource,
    Call,
    Participant,
    Presence,
    Recording,
    RecordingParticipant,
    Adoption,
    Notification,
    NotificationDelivery,
    Command,
    Chunk,
    MediaFile,
    Attempt,
    PauseInterval,
    StateChange,
    Loss,
)
CHANGES = manifest.LEFT_OUT | {"version"}


def everything() -> dict[str, list[str]]:
    """All rows without what a rebuild leaves out, and without numbers that only count rows."""
    return {model.__name__: sorted(_text(row) for row in model.objects.all()) for model in TABLES}


def _text(row) -> str:
    columns = {
        field.name: field.value_from_object(row)
        for field in row._meta.concrete_fields
        if field.name not in CHANGES and not (field.primary_key and isinstance(row.pk, int))
    }
    return json.dumps(columns, default=str, sort_keys=True)


def drop_all() -> None:
    for model in reversed(TABLES):
        model.objects.all().delete()
    assert not Recording.objects.exists()


def write_all() -> None:
    for recording in manifest.stale(100):
        manifest.write(recording)


@pytest.fixture
def operator(db):
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def told(secured, operator):
    """A secured recording with a call, people, a command, deliveries, an adoption and a loss that was recovered."""
    recording = secured.recording
    call = Call.objects.create(resource=secured.resource, server_call_id="server", started_at=rows.NOON)
    person = Participant.objects.get(raw_id="8:acs:one")
    Presence.objects.create(call=call, participant=person, joined_at=rows.NOON)
    source = EventSource.objects.create(resource=secured.resource, kind="event_grid", address="http://grid.test")
    entry = rows.notification(recording, source=source)
    NotificationDelivery.objects.create(notification=entry, source=source, delivery_count=2)
    Command.objects.create(
        resource=secured.resource,
        recording=recording,
        verb="start",
        state="confirmed",
        identity=recording.identity,
        requested_by=operator,
        body={"pauseOnStart": False},
    )
    Adoption.objects.create(resource=secured.resource, identity=recording.identity, how=Adoption.How.WATCHED)
    Recording.objects.filter(pk=recording.pk).update(call=call, started_by=operator)
    losses.declare(recording, cause=LossCause.MISSING_CHUNK, evidence="gap", chunk_index=0)
    losses.recover(recording, chunk_index=0, because="it came")
    write_all()
    return secured


def test_all_rows_come_back(told):
    before, read = everything(), ledger.read()
    drop_all()
    report = rebuild.rebuild()
    assert (report.rebuilt, report.files, report.problems) == (1, 2, [])
    assert everything() == before
    after = ledger.read()
    assert (after.balanced, after.buckets, after.files, after.known) == (True, read.buckets, read.files, read.known)


def test_recordings_without_a_file_come_back_too(resource):
    for state in (RecordingState.ACTIVE, RecordingState.PAUSED, RecordingState.ENDED):
        rows.notification(rows.recording(state, resource=resource))
    lost = rows.recording(RecordingState.ENDED, resource=resource)
    rows.notification(lost)
    losses.declare(lost, cause=LossCause.NO_FILE_EVENT, evidence="silence")
    write_all()
    before, read = everything(), ledger.read()
    drop_all()
    assert rebuild.rebuild().rebuilt == 4
    assert everything() == before
    assert (ledger.read().balanced, ledger.read().buckets) == (True, read.buckets)


def test_what_is_there_already_is_left_alone(told):
    report = rebuild.rebuild()
    assert (report.rebuilt, report.known_already) == (0, 1)


def known_again(told, *, state: MediaState = MediaState.ANNOUNCED) -> Recording:
    """The recording's row and chunk as its file event makes them when the database is new."""
    resource = Resource.objects.create(endpoint=told.resource.endpoint, key=told.resource.key, retention_seconds=86_400)
    columns = {"recording_id": told.recording.recording_id, "identity": told.recording.identity, "resource": resource}
    again = rows.recording(RecordingState.ENDED, **columns)
    rows.set_files(rows.chunk(again, document_id=told.chunk.document_id), state)
    return again


@pytest.mark.parametrize("state", [MediaState.ANNOUNCED, MediaState.RETRIEVING, MediaState.LOST])
def test_a_recording_that_was_known_again_before_is_joined_with_what_the_archive_holds(told, state):
    drop_all()
    known_again(told, state=state)
    report = rebuild.rebuild()
    assert (report.rebuilt, report.joined, report.problems) == (1, 1, [])
    (row,) = Recording.objects.all()
    assert (row.pk, row.identity, row.recording_id) == (
        told.recording.pk,
        told.recording.identity,
        told.recording.recording_id,
    )
    assert set(MediaFile.objects.values_list("pk", "state")) == {
        (told.media.pk, "archived"),
        (told.metadata.pk, "archived"),
    }
    assert (ledger.read().balanced, ledger.read().known, row.bucket) == (True, 1, "secured")
    write_all()
    assert rebuild.rebuild().known_already == 1


def test_what_was_archived_again_stays_when_the_manifest_holds_less(scene, settings):
    write_all()
    drop_all()
    again = known_again(scene)
    key = f"{manifest.folder(again)}/again.mp4"
    storage.put_text(key, "again")
    size, sha256 = 5, storage.digest(key)[0]
    MediaFile.objects.update(state=MediaState.ARCHIVED, archive_key=key, size=size, sha256=sha256)
    report = rebuild.rebuild()
    assert (report.joined, report.problems) == (1, [])
    assert {(file.archive_key, file.state) for file in MediaFile.objects.all()} == {(key, "archived")}
    assert Recording.objects.get().pk == scene.recording.pk
    assert ledger.read().balanced


def test_shared_rows_may_have_other_ids_by_now(told):
    drop_all()
    resource = Resource.objects.create(endpoint=told.resource.endpoint, key=told.resource.key, retention_seconds=86_400)
    rebuild.rebuild()
    assert Recording.objects.get().resource == resource
    assert ledger.read().balanced


@pytest.mark.parametrize("known", ["", "Ada"])
def test_the_newest_name_of_a_person_comes_back_to_one_who_is_known_again(told, known):
    heard = {"display_name": "Ada Lovelace", "named_at": rows.NOON}
    Participant.objects.filter(raw_id="8:acs:one").update(**heard)
    Recording.objects.update(version=50)
    write_all()
    drop_all()
    again = known_again(told)
    earlier = rows.NOON - timedelta(days=1) if known else None
    Participant.objects.create(resource=again.resource, raw_id="8:acs:one", display_name=known, named_at=earlier)
    assert rebuild.rebuild().problems == []
    assert Participant.objects.values("display_name", "named_at").get(raw_id="8:acs:one") == heard


def test_an_operator_who_is_gone_is_left_out(told):
    drop_all()
    get_user_model().objects.all().delete()
    rebuild.rebuild()
    assert Command.objects.get().requested_by is None


def test_a_retrieval_that_was_under_way_begins_again(scene):
    MediaFile.objects.filter(pk=scene.media.pk).update(state=MediaState.RETRIEVING, attempt=1)
    Attempt.objects.create(media_file=scene.media, number=1, worker="gone")
    write_all()
    drop_all()
    rebuild.rebuild()
    assert MediaFile.objects.get(artefact="media").state == MediaState.FAILED
    assert Attempt.objects.get().outcome == AttemptOutcome.LAPSED


def test_an_object_that_was_stored_and_not_yet_archived_counts_as_archived(secured):
    MediaFile.objects.filter(pk=secured.media.pk).update(state=MediaState.RETRIEVED)
    Recording.objects.update(version=50)
    write_all()
    drop_all()
    rebuild.rebuild()
    assert MediaFile.objects.get(artefact="media").state == MediaState.ARCHIVED
    assert ledger.read().balanced


def test_an_object_that_has_gone_is_named(secured, settings):
    Path(settings.ARCHIVE_DIR, secured.media.archive_key).unlink()
    drop_all()
    assert secured.media.archive_key in rebuild.rebuild().problems[0]


def test_a_manifest_that_cannot_be_read_keeps_none_of_the_others_back(told, settings, capsys):
    other = Path(settings.ARCHIVE_DIR, "other/2026/01/01/x/manifest-000000000001.json")
    other.parent.mkdir(parents=True)
    other.write_text("{not json")
    drop_all()
    with pytest.raises(SystemExit):
        call_command("rebuild")
    said = capsys.readouterr()
    assert "1 recordings with 2 files rebuilt" in said.out
    assert "other/2026/01/01/x" in said.err


@pytest.mark.parametrize("document", ["[]", '{"format": 99}', '{"format": 1, "recording": 5, "version": 1}'])
def test_a_document_of_another_shape_is_no_manifest(document):
    storage.put_text("a/manifest-000000000001.json", document)
    assert len(rebuild.rebuild().problems) == 1


def test_a_recording_that_nothing_else_attests_is_adopted(scene):
    write_all()
    drop_all()
    key = next(rebuild.newest_manifests())
    document = json.loads(storage.read_bytes(key)) | {"notifications": [], "deliveries": []}
    storage.archive().delete(key)
    storage.put_text(key, json.dumps(document))
    rebuild.rebuild()
    assert Adoption.objects.get().how == Adoption.How.REBUILT


def test_only_the_newest_manifest_is_kept(secured):
    Recording.objects.update(version=99)
    key = manifest.write(secured.recording)
    assert [found for _, found in manifest.versions(manifest.folder(secured.recording))] == [key]
    assert key.endswith("manifest-000000000099.json")


def test_writing_the_same_version_twice_changes_nothing(secured):
    key = manifest.write(secured.recording)
    before = storage.read_bytes(key)
    assert manifest.write(secured.recording) == key
    assert storage.read_bytes(key) == before


def test_a_manifest_tells_no_callback_secret(scene):
    Recording.objects.update(callback_secret="hush-hush", version=7)
    assert b"hush-hush" not in storage.read_bytes(manifest.write(scene.recording))


def test_a_late_manifest_does_not_outlive_a_newer_one(secured):
    Recording.objects.update(version=99)
    manifest.write(secured.recording)
    assert not manifest.stale(10).exists()
    Recording.objects.update(version=100)
    assert [row.pk for row in manifest.stale(10)] == [secured.recording.pk]


@pytest.mark.parametrize("in_archive", ["a later one", "none"])
def test_manifests_of_another_moment_than_the_database_are_written_anew(secured, in_archive):
    (number, key) = manifest.versions(manifest.folder(secured.recording))[-1]
    later = f"{manifest.folder(secured.recording)}/manifest-{number + 5:012d}.json"
    if in_archive == "a later one":
        storage.put_text(later, storage.read_bytes(key).decode().replace("SessionEnded", "from the future"))
    storage.archive().delete(key)
    assert manifest.renew_where_astray() == 1
    write_all()
    assert manifest.renew_where_astray() == 0
    (written,) = [key for _, key in manifest.versions(manifest.folder(secured.recording))]
    assert written > later if in_archive == "a later one" else written
    assert b"from the future" not in storage.read_bytes(written)
    assert ledger.read().balanced
