"""The manifest beside the media: everything that is known about one recording, enough to rebuild its rows.

Each manifest is written once, under a name with the version of the recording that it describes; the highest wins.
Older ones are removed once a newer one lies there, and so are those of entries that were joined with the recording.
Nothing in it is a secret: callback secrets are left out.
"""

import contextlib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import F, Model, Q, QuerySet, Value
from django.db.models.functions import Greatest

from recordings import clock, crashpoints, storage
from recordings.models import (
    Adoption,
    Attempt,
    Chunk,
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
    StateChange,
)

FORMAT = 1
NAME = re.compile(r"^manifest-(\d{12})\.json$")
LEFT_OUT = {"callback_secret", "manifest_version", "lease_owner", "lease_until", "offered_at"}
"""Columns that are secret, or mean nothing outside of the running installation."""

Row = dict[str, object]


def folder(recording: Recording) -> str:
    """Where everything of a recording lies in the archive. It never changes: its day is when it became known here."""
    return f"{recording.resource.key}/{recording.requested_at:%Y/%m/%d}/{recording.pk}"


def stale(limit: int) -> QuerySet[Recording]:
    """Recordings that changed since their newest manifest was written."""
    return Recording.objects.filter(manifest_version__lt=F("version")).order_by("id")[:limit]


def renew_where_astray() -> int:
    """Marks recordings as changed whose newest manifest is not the one that their row knows; returns how many.

    So it is after a restore, where database and archive are of different moments. The new version is above every number
    in the folder: a number that is taken would not be written again.
    """
    count = 0
    for row in Recording.objects.select_related("resource").iterator(chunk_size=500):
        newest = max((number for number, _ in versions(folder(row))), default=0)
        if newest != row.manifest_version:
            above = Greatest(F("version"), Value(newest)) + 1
            count += Recording.objects.filter(pk=row.pk).update(version=above, manifest_version=0)
    return count


def write(recording: Recording) -> str:
    """Writes the manifest of the recording's present version, unless it is there already; returns its key."""
    fresh = Recording.objects.select_related("resource", "call").get(pk=recording.pk)
    place = folder(fresh)
    key = f"{place}/manifest-{fresh.version:012d}.json"
    crashpoints.reach("manifest.before_write")
    if not storage.archive().exists(key):
        # One row per line: people read it, and programs that compare texts do too.
        text = json.dumps(describe(fresh), indent=1, ensure_ascii=False)
        with contextlib.suppress(storage.KeyTaken):  # another worker wrote the same version at the same moment
            storage.put_text(key, text)
    crashpoints.reach("manifest.after_write")
    outdated = [older for number, older in versions(place) if number < fresh.version]
    for joined in fresh.joined_folders:
        outdated += [older for _, older in versions(joined)]
    for older in outdated:
        storage.archive().delete(older)
    Recording.objects.filter(pk=fresh.pk, manifest_version__lt=fresh.version).update(manifest_version=fresh.version)
    crashpoints.reach("manifest.after_commit")
    return key


def versions(place: str) -> list[tuple[int, str]]:
    """The manifests in one folder of the archive: version and key, the oldest first."""
    try:
        names = storage.archive().listdir(place)[1]
    except FileNotFoundError:
        return []
    return sorted((int(found[1]), f"{place}/{name}") for name in names if (found := NAME.match(name)))


def describe(recording: Recording) -> dict[str, object]:
    """All rows of a recording, as they are now."""
    users: dict[object, str] = {user.pk: user.get_username() for user in get_user_model()._default_manager.all()}

    def table(rows: Iterable[Model]) -> list[Row]:
        return [_row(row, users) for row in rows]

    notifications = list(_notifications(recording).order_by("received_at", "id"))
    appearances = list(RecordingParticipant.objects.filter(recording=recording).order_by("id"))
    presences = list(Presence.objects.filter(call=recording.call_id).order_by("id")) if recording.call_id else []
    people = {each.participant_id for each in appearances} | {each.participant_id for each in presences}
    sources = {each.source_id for each in notifications if each.source_id}
    chunks = Chunk.objects.filter(recording=recording).order_by("index", "id")
    return {
        "format": FORMAT,
        "written_at": clock.now().isoformat(),
        "version": recording.version,
        "resource": _row(recording.resource, users),
        "sources": table(EventSource.objects.filter(pk__in=sources).order_by("pk")),
        "call": _row(recording.call, users) if recording.call else None,
        "participants": table(Participant.objects.filter(pk__in=people).order_by("pk")),
        "presences": table(presences),
        "recording": _row(recording, users),
        "adoptions": table(_adoptions(recording)),
        "notifications": table(notifications),
        "deliveries": table(NotificationDelivery.objects.filter(notification__in=notifications).order_by("id")),
        "commands": table(recording.commands.order_by("requested_at", "id")),
        "chunks": table(chunks),
        "files": table(MediaFile.objects.filter(chunk__in=chunks).order_by("chunk__index", "artefact", "id")),
        "attempts": table(Attempt.objects.filter(media_file__chunk__in=chunks).order_by("id")),
        "pauses": table(PauseInterval.objects.filter(chunk__in=chunks).order_by("id")),
        "cast": table(appearances),
        "changes": table(StateChange.objects.filter(recording=recording).order_by("id")),
        "losses": table(Loss.objects.filter(recording=recording).order_by("id")),
    }


def identities(recording: Recording) -> list[str]:
    """Under what names the recording is or was known."""
    return [name for name in (recording.identity, recording.former_identity) if name]


def _adoptions(recording: Recording) -> QuerySet[Adoption]:
    return Adoption.objects.filter(resource=recording.resource, identity__in=identities(recording)).order_by("id")


def _notifications(recording: Recording) -> QuerySet[Notification]:
    """Whatever the inbox holds about the recording, and whatever its chunks and its history point to."""
    spoken_of = Q(recording=recording) | Q(resource=recording.resource, identity__in=identities(recording))
    pointed_at = Q(pk__in=recording.chunks.values("announced_by")) | Q(pk__in=recording.changes.values("notification"))
    return Notification.objects.filter(spoken_of | pointed_at).distinct()


def _row(row: Model, users: dict[object, str]) -> Row:
    """The columns of one row by field name; operators by their user name, everything else by value."""
    columns: Row = {}
    for field in row._meta.concrete_fields:
        if field.name in LEFT_OUT or (field.primary_key and not isinstance(row.pk, UUID)):
            continue
        value = field.value_from_object(row)
        if field.related_model is get_user_model():
            value = users.get(value)
        columns[field.name] = _plain(value)
    return columns


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
