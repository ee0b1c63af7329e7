"""Makes the rows anew from the manifests in the archive. Recordings that have their row already are left alone.

One that became known again under another id, because the service announced it once more, is joined with its manifest.

What a manifest cannot carry over is set right: claims and running attempts of the lost installation are over, what is
in the archive counts as archived, and everything else is retrieved again. A manifest that cannot be read is named; it
keeps none of the others back.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Field, ForeignKey, Model

from recordings import adoption, buckets, calls, clock, manifest, storage, twins
from recordings.manifest import Row
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
from recordings.states import AttemptOutcome, MediaState

M = TypeVar("M", bound=Model)

BECAUSE = "Rebuilt from its manifest."


class Unusable(Exception):
    """A manifest that cannot be read; the message says why."""


@dataclass(kw_only=True)
class Report:
    """What a rebuild did. `problems` are sentences."""

    rebuilt: int = 0
    known_already: int = 0
    joined: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)


def rebuild() -> Report:
    """Reads the newest manifest of every recording in the archive, but not those of entries joined with another."""
    report = Report()
    newest = list(newest_manifests())
    joined = _joined(newest) | _joined_here()
    for key in newest:
        if key.rpartition("/")[0] in joined:
            continue
        try:
            with transaction.atomic():
                joined |= _rebuild(_read(key), report)
        except (Unusable, IntegrityError, ValueError, KeyError, TypeError) as error:
            report.problems.append(f"{key} could not be used: {error}")
    return report


def newest_manifests() -> Iterator[str]:
    """The key of the newest manifest in each folder of the archive."""
    newest: dict[str, str] = {}
    for key in storage.walk():
        place, _, name = key.rpartition("/")
        if manifest.NAME.match(name):
            newest[place] = max(key, newest.get(place, ""))
    yield from newest.values()


def _joined(keys: list[str]) -> set[str]:
    """Folders whose recording is told by another manifest, because the two turned out to be one."""
    folders: set[str] = set()
    for key in keys:
        with contextlib.suppress(Unusable):  # it is named when its turn comes
            told = _read(key).get("recording")
            joined = told.get("joined_folders") if isinstance(told, dict) else None
            folders |= {str(place) for place in joined} if isinstance(joined, list) else set()
    return folders


def _joined_here() -> set[str]:
    """The same, as the rows tell it."""
    told = Recording.objects.exclude(joined_folders=[]).values_list("joined_folders", flat=True)
    return {str(place) for places in told for place in places}


def _read(key: str) -> dict[str, object]:
    try:
        document = json.loads(storage.read_bytes(key))
    except (OSError, ValueError) as error:
        raise Unusable(f"it is no JSON document ({error})") from error
    if not isinstance(document, dict) or document.get("format") != manifest.FORMAT:
        raise Unusable("its format is not known")
    return document


class _Rows:
    """The rows of one manifest on their way into tables whose shared rows may be there under other ids."""

    def __init__(self, document: dict[str, object]) -> None:
        self._document = document
        self._ids: dict[str, object] = {}
        self._users = {user.get_username(): user.pk for user in get_user_model()._default_manager.all()}

    def table(self, name: str) -> list[Row]:
        rows = self._document[name]
        if not isinstance(rows, list):
            raise Unusable(f"{name} is no list")
        return rows

    def one(self, name: str) -> Row:
        row = self._document[name]
        if not isinstance(row, dict):
            raise Unusable(f"{name} is no row")
        return row

    def has(self, name: str) -> bool:
        return bool(self._document[name])

    def build(self, model: type[M], row: Row) -> M:
        """An unsaved row; ids of shared rows are replaced by those they have here."""
        columns: dict[str, object] = {}
        for column in model._meta.concrete_fields:
            if column.name in row:
                columns[column.attname] = self._value(column, row[column.name])
        return model(**columns)

    def _value(self, column: "Field[object, object]", value: object) -> object:
        if value is None:
            return None
        if column.related_model is get_user_model():
            return self._users.get(str(value))
        if isinstance(column, ForeignKey):
            return self._ids.get(str(value)) or column.target_field.to_python(value)
        return column.to_python(value)

    def share(self, model: type[M], row: Row, *natural: str) -> tuple[M, bool]:
        """The row of `model` with the same natural key, and whether it had to be made."""
        built = self.build(model, row)
        found = model._default_manager.filter(**{name: getattr(built, name) for name in natural}).first()
        if found is None:
            built.save(force_insert=True)
        if "id" in row:
            self._ids[str(row["id"])] = (found or built).pk
        return found or built, found is None

    def add(self, model: type[M], name: str) -> None:
        """All rows of one table, as they were."""
        model._default_manager.bulk_create([self.build(model, row) for row in self.table(name)])


def _rebuild(document: dict[str, object], report: Report) -> set[str]:
    """Makes the rows of one manifest; returns the folders of the entries that its recording was joined with."""
    rows = _Rows(document)
    told = rows.one("recording")
    if Recording.objects.filter(pk=UUID(str(told["id"]))).exists():
        report.known_already += 1
        return set()
    _shared(rows)
    recording = rows.build(Recording, told)
    recording.manifest_version = int(str(document["version"]))
    adoption.take_turn(recording.resource_id)
    documents = [str(row["document_id"]) for row in rows.table("chunks")]
    same = twins.of(recording, documents)
    names = manifest.identities(recording)
    aside = twins.make_room(recording, same, documents)
    recording.save(force_insert=True)
    _evidence(rows, recording, names)
    for model, name in _OWN_ROWS:
        rows.add(model, name)
    for file in MediaFile.objects.filter(chunk__recording=recording).select_related("chunk__recording"):
        report.files += 1
        _set_right(file, report)
    buckets.settle(recording)
    if same:
        twins.join(recording, same, aside)
    report.joined += len(same)
    report.rebuilt += 1
    return {manifest.folder(twin) for twin in same}


_OWN_ROWS: tuple[tuple[type[Model], str], ...] = (
    (Command, "commands"),
    (Chunk, "chunks"),
    (MediaFile, "files"),
    (Attempt, "attempts"),
    (PauseInterval, "pauses"),
    (RecordingParticipant, "cast"),
    (StateChange, "changes"),
    (Loss, "losses"),
)
"""Rows that belong to one recording alone, in an order in which each finds what it points to."""


def _shared(rows: _Rows) -> None:
    """What several recordings have in common."""
    rows.share(Resource, rows.one("resource"), "endpoint")
    for source in rows.table("sources"):
        rows.share(EventSource, source, "resource_id", "kind", "address")
    if rows.has("call"):
        call = rows.one("call")
        rows.share(Call, call, "resource_id", "server_call_id" if call["server_call_id"] else "remote_call_id")
    for participant in rows.table("participants"):
        person, made = rows.share(Participant, participant, "resource_id", "raw_id")
        told = rows.build(Participant, participant)
        if not made and told.named_at:  # another manifest, or the metadata alone, may not have known the name
            calls.remember_person(person.resource, person.raw_id, display_name=told.display_name, at=told.named_at)
    for stay in rows.table("presences"):
        rows.share(Presence, stay, "call_id", "participant_id", "joined_at", "left_at")


def _evidence(rows: _Rows, recording: Recording, names: list[str]) -> None:
    """The inbox entries and adoptions; and an adoption more when nothing else attests the recording."""
    new: set[object] = set()
    for told in rows.table("notifications"):
        entry, made = rows.share(Notification, told, "resource_id", "event_id", "body_hash")
        new |= {entry.pk} if made else set()
    for told in rows.table("deliveries"):
        delivery = rows.build(NotificationDelivery, told)
        if delivery.notification_id in new:
            delivery.save(force_insert=True)
    for told in rows.table("adoptions"):
        rows.share(Adoption, told, "resource_id", "identity", "how")
    here = {"resource": recording.resource_id, "identity__in": names}
    attested = Notification.objects.filter(**here).exists() or Adoption.objects.filter(**here).exists()
    if names and not attested and not any(row["identity"] in names for row in rows.table("commands")):
        Adoption.objects.create(resource_id=recording.resource_id, identity=names[0], how=Adoption.How.REBUILT)


def _set_right(file: MediaFile, report: Report) -> None:
    """What the manifest could not foresee about one file."""
    file.attempts.filter(outcome=AttemptOutcome.RUNNING).update(outcome=AttemptOutcome.LAPSED, finished_at=clock.now())
    there = bool(file.archive_key) and _in_archive(file)
    if file.state == MediaState.ARCHIVED and not there:
        report.problems.append(f"{file.archive_key} is archived, says the manifest, and is not in the archive.")
    if there and file.state == MediaState.RETRIEVED:
        _correct(file, MediaState.ARCHIVED)
    elif file.state in {MediaState.RETRIEVED, MediaState.RETRIEVING}:
        _correct(file, MediaState.FAILED)


def _in_archive(file: MediaFile) -> bool:
    try:
        return storage.archive().size(file.archive_key) == file.size
    except OSError:
        return False


def _correct(file: MediaFile, to: MediaState) -> None:
    """Not a step but a correction: the worker that was in the middle of it is gone with its database."""
    MediaFile.objects.filter(pk=file.pk).update(state=to, next_attempt_at=None, spool_name="")
    StateChange.objects.create(recording=file.chunk.recording, media_file=file, old=file.state, new=to, because=BECAUSE)
