"""Rows with sensible defaults, so that a test states only what matters to it."""

import itertools
from datetime import UTC, datetime, timedelta

from django.db import transaction

from recordings import buckets, identities
from recordings.models import Chunk, MediaFile, Notification, Recording, Resource
from recordings.states import MediaState, RecordingState

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def resource(**columns: object) -> Resource:
    number = next(_numbers)
    defaults = {"endpoint": f"http://acs-{number}.test", "key": f"acs-{number}", "retention_seconds": 86_400}
    return Resource.objects.create(**defaults | columns)


def recording(state: RecordingState = RecordingState.ACTIVE, **columns: object) -> Recording:
    """A recording with a `recordingId`, settled into its bucket."""
    remote_id = f"recording-{next(_numbers)}"
    defaults = {
        "recording_id": remote_id,
        "identity": identities.by_recording_id(remote_id),
        "origin": Recording.Origin.FILE_EVENT,
        "started_at": NOON,
        "state": state,
    }
    columns.setdefault("resource", None)
    columns["resource"] = columns["resource"] or resource()
    row = Recording.objects.create(**defaults | columns)
    _settle(row)
    row.refresh_from_db()
    return row


def chunk(recording: Recording, index: int = 0, **columns: object) -> Chunk:
    """A chunk with its two file rows, both announced; its notification lies in the inbox."""
    evidence = notification(recording)
    defaults = {
        "document_id": f"0-eus-d1-{next(_numbers):032x}",
        "end_reason": "SessionEnded",
        "announced_at": NOON,
        "announced_by": evidence,
        "expires_at": NOON + timedelta(days=1),
        "expires_basis": Chunk.ExpiryBasis.EVENT_TIME,
    }
    row = Chunk.objects.create(resource=recording.resource, recording=recording, index=index, **defaults | columns)
    for artefact in MediaFile.Artefact.values:
        MediaFile.objects.create(chunk=row, artefact=artefact)
    _settle(recording)
    return row


def notification(recording: Recording, **columns: object) -> Notification:
    number = next(_numbers)
    defaults = {
        "event_id": f"event-{number}",
        "body_hash": f"{number:064x}",
        "body": "{}",
        "schema": "cloudevents",
        "event_type": "Microsoft.Communication.RecordingFileStatusUpdated",
        "identity": recording.identity,
        "recording": recording,
        "state": "processed",
    }
    return Notification.objects.create(resource=recording.resource, **defaults | columns)


def set_files(chunk: Chunk, state: MediaState) -> None:
    """Puts both files of `chunk` into `state` directly, for tests about what follows from it."""
    chunk.files.update(state=state)
    _settle(chunk.recording)


def _settle(recording: Recording) -> None:
    """In a transaction, as the product does it: PostgreSQL locks rows in no other way."""
    with transaction.atomic():
        buckets.settle(recording)
