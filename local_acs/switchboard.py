"""Everything that happens to a call, told to its recorder as well: the one door for the director and for people."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from local_acs import problems, roster
from local_acs.clock import iso, now
from local_acs.control import Control, described_participant, wire_state
from local_acs.database import Database
from local_acs.documents import Json, JsonObject
from local_acs.models import LIVE_STATES, Call, Recording
from local_acs.outbox import Outbox

LARGEST_CALL = 350
"""Participants of one call; azure-docs service-limits.md."""


class Switchboard:
    def __init__(self, database: Database, outbox: Outbox, control: Control) -> None:
        self._database = database
        self._outbox = outbox
        self._control = control

    async def begin_call(
        self,
        names: Sequence[str],
        *,
        seconds: float | None = None,
        room_id: str | None = None,
        directed: bool = False,
    ) -> JsonObject:
        """Start a call; it ends by itself after `seconds` if given."""

        def begin(session: Session) -> JsonObject:
            moment = now()
            ends_at = None if seconds is None else moment + timedelta(seconds=seconds)
            call = roster.begin_call(
                session, self._outbox, names, now=moment, ends_at=ends_at, room_id=room_id, directed=directed
            )
            return describe_call(call)

        return await self._database.run(begin)

    async def end_call(self, identifier: str) -> bool:
        """End a call and with it its recording; False when there is no such live call."""

        def end(session: Session) -> list[int] | None:
            call = roster.find_live_call(session, identifier)
            if call is None:
                return None
            roster.end_call(session, self._outbox, call, now=now())
            return [recording.id for recording in call.recordings if recording.state in LIVE_STATES]

        ended = await self._database.run(end)
        for key in ended or []:
            await self._control.stop_with_call(key)
        return ended is not None

    async def join(self, identifier: str, display_name: str) -> JsonObject:
        """Add somebody to a call; raises Problem 404 for an unknown call, 400 for a full one."""

        def add(session: Session) -> tuple[JsonObject, list[int]]:
            call = _found(session, identifier)
            if len(roster.present(call)) >= LARGEST_CALL:
                raise problems.invalid_argument(f"a call holds at most {LARGEST_CALL} participants")
            person = roster.join(session, self._outbox, call, display_name, now=now())
            return described_participant(person), _recorded(call)

        person, recorded = await self._database.run(add)
        for key in recorded:
            await self._control.recorders.tell(key, {"do": "join", "participant": person})
        return person

    async def leave(self, identifier: str, participant_id: str) -> None:
        """Take somebody out of a call; raises Problem 404 when the call or the person is not there."""

        def remove(session: Session) -> tuple[datetime, list[int]]:
            call = _found(session, identifier)
            moment = now()
            for person in roster.present(call):
                if person.participant_id == participant_id:
                    roster.leave(session, self._outbox, person, now=moment)
                    return moment, _recorded(call)
            raise problems.no_such_resource()

        moment, recorded = await self._database.run(remove)
        for key in recorded:
            await self._control.recorders.tell(key, {"do": "leave", "participantId": participant_id, "at": iso(moment)})

    async def calls(self) -> list[Json]:
        return await self._database.run(lambda session: [describe_call(call) for call in roster.live_calls(session)])


def describe_call(call: Call) -> JsonObject:
    """A live call as the management surface shows it."""
    people: list[Json] = [described_participant(person) for person in roster.present(call)]
    live = [recording for recording in call.recordings if recording.state in LIVE_STATES]
    return {
        "serverCallId": call.server_call_id,
        "callId": call.call_id,
        "groupCallId": call.group_id,
        "roomId": call.room_id,
        "callConnectionId": call.connection_id,
        "startedAt": iso(call.started_at),
        "endsAt": None if call.ends_at is None else iso(call.ends_at),
        "participants": people,
        "recording": _describe_recording(live[0]) if live else None,
    }


def _describe_recording(recording: Recording) -> JsonObject:
    return {"recordingId": recording.recording_id, "recordingState": wire_state(recording), "state": recording.state}


def _found(session: Session, identifier: str) -> Call:
    call = roster.find_live_call(session, identifier)
    if call is None:
        raise problems.no_such_resource()
    return call


def _recorded(call: Call) -> list[int]:
    return [recording.id for recording in call.recordings if recording.state in LIVE_STATES]
