"""How calls are recognised across events, and who was in them when."""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import OuterRef, Q, Value
from django.db.models.functions import Coalesce

from recordings.models import Call, Participant, Presence, Recording, Resource
from recordings.models.call import CallQuerySet

_EVER = datetime(1900, 1, 1, tzinfo=UTC)
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)


def recognise(
    resource: Resource, *, server_call_id: str = "", call_id: str = "", correlation_id: str = ""
) -> tuple[Call | None, bool]:
    """The call that these ids name, locked, made when it is new; none when they name none.

    The second value tells whether a call known only by its `callId` has just turned out to be this one. `callId` is
    compared with `correlationId` (azure-rest-api-specs' CallEnded sample calls it so), never with `serverCallId`.
    """
    aliases = {alias for alias in (call_id, correlation_id) if alias}
    if not server_call_id:
        return (_by_alias(resource, aliases, call_id) if call_id else None), False
    found = Call.objects.filter(resource=resource, server_call_id__in=_spellings(server_call_id)).first()
    nameless = _only(Call.objects.filter(resource=resource, server_call_id="", remote_call_id__in=aliases))
    if found is None and nameless is not None:
        Call.objects.filter(pk=nameless.pk).update(server_call_id=server_call_id)
        return _completed(nameless, call_id, correlation_id), True
    if found is None:
        found, _ = Call.objects.get_or_create(resource=resource, server_call_id=server_call_id)
    call = _completed(found, call_id, correlation_id)
    if nameless is not None:
        _absorb(call, nameless)
    return call, nameless is not None


def remember_stay(call: Call, participant: Participant, *, joined: datetime | None, left: datetime | None) -> None:
    """Adds one arrival or departure to what is known of `participant` in the locked `call`.

    Stays are paired anew from all known arrivals and departures, first come first gone, so the order in which events
    arrive does not matter and a repeated one changes nothing.
    """
    known = list(Presence.objects.filter(call=call, participant=participant).order_by("id"))
    joins = {stay.joined_at for stay in known if stay.joined_at} | ({joined} if joined else set())
    leaves = {stay.left_at for stay in known if stay.left_at} | ({left} if left else set())
    stays = pair(joins, leaves)
    if stays == [(stay.joined_at, stay.left_at) for stay in known]:
        return
    Presence.objects.filter(call=call, participant=participant).delete()
    Presence.objects.bulk_create(
        Presence(call=call, participant=participant, joined_at=start, left_at=end) for start, end in stays
    )


def pair(joins: set[datetime], leaves: set[datetime]) -> list[tuple[datetime | None, datetime | None]]:
    """Stays made of arrivals and departures: a departure ends the earliest open stay, or one whose start is unknown."""
    waiting = deque(sorted(joins))
    stays: list[tuple[datetime | None, datetime | None]] = []
    for end in sorted(leaves):
        began = waiting.popleft() if waiting and waiting[0] <= end else None
        stays.append((began, end))
    return stays + [(start, None) for start in waiting]


def remember_person(resource: Resource, raw_id: str, *, display_name: str, at: datetime) -> Participant:
    """The participant with that raw id. The newest name wins, by the time of the events and not by their arrival."""
    person, _ = Participant.objects.get_or_create(resource=resource, raw_id=raw_id)
    if display_name and (person.named_at is None or (at, display_name) > (person.named_at, person.display_name)):
        Participant.objects.filter(pk=person.pk).update(display_name=display_name, named_at=at)
        person.refresh_from_db()
    return person


def during(recording: Recording, stays: Iterable[Presence]) -> list[Presence]:
    """Those of its call's `stays` that fall into the time of `recording`; an end that is not known counts as inside.

    Worked out whenever it is asked, because either time may become known after the other.
    """
    starts, ends = recording.started_at or _EVER, recording.ended_at or _NEVER
    return [stay for stay in stays if (stay.left_at or _NEVER) > starts and (stay.joined_at or _EVER) < ends]


def during_outer_recording() -> Q:
    """The same rule for a subquery on stays whose outer query is on recordings."""
    starts, ends = Coalesce(OuterRef("started_at"), Value(_EVER)), Coalesce(OuterRef("ended_at"), Value(_NEVER))
    inside = (Q(left_at=None) | Q(left_at__gt=starts)) & (Q(joined_at=None) | Q(joined_at__lt=ends))
    return Q(call=OuterRef("call")) & inside


def _spellings(server_call_id: str) -> set[str]:
    """A base64 id with and without its padding: the service writes both."""
    bare = server_call_id.rstrip("=")
    return {server_call_id, bare, bare + "=", bare + "=="}


def _by_alias(resource: Resource, aliases: set[str], call_id: str) -> Call:
    known = Call.objects.filter(resource=resource)
    found = _only(known.filter(remote_call_id__in=aliases)) or _only(known.filter(correlation_id__in=aliases))
    if found is None:
        found, _ = Call.objects.get_or_create(resource=resource, server_call_id="", remote_call_id=call_id)
    return _completed(found, call_id, "")


def _only(rows: CallQuerySet) -> Call | None:
    """The call among `rows` if there is exactly one: an id that two calls share identifies neither."""
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None


def _completed(call: Call, call_id: str, correlation_id: str) -> Call:
    """The call, locked, with ids filled in that were unknown."""
    locked = Call.objects.select_for_update(no_key=True).get(pk=call.pk)
    facts = {}
    if call_id and not locked.remote_call_id:
        facts["remote_call_id"] = call_id
    if correlation_id and not locked.correlation_id:
        facts["correlation_id"] = correlation_id
    if facts:
        Call.objects.filter(pk=locked.pk).update(**facts)
        locked.refresh_from_db()
    return locked


def _absorb(call: Call, nameless: Call) -> None:
    """Moves what hangs on a call known only by its `callId` to the call it turned out to be."""
    Recording.objects.filter(call=nameless).update(call=call)
    for stay in Presence.objects.filter(call=nameless).select_related("participant"):
        remember_stay(call, stay.participant, joined=stay.joined_at, left=stay.left_at)
    nameless.delete()
