"""What the database says, without ids made here and without what depends on the order of arrival by design."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from recordings.models import Call, Chunk, MediaFile, Notification, Presence, Recording, RecordingParticipant


@contextmanager
def forgotten() -> Iterator[None]:
    """Whatever happens inside is undone, so that each example of a property begins with an empty database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def facts() -> dict[str, object]:
    """Every fact about recordings, files, calls and people. Who told of a recording first is not among them."""
    return {
        "recordings": _rows(
            Recording.objects,
            *("identity", "recording_id", "remote_call_id", "state", "bucket", "call__server_call_id"),
            *("content_type", "channel_type", "format_type", "started_at", "ended_at", "duration_ms"),
            "session_end_reason",
        ),
        "chunks": _rows(
            Chunk.objects,
            *("recording__identity", "document_id", "index", "end_reason", "announced_at", "expires_at"),
            *("expires_basis", "content_location", "metadata_location", "delete_location"),
        ),
        "files": _rows(MediaFile.objects, "chunk__document_id", "artefact", "state"),
        "calls": _rows(
            Call.objects,
            *("server_call_id", "remote_call_id", "correlation_id", "started_by"),
            *("started_at", "ended_at", "end_reason"),
        ),
        "stays": _rows(
            Presence.objects,
            *("call__server_call_id", "participant__raw_id", "participant__display_name", "joined_at", "left_at"),
        ),
        "cast": _rows(RecordingParticipant.objects, "recording__identity", "participant__raw_id"),
        "inbox": _rows(Notification.objects, "event_id", "event_type", "state", "identity"),
    }


def _rows(manager, *columns) -> Counter:
    return Counter(manager.order_by().values_list(*columns))
