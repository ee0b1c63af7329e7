"""How a recording becomes known, learns its real id, and how two rows that turn out to be one recording become one row.

An event names its recording in one of three ways: by `recordingId`; by the call's `callId` and the start of the
recording (events of 2021-04 have no `recordingId`); or only by the `documentId` of a chunk. Whichever comes first makes
the row; a later event that names it better completes the row, or merges it into the row that has the better name.
"""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from recordings import buckets, calls, identities, manifest, moves
from recordings.models import Call, Command, Notification, Recording, Resource, StateChange
from recordings.states import CommandState, RecordingState

SAME_START = timedelta(seconds=2)
"""Within this of each other, two starts that the service told of one call are the start of one recording."""
SAME_START_BY_OUR_CLOCK = timedelta(seconds=30)
"""The same, when one of the two was taken from our own clock because no file has told it yet."""
CLEARLY_FURTHER = timedelta(seconds=10)
"""A second candidate must be this much further away, or neither is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one event, or one operator, tells about which recording is meant."""

    resource: Resource
    recording_id: str = ""
    call_id: str = ""
    call: Call | None = None
    started_at: datetime | None = None
    document_ids: Collection[str] = ()

    @property
    def identity(self) -> str:
        """The best name that this sighting can give a recording."""
        if self.recording_id:
            return identities.by_recording_id(self.recording_id)
        if self.call_id and self.started_at:
            return identities.by_call(self.call_id, self.started_at)
        return identities.by_document(min(self.document_ids)) if self.document_ids else ""


def take_turn(resource_id: UUID) -> None:
    """Waits until nobody else works out who is who at that resource; holds until the end of the transaction.

    Two events that name one call in different ways find nothing when they look at the same moment, and would make two
    calls of it. Take the turn before any other lock, or two processes may wait for each other.
    """
    Resource.objects.select_for_update(no_key=True).get(pk=resource_id)


def recognise(sighting: Sighting, *, notification: Notification | None = None) -> Recording | None:
    """The recording that is meant, if it is known; joined or given its real id when this sighting brings it out."""
    rows = _provisional(sighting) or _in_call(sighting)
    if sighting.recording_id:
        found = _named(sighting.resource, sighting.recording_id)
    else:
        found = next((row for row in rows if row.recording_id is not None), None)
    for row in rows:
        if row.recording_id is None:
            found = merge(row, into=found, notification=notification) if found else row
    if found is None:
        return None
    if sighting.recording_id:
        return name(found, sighting.recording_id, notification=notification)
    return _better_named(found, sighting.identity)


def adopt(
    sighting: Sighting,
    *,
    origin: Recording.Origin,
    state: RecordingState,
    because: str,
    notification: Notification | None = None,
    happened_at: datetime | None = None,
) -> Recording:
    """The row for a recording that nobody here started. When another process just made it, that row."""
    row, made = Recording.objects.get_or_create(
        resource=sighting.resource,
        identity=sighting.identity,
        defaults={
            "recording_id": identities.normalised(sighting.recording_id) or None,
            "recording_id_sent": sighting.recording_id,
            "remote_call_id": sighting.call_id,
            "call": sighting.call,
            "started_at": sighting.started_at,
            "origin": origin,
            "state": state,
        },
    )
    if made:
        StateChange.objects.create(
            recording=row, new=state, because=because, notification=notification, happened_at=happened_at
        )
        buckets.settle(row)
        row.refresh_from_db()
    return row


def name(recording: Recording, recording_id: str, *, notification: Notification | None = None) -> Recording:
    """Gives `recording` its real id, and returns the row to go on with: another one when that id had a row already.

    Does nothing to a recording that has an id; ids do not change.
    """
    if recording.recording_id is not None:
        return recording
    with transaction.atomic():
        owner = _named(recording.resource, recording_id)
        if owner is not None:
            return merge(recording, into=owner, notification=notification)
        facts = {
            "recording_id": identities.normalised(recording_id),
            "recording_id_sent": recording_id,
            "identity": identities.by_recording_id(recording_id),
            "former_identity": recording.identity,
        }
        Recording.objects.filter(pk=recording.pk, recording_id=None).update(**facts)
        _rename_in_inbox(recording, facts["identity"])
        buckets.settle(recording)
    recording.refresh_from_db()
    return recording


def merge(one: Recording, *, into: Recording, notification: Notification | None = None) -> Recording:
    """Makes one row of two that are the same recording, and returns it.

    A row that an operator's command made is kept, because pages and commands point to it; otherwise `into` is.
    Everything that hangs on the other row moves over, facts that only the other row has are taken, and the further
    state wins. What was archived of the other row stays where it is; its manifests go once the kept row has a new one.
    """
    kept, gone = (one, into) if one.origin == Recording.Origin.OPERATOR != into.origin else (into, one)
    with transaction.atomic():
        locked = Recording.objects.select_for_update(no_key=True).in_bulk([kept.pk, gone.pk])
        if gone.pk not in locked or kept.pk not in locked or kept.pk == gone.pk:
            return Recording.objects.get(pk=(locked.get(kept.pk) or locked[gone.pk]).pk)
        kept, gone = locked[kept.pk], locked[gone.pk]
        _close_open_command(gone, kept)
        _move_dependents(gone, kept)
        facts = _joined_facts(kept, gone)
        gone.delete()
        Recording.objects.filter(pk=kept.pk).update(**facts)
        for row in (kept, gone):
            _rename_in_inbox(row, str(facts["identity"]))
        kept.refresh_from_db()
        StateChange.objects.create(
            recording=kept,
            old=kept.state,
            new=kept.state,
            because="Two entries turned out to be one recording and were joined.",
            notification=notification,
        )
        if _rank(gone) > _rank(kept):
            because = "Taken over from the entry that was joined with this one."
            moves.recording(kept, RecordingState(gone.state), because=because, notification=notification)
        buckets.settle(kept)
    kept.refresh_from_db()
    return kept


def meet(resource: Resource, *, server_call_id: str = "", call_id: str = "", correlation_id: str = "") -> Call | None:
    """The call that these ids name, locked and made when it is new; recordings that this brings together are joined."""
    call, brought_together = calls.recognise(
        resource, server_call_id=server_call_id, call_id=call_id, correlation_id=correlation_id
    )
    if call is not None and brought_together:
        _reunite(call)
    return call


def place(recording: Recording, call: Call | None) -> None:
    """Puts a recording of no known call into `call`."""
    if call is not None and recording.call_id is None:
        Recording.objects.filter(pk=recording.pk).update(call=call)
        recording.refresh_from_db()
        buckets.settle(recording)


def _reunite(call: Call) -> None:
    """Merges recordings of `call` that were known by `callId` only with those of the same start that have a real id."""
    nameless = Recording.objects.filter(call=call, recording_id=None).exclude(identity="")
    for row in nameless:
        for twin in _begun_at(row.began_at, Recording.objects.filter(call=call, recording_id__isnull=False)):
            merge(row, into=twin)


def _named(resource: Resource, recording_id: str) -> Recording | None:
    return Recording.objects.filter(resource=resource, recording_id=identities.normalised(recording_id)).first()


def _provisional(sighting: Sighting) -> list[Recording]:
    """Rows that this sighting's documents, or its call and start, belong to; the oldest first."""
    match = Q(chunks__document_id__in=sighting.document_ids)
    if sighting.call_id and sighting.started_at:
        identity = identities.by_call(sighting.call_id, sighting.started_at)
        match |= Q(identity=identity) | Q(former_identity=identity)
    return list(Recording.objects.filter(match, resource=sighting.resource).distinct().order_by("requested_at", "id"))


def _in_call(sighting: Sighting) -> list[Recording]:
    """The recording of the sighting's call that began when the sighting says, if there is one."""
    if sighting.call is None or sighting.started_at is None:
        return []
    others = Recording.objects.filter(call=sighting.call).exclude(identity="")
    if sighting.recording_id:
        others = others.filter(recording_id=None)
    return _begun_at(sighting.started_at, others)


def _begun_at(start: datetime, rows: QuerySet[Recording]) -> list[Recording]:
    told_by_the_service = _nearest(start, rows, within=SAME_START)
    return told_by_the_service or _nearest(start, rows.filter(chunks=None), within=SAME_START_BY_OUR_CLOCK)


def _nearest(start: datetime, rows: QuerySet[Recording], *, within: timedelta) -> list[Recording]:
    """The row that began nearest to `start`, unless another one began almost as near."""
    begun = rows.annotate(begun=Coalesce("started_at", "requested_at"))
    near = begun.filter(begun__range=(start - within, start + within))
    ranked = sorted(((abs(row.began_at - start), row.pk, row) for row in near), key=lambda each: each[:2])
    if len(ranked) > 1 and ranked[1][0] - ranked[0][0] < CLEARLY_FURTHER:
        return []
    return [row for _, _, row in ranked[:1]]


def _better_named(recording: Recording, identity: str) -> Recording:
    """A recording known by a document only takes the name that call and start give it: other chunks come under that."""
    if recording.identity.startswith("d:") and identity.startswith("c:"):
        Recording.objects.filter(pk=recording.pk).update(identity=identity)
        _rename_in_inbox(recording, identity)
        recording.refresh_from_db()
    return recording


def _rename_in_inbox(recording: Recording, identity: str) -> None:
    """Inbox entries go by the name that the recording has now, so that the ledger counts it once."""
    if recording.identity and recording.identity != identity:
        Notification.objects.filter(resource=recording.resource_id, identity=recording.identity).update(
            identity=identity
        )
        Command.objects.filter(resource=recording.resource_id, identity=recording.identity).update(identity=identity)


def _close_open_command(gone: Recording, kept: Recording) -> None:
    """One command at a time may be open on a recording."""
    if kept.commands.open().exists():
        for command in gone.commands.open():
            moves.command(
                command,
                CommandState.CONTRADICTED,
                error="The entry it was sent from turned out to be another entry's recording.",
            )


def _move_dependents(gone: Recording, kept: Recording) -> None:
    """Re-parents every row that points to `gone`; one that `kept` has already goes with `gone`."""
    for relation in Recording._meta.related_objects:
        rows = relation.related_model._default_manager
        for row in rows.filter(**{relation.field.name: gone}):
            with contextlib.suppress(IntegrityError), transaction.atomic():
                rows.filter(pk=row.pk).update(**{relation.field.name: kept})


_FIRST_SAID = (
    "call_id",
    "recording_id",
    "recording_id_sent",
    "remote_call_id",
    "started_by_id",
    "callback_secret",
    "content_type",
    "channel_type",
    "format_type",
    "started_at",
    "ended_at",
    "duration_ms",
    "session_end_reason",
)


def _joined_facts(kept: Recording, gone: Recording) -> dict[str, object]:
    facts: dict[str, object] = {
        field: getattr(kept, field) or getattr(gone, field) for field in _FIRST_SAID if not getattr(kept, field)
    }
    real = next((row for row in (kept, gone) if row.recording_id is not None), kept)
    facts["identity"] = real.identity or kept.identity or gone.identity
    formers = (gone.former_identity, gone.identity, kept.former_identity, kept.identity)
    facts["former_identity"] = next((each for each in formers if each and not each.startswith("r:")), "")
    facts["joined_folders"] = [*kept.joined_folders, manifest.folder(gone), *gone.joined_folders]
    facts["paused_ms"] = max(kept.paused_ms, gone.paused_ms)
    heard = max((row for row in (kept, gone) if row.confirmed_at), key=lambda row: str(row.confirmed_at), default=kept)
    facts |= {"confirmed_at": heard.confirmed_at, "remote_state": heard.remote_state}
    return facts


def _rank(recording: Recording) -> int:
    """How far a recording has come: a state that can only follow another ranks above it."""
    order = (RecordingState.REQUESTED, RecordingState.FAILED, RecordingState.ACTIVE, RecordingState.ENDED)
    state = RecordingState(recording.state)
    return order.index(state) if state in order else order.index(RecordingState.ACTIVE)
