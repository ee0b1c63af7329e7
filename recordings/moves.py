"""The only way a recording, a file or a command changes its state: a guarded update and, with it, a history row."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Model, QuerySet

from recordings import buckets, states
from recordings.models import Command, MediaFile, Notification, Recording, StateChange
from recordings.states import CommandState, MediaState, RecordingState


class Reason(TypedDict, total=False):
    """Who or what caused a step. `because` is a sentence for the history; the rest points at evidence."""

    because: str
    by: AbstractBaseUser | None
    command: Command | None
    notification: Notification | None
    happened_at: datetime | None


def recording(
    row: Recording, to: RecordingState, *, facts: dict[str, object] | None = None, **reason: Unpack[Reason]
) -> bool:
    """Moves `row` to `to` if a legal step leads there; True when this call moved it.

    `facts` are further columns to set in the same update. The row is refreshed either way.
    """
    with transaction.atomic():
        old = _advance(Recording.objects.filter(pk=row.pk), to, states.RECORDING_STEPS[to], facts or {})
        if old is not None:
            StateChange.objects.create(recording=row, old=old, new=to, **reason)
            buckets.settle(row)
    row.refresh_from_db()
    return old is not None


def born(row: Recording, **reason: Unpack[Reason]) -> None:
    """Writes the first history row of a recording just created, and settles it. Call it inside that transaction."""
    StateChange.objects.create(recording=row, old="", new=row.state, **reason)
    buckets.settle(row)


def media_file(
    row: MediaFile,
    to: MediaState,
    *,
    facts: dict[str, object] | None = None,
    attempt: int | None = None,
    **reason: Unpack[Reason],
) -> bool:
    """Moves a file likewise.

    With `attempt`, only while that attempt is the newest: a slow worker cannot overwrite its successor.
    """
    newest = {} if attempt is None else {"attempt": attempt}
    with transaction.atomic():
        rows = MediaFile.objects.filter(pk=row.pk, **newest)
        old = _advance(rows, to, states.MEDIA_STEPS[to], facts or {})
        if old is not None:
            owner = row.chunk.recording
            StateChange.objects.create(recording=owner, media_file=row, old=old, new=to, **reason)
            buckets.settle(owner)
    row.refresh_from_db()
    return old is not None


def command(row: Command, to: CommandState, **facts: object) -> bool:
    """Moves a command; commands are their own history, so no further row is written."""
    with transaction.atomic():
        old = _advance(Command.objects.filter(pk=row.pk), to, states.COMMAND_STEPS[to], facts)
        if old is not None:
            Recording.objects.filter(pk=row.recording_id).update(version=F("version") + 1)
    row.refresh_from_db()
    return old is not None


def _advance(row: QuerySet[Model], to: StrEnum, origins: Collection[StrEnum], facts: dict[str, object]) -> str | None:
    """Compares and sets the one row that `row` selects: the state it left, or none when no step was legal."""
    while (old := row.values_list("state", flat=True).first()) in origins:
        if row.filter(state=old).update(state=to, **facts):
            return str(old)
    return None
