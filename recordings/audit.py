"""Holds rows, inbox and archive against each other, and names whatever disagrees. It reads and changes nothing."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, QuerySet

from recordings import buckets, manifest, storage
from recordings.acs import envelopes, messages
from recordings.acs.envelopes import Misunderstood
from recordings.models import (
    Adoption,
    Attempt,
    Chunk,
    Command,
    Loss,
    MediaFile,
    Notification,
    NotificationDelivery,
    Recording,
    StateChange,
)
from recordings.states import Bucket, CommandVerb, MediaState, NotificationState

PAGE = 500
"""Recordings looked at in one go."""
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_DEPTH = 4
"""Folders above that of a recording: resource, year, month, day."""

Name = tuple[UUID, str]
"""A resource and an identity."""


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """One thing that does not fit. `id` is what to look for: a row's id, a document id or an identity."""

    kind: str
    id: str
    message: str


@dataclass(kw_only=True)
class Findings:
    """What one look found."""

    known: int = 0
    documents: int = 0
    objects_read: int = 0
    objects_matching: int = 0
    buckets: Counter[str] = field(default_factory=Counter)
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, kind: str, key: object, message: str) -> None:
        self.disagreements.append(Disagreement(kind=kind, id=str(key), message=message))


def look(*, verify: bool = False) -> Findings:
    """Everything, once. With `verify`, archived objects are read and hashed; else their sizes are compared."""
    found = Findings()
    evidence = _evidence()
    rows: set[UUID] = set()
    joined: set[str] = set()
    for page in _pages(Recording.objects.select_related("resource").order_by("pk")):
        rows |= {row.pk for row in page}
        joined |= {place for row in page for place in row.joined_folders}
        _recordings(page, evidence, found)
        _files(page, found, verify=verify)
    for _, identity in sorted(evidence, key=str):
        found.add("recording_missing", identity, f"The evidence knows the recording {identity}, and no row does.")
        found.known += 1
    _documents(found)
    _loose_ends(found)
    _archived_without_row(rows, joined, found)
    return found


def _evidence() -> set[Name]:
    """Every identity that an event, an acknowledged start or an adoption speaks of."""
    inbox = Notification.objects.exclude(identity="").order_by().values_list("resource_id", "identity").distinct()
    starts = Command.objects.filter(verb=CommandVerb.START).exclude(identity="").values_list("resource_id", "identity")
    return {*inbox.iterator(), *starts.iterator(), *Adoption.objects.values_list("resource_id", "identity").iterator()}


def _pages(rows: "QuerySet[Recording]") -> Iterator[list[Recording]]:
    walk = rows.iterator(chunk_size=PAGE)
    while page := list(islice(walk, PAGE)):
        yield page


def _recordings(page: list[Recording], evidence: set[Name], found: Findings) -> None:
    """Buckets decided anew, and evidence crossed off as its row is met."""
    facts = buckets.gather(page)
    for row in page:
        names = {(row.resource_id, name) for name in manifest.identities(row)}
        attested = bool(names & evidence)
        evidence -= names
        bucket = buckets.decide(facts[row.pk])
        if (bucket or "") != row.bucket:
            found.add("bucket", row.pk, f"Recording {row.pk} stands in {row.bucket!r}; its facts say {bucket!s}.")
        if bucket is None:
            if attested:
                found.known += 1
                found.add("uncounted", row.pk, f"Recording {row.pk} is known and stands in no bucket.")
            continue
        found.buckets[bucket] += 1
        found.known += attested
        if not attested:
            found.add("no_evidence", row.pk, f"No event, start or adoption speaks of recording {row.pk}.")
        if bucket == Bucket.LOST and not facts[row.pk].lost:
            found.add("loss_missing", row.pk, f"Recording {row.pk} is lost, and no row says why.")


def _files(page: list[Recording], found: Findings, *, verify: bool) -> None:
    """Each chunk has its two files, each archived file its object, each recording its manifest."""
    chunks = Chunk.objects.filter(recording__in=page).select_related("recording__resource").order_by("pk")
    files: dict[UUID, list[MediaFile]] = defaultdict(list)
    for file in MediaFile.objects.filter(chunk__recording__in=page).order_by("pk"):
        files[file.chunk_id].append(file)
    for chunk in chunks:
        for artefact in {*MediaFile.Artefact.values} - {file.artefact for file in files[chunk.pk]}:
            told = f"Chunk {chunk.pk} (document {chunk.document_id}) has no row for its {artefact}."
            found.add("file_missing", chunk.pk, told)
        for file in files[chunk.pk]:
            if file.state == MediaState.ARCHIVED:
                _archived(file, chunk, found, verify=verify)
    for row in page:
        if row.manifest_version and not manifest.versions(manifest.folder(row)):
            found.add("manifest_missing", row.pk, f"Recording {row.pk} has no manifest in {manifest.folder(row)}.")


def _archived(file: MediaFile, chunk: Chunk, found: Findings, *, verify: bool) -> None:
    wrong = _object(file, verify=verify)
    found.objects_read += verify
    found.objects_matching += verify and not wrong
    if wrong:
        found.add("archive", file.pk, f"File {file.pk} of recording {chunk.recording_id}: {wrong}")


def _object(file: MediaFile, *, verify: bool) -> str:
    """What is wrong with the archived object of `file`; empty when nothing is."""
    if not file.archive_key:
        return "it is archived, and its key is not known."
    try:
        size = storage.archive().size(file.archive_key)
        sha256 = storage.digest(file.archive_key)[0] if verify else file.sha256
    except FileNotFoundError:
        return f"{file.archive_key} is not in the archive."
    except OSError as error:
        return f"{file.archive_key} cannot be read: {error}."
    if (size, sha256) != (file.size, file.sha256):
        return f"{file.archive_key} has changed: {size} bytes, SHA-256 {sha256}."
    return ""


def _documents(found: Findings) -> None:
    """Every document that a processed file event names is a chunk."""
    told: dict[tuple[UUID, str], UUID] = {}
    processed = Notification.objects.filter(
        event_type__iendswith="RecordingFileStatusUpdated",
        state__in=[NotificationState.PROCESSED, NotificationState.FAILED],
        recording__isnull=False,
    )
    for row in processed.only("pk", "resource_id", "body").iterator():
        told |= {(row.resource_id, document): row.pk for document in _named_documents(row)}
    chunks = set(Chunk.objects.order_by().values_list("resource_id", "document_id").iterator())
    for (resource, document), notification in told.items():
        if (resource, document) not in chunks:
            message = f"Notification {notification} announced document {document}, and no chunk has it."
            found.add("chunk_missing", document, message)
    found.documents = len(chunks | set(told))


def _named_documents(row: Notification) -> list[str]:
    try:
        message = messages.parse(envelopes.open_envelope(envelopes.read(row.body)))
    except Misunderstood:
        return []
    return [chunk.document_id for chunk in message.chunks] if isinstance(message, messages.FileEvent) else []


def _loose_ends(found: Findings) -> None:
    """Rows that point to rows which are gone."""
    for model, field_name, target in (
        (Chunk, "announced_by", Notification),
        (StateChange, "notification", Notification),
        (NotificationDelivery, "notification", Notification),
        (Notification, "recording", Recording),
        (Chunk, "recording", Recording),
        (Command, "recording", Recording),
        (StateChange, "recording", Recording),
        (Loss, "recording", Recording),
        (MediaFile, "chunk", Chunk),
        (Attempt, "media_file", MediaFile),
    ):
        for gone, pointing in _dangling(model, field_name, target):
            name = target._meta.verbose_name
            found.add(
                f"{target._meta.model_name}_missing",
                gone,
                f"The {name} {gone} is gone; {model._meta.verbose_name} {pointing} still points to it.",
            )


def _dangling(model: type[Model], field_name: str, target: type[Model]) -> list[tuple[object, object]]:
    there = Exists(target._default_manager.filter(pk=OuterRef(f"{field_name}_id")))
    rows = model._default_manager.filter(~there, **{f"{field_name}_id__isnull": False}).order_by("pk")
    first: dict[object, object] = {}
    for gone, pointing in rows.values_list(f"{field_name}_id", "pk"):
        first.setdefault(gone, pointing)
    return list(first.items())


def _archived_without_row(rows: Collection[UUID], joined: Collection[str], found: Findings) -> None:
    """Folders of the archive that belong to no recording, not even by having been joined with it."""
    for name, place in _folders("", _DEPTH):
        if _UUID.match(name) and UUID(name) not in rows and place not in joined:
            found.add("recording_missing", name, f"The archive holds recording {name} in {place}, and no row does.")


def _folders(prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    """Name and place of the folders `depth` levels below `prefix`."""
    try:
        names = sorted(storage.archive().listdir(prefix)[0])
    except FileNotFoundError:
        return
    for name in names:
        place = f"{prefix}/{name}" if prefix else name
        if depth:
            yield from _folders(place, depth - 1)
        else:
            yield name, place
