"""Calls and the people in them: who is there, who joined, who left, and the events that say so."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_acs import events, problems
from local_acs.database import resource_id
from local_acs.identifiers import (
    new_conversation_url,
    new_guid,
    new_participant_id,
    normal_server_call_id,
    server_call_id,
)
from local_acs.models import Call, Participant
from local_acs.outbox import Outbox
from local_acs.start_request import CallReference


def begin_call(
    session: Session,
    outbox: Outbox,
    names: Sequence[str],
    *,
    now: datetime,
    ends_at: datetime | None = None,
    room_id: str | None = None,
    directed: bool = False,
) -> Call:
    """Start a call with the people in `names`; the first of them started it."""
    resource = resource_id(session)
    people = [
        Participant(participant_id=new_participant_id(resource), display_name=name, joined_at=now) for name in names
    ]
    call = Call(
        call_id=new_guid(),
        server_call_id=server_call_id(new_conversation_url()),
        group_id=new_guid(),
        room_id=room_id,
        connection_id=new_guid(),
        started_by=people[0].participant_id if people else new_participant_id(resource),
        started_at=now,
        ends_at=ends_at,
        directed=directed,
        participants=people,
    )
    session.add(call)
    session.flush()
    outbox.event(session, events.call_started(call, now), now=now)
    for person in people:
        outbox.event(session, events.participant_added(call, person, now), now=now)
    return call


def end_call(session: Session, outbox: Outbox, call: Call, *, now: datetime) -> None:
    """End `call`; everybody still there leaves with it."""
    if call.ended_at is not None:
        return
    call.ended_at = now
    for person in present(call):
        person.left_at = now
    outbox.event(session, events.call_ended(call, now), now=now)


def join(session: Session, outbox: Outbox, call: Call, display_name: str, *, now: datetime) -> Participant:
    person = Participant(
        call=call,
        participant_id=new_participant_id(resource_id(session)),
        display_name=display_name,
        joined_at=now,
    )
    session.add(person)
    session.flush()
    outbox.event(session, events.participant_added(call, person, now), now=now)
    return person


def leave(session: Session, outbox: Outbox, person: Participant, *, now: datetime) -> None:
    person.left_at = now
    outbox.event(session, events.participant_removed(person.call, person, now), now=now)


def present(call: Call) -> list[Participant]:
    return [person for person in call.participants if person.left_at is None]


def live_calls(session: Session) -> Sequence[Call]:
    return session.scalars(select(Call).where(Call.ended_at.is_(None)).order_by(Call.id)).all()


def find_live_call(session: Session, identifier: str) -> Call | None:
    """A live call by its server call id (any base64 spelling) or its call id."""
    found = _by_server_call_id(session, identifier)
    if found is None:
        found = session.scalar(select(Call).where(Call.call_id == identifier.lower()))
    return None if found is None or found.ended_at is not None else found


def referenced_call(session: Session, reference: CallReference) -> Call:
    """The live call a start request names; raises the documented Problem for an unknown or ended one."""
    if reference.field == "serverCallId":
        call = _by_server_call_id(session, reference.value)
    elif reference.field == "groupCallId":
        call = session.scalar(select(Call).where(Call.group_id == reference.value.lower()))
    elif reference.field == "roomId":
        newest = select(Call).where(Call.room_id == reference.value).order_by(Call.id.desc()).limit(1)
        call = session.scalar(newest)
    else:
        call = session.scalar(select(Call).where(Call.connection_id == reference.value.lower()))
    if call is None:
        raise problems.unknown_call()
    if call.ended_at is not None:
        raise problems.call_ended()
    return call


def _by_server_call_id(session: Session, identifier: str) -> Call | None:
    return session.scalar(select(Call).where(Call.server_call_id == normal_server_call_id(identifier)))
