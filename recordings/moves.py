"""The only way a recording, a file or a command changes its state: a guarded update and, with it, a history row."""

from datetime import datetime
from typing import TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

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
    row: Recording,
    to: RecordingState,
    *,
    facts: dict[str, object] | None = None,
    **reason: Unpack[Reason],
) -> bool:
    """Moves `row` to `to` if a legal step leads there; True when this call moved it.

    `facts` are further columns to set in the same update. The row is refreshed either way.
    """
    return _step(row, to, states.RECORDING_STEPS[to], facts or {}, reason)


def media_file(
    row: MediaFile,
    to: MediaState,
    *,
    facts: dict[str, object] | None = None,
    attempt: int | None = None,
    **reason: Unpack[Reason],
) -> bool:
    """Moves a file likewise. With `attempt`, only while that attempt is still the newest: a slow worker cannot overwrite its successor."""
    guard = {} if attempt is None else {"attempt": attempt}
    return _step(row, to, states.MEDIA_STEPS[to], facts or {}, reason, guard)


def command(row: Command, to: CommandState, **facts: object) -> bool:
    """Moves a command; commands are their own history, so no further row is written."""
    allowed = states.COMMAND_STEPS[to]
    with transaction.atomic():
        moved = (
            Command.objects.filter(pk=row.pk, state__in=allowed).update(
                state=to, **facts
            )
            == 1
        )
        if moved:
            Recording.objects.filter(pk=row.recording_id).update(
                version=F("version") + 1
            )
    row.refresh_from_db()
    return moved


def _step(
    row: Recording | MediaFile,
    to: RecordingState | MediaState,
    allowed: frozenset[RecordingState] | frozenset[MediaState],
    facts: dict[str, object],
    reason: Reason,
    guard: dict[str, int] | None = None,
) -> bool:
    owner = row if isinstance(row, Recording) else row.chunk.recording
    rows = type(row)._default_manager
    with transaction.atomic():
        moved = False
        old = rows.values_list("state", flat=True).get(pk=row.pk)
        while old in allowed and not moved:
            moved = (
                rows.filter(pk=row.pk, state=old, **(guard or {})).update(
                    state=to, **facts
                )
                == 1
            )
            if not moved:
                seen = rows.values_list("state", flat=True).get(pk=row.pk)
                if seen == old:  # the guard, not the state, refused
                    break
                old = seen
        if moved:
            changed_file = None if isinstance(row, Recording) else row
            StateChange.objects.create(
                recording=owner, media_file=changed_file, old=old, new=to, **reason
            )
            buckets.settle(owner)
    row.refresh_from_db()
    return moved
