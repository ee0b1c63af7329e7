"""Start, pause, resume and stop: the rules of a recording's life, whichever API asks."""

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from local_acs import problems, repeatability, roster
from local_acs.announcer import FINISHING_SIGNAL
from local_acs.clock import iso, now
from local_acs.database import Database, resource_id, wake
from local_acs.documents import JsonObject
from local_acs.identifiers import new_recording_id, normal_recording_id
from local_acs.models import LIVE_STATES, Participant, Recording, RecordingState
from local_acs.outbox import Outbox
from local_acs.recorders import RecorderError, RecorderGone, Recorders
from local_acs.repeatability import Answer, RepeatableRequest
from local_acs.settings import Settings
from local_acs.start_request import StartRequest

logger = logging.getLogger(__name__)

CALL_ENDED = "CallEnded"
INITIATOR_LEFT = "InitiatorLeft"
"""The documentation names CallEnded and InitiatorLeft as reasons of a session's end and leaves the list open; a stop
by the application is told as the latter, since the party that initiated the recording left it."""


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    recording_id: str
    state: str
    """active or inactive; a paused recording is inactive."""


@dataclass(slots=True)
class _Begun:
    key: int
    folder: Path
    spec: JsonObject
    known: dict[str, JsonObject] = field(default_factory=dict)


class Control:
    def __init__(self, settings: Settings, database: Database, outbox: Outbox) -> None:
        self._settings = settings
        self._database = database
        self._outbox = outbox
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.recorders = Recorders(self._recorder_exited)

    async def start(self, request: StartRequest, repeatable: RepeatableRequest | None = None) -> Answer:
        """Start recording; the answer of an earlier request with the same Repeatability-Request-ID is given again."""
        begun = await self._database.run(lambda session: self._begin(session, request, repeatable))
        if isinstance(begun, Answer):
            return begun
        async with self._locks[begun.key]:
            try:
                await asyncio.to_thread(_write_spec, begun)
                began, pid = await self.recorders.start(begun.key, begun.folder)
            except (OSError, RecorderError) as error:
                logger.warning("a recording could not be started: %s", error)
                await self._database.run(lambda session: self._failed(session, begun.key, repeatable))
                raise problems.unknown_internal_error() from error
            answer, missed = await self._database.run(lambda session: self._started(session, begun, began, pid))
            for command in missed:
                if command["do"] == "stop":
                    await self.recorders.stop(begun.key, CALL_ENDED)
                else:
                    await self.recorders.tell(begun.key, command)
        return answer

    async def status(self, recording_id: str) -> RecordingStatus:
        def read(session: Session) -> RecordingStatus:
            recording = _live(session, recording_id)
            return RecordingStatus(recording.recording_id, wire_state(recording))

        return await self._database.run(read)

    async def pause(self, recording_id: str) -> None:
        await self._switch(recording_id, RecordingState.ACTIVE, RecordingState.PAUSED)

    async def resume(self, recording_id: str) -> None:
        await self._switch(recording_id, RecordingState.PAUSED, RecordingState.ACTIVE)

    async def stop(self, recording_id: str) -> None:
        key = await self._database.run(lambda session: _live(session, recording_id).id)
        async with self._locks[key]:
            if not await self._end(key, INITIATOR_LEFT):
                raise problems.recording_not_found()

    async def stop_with_call(self, key: int) -> None:
        """End the recording `key` because its call ended; one that is just starting notices by itself."""
        async with self._locks[key]:
            await self._end(key, CALL_ENDED)

    async def _switch(self, recording_id: str, current: RecordingState, wanted: RecordingState) -> None:
        key = await self._database.run(lambda session: _live(session, recording_id).id)
        async with self._locks[key]:
            state = await self._database.run(lambda session: _live(session, recording_id).state)
            if state != current:
                self._refuse_repeated_switch()
                return
            try:
                await (self.recorders.pause(key) if wanted == RecordingState.PAUSED else self.recorders.resume(key))
            except RecorderGone as error:
                raise problems.recording_not_found() from error
            except RecorderError as error:
                logger.warning("recording %s could not become %s: %s", recording_id, wanted, error)
                raise problems.unknown_internal_error() from error
            await self._database.run(lambda session: self._switched(session, key, wanted))

    def _refuse_repeated_switch(self) -> None:
        if self._settings.pause_twice != "202":
            raise problems.method_not_allowed_in_state(int(self._settings.pause_twice.partition("-")[0]))

    async def _end(self, key: int, reason: str) -> bool:
        def end(session: Session) -> bool:
            recording = session.get_one(Recording, key)
            if recording.state not in (RecordingState.ACTIVE, RecordingState.PAUSED):
                return False
            self._close(session, recording, reason, RecordingState.STOPPING)
            return True

        if not await self._database.run(end):
            return False
        await self.recorders.stop(key, reason)
        return True

    async def _recorder_exited(self, key: int) -> None:
        def exited(session: Session) -> None:
            recording = session.get_one(Recording, key)
            if recording.state in (RecordingState.ACTIVE, RecordingState.PAUSED):
                self._close(session, recording, INITIATOR_LEFT, RecordingState.FINISHING)
            recording.state = RecordingState.FINISHING
            wake(session, FINISHING_SIGNAL)

        await self._database.run(exited)
        self._locks.pop(key, None)

    def _close(self, session: Session, recording: Recording, reason: str, state: RecordingState) -> None:
        recording.state = state
        recording.session_end_reason = reason
        recording.ended_at = now()
        self._outbox.callback(session, recording, "inactive", now=recording.ended_at)

    def _begin(
        self, session: Session, request: StartRequest, repeatable: RepeatableRequest | None
    ) -> "_Begun | Answer":
        earlier = repeatability.earlier_answer(session, repeatable)
        if earlier is not None:
            return earlier
        call = roster.referenced_call(session, request.call)
        recording = Recording(
            call=call,
            recording_id=new_recording_id(),
            folder=uuid.uuid4().hex,
            state=RecordingState.STARTING,
            content=request.content,
            channel=request.channel,
            format=request.format,
            pause_on_start=request.pause_on_start,
            callback_uri=request.callback_uri,
            requested_at=now(),
        )
        session.add(recording)
        try:
            session.flush()
        except IntegrityError as error:
            raise problems.already_recording() from error
        state = "inactive" if request.pause_on_start else "active"
        repeatability.remember(session, repeatable, _answer(recording, state), now=recording.requested_at)
        people = {person.participant_id: described_participant(person) for person in roster.present(call)}
        spec = self._spec(resource_id(session), recording, request, people)
        return _Begun(recording.id, self._settings.recordings / recording.folder, spec, people)

    def _spec(
        self, resource: str, recording: Recording, request: StartRequest, people: dict[str, JsonObject]
    ) -> JsonObject:
        return {
            "recordingId": recording.recording_id,
            "callId": recording.call.call_id,
            "serverCallId": recording.call.server_call_id,
            "resourceId": resource,
            "content": recording.content,
            "channel": recording.channel,
            "format": recording.format,
            "pauseOnStart": recording.pause_on_start,
            "chunkBytes": self._settings.chunk_bytes,
            "chunkSeconds": self._settings.chunk_seconds,
            "mediaDir": str(self._settings.media_dir) if self._settings.media_dir else None,
            "channelOrder": list(request.channel_order),
            "participants": list(people.values()),
        }

    def _started(self, session: Session, begun: _Begun, began: datetime, pid: int) -> tuple[Answer, list[JsonObject]]:
        """Make it known that the recorder records; the commands that tell it what it missed while it was loading."""
        recording = session.get_one(Recording, begun.key)
        recording.started_at = began
        recording.recorder_pid = pid
        recording.state = RecordingState.PAUSED if recording.pause_on_start else RecordingState.ACTIVE
        answer = _answer(recording, wire_state(recording))
        self._outbox.callback(session, recording, wire_state(recording), now=began)
        if recording.call.ended_at is not None:
            self._close(session, recording, CALL_ENDED, RecordingState.STOPPING)
            return answer, [{"do": "stop", "reason": CALL_ENDED}]
        missed: list[JsonObject] = []
        for person in recording.call.participants:
            if person.participant_id in begun.known and person.left_at is not None:
                missed.append({"do": "leave", "participantId": person.participant_id, "at": iso(person.left_at)})
            elif person.participant_id not in begun.known and person.left_at is None:
                missed.append({"do": "join", "participant": described_participant(person)})
        return answer, missed

    def _switched(self, session: Session, key: int, state: RecordingState) -> None:
        recording = session.get_one(Recording, key)
        if recording.state in (RecordingState.ACTIVE, RecordingState.PAUSED):
            recording.state = state
            self._outbox.callback(session, recording, wire_state(recording), now=now())

    def _failed(self, session: Session, key: int, repeatable: RepeatableRequest | None) -> None:
        session.get_one(Recording, key).state = RecordingState.FAILED
        repeatability.forget(session, repeatable)


def wire_state(recording: Recording) -> str:
    return "inactive" if recording.state == RecordingState.PAUSED else "active"


def _live(session: Session, recording_id: str) -> Recording:
    """The recording while it is live; an ended one is as unknown as one that never was."""
    recording = session.scalar(select(Recording).where(Recording.recording_id == normal_recording_id(recording_id)))
    if recording is None or recording.state not in LIVE_STATES:
        raise problems.recording_not_found()
    return recording


def _answer(recording: Recording, state: str) -> Answer:
    body = {
        "recordingId": recording.recording_id,
        "recordingState": state,
        "recordingKind": "azureCommunicationServices",
    }
    return Answer(200, json.dumps(body))


def described_participant(person: Participant) -> JsonObject:
    """A participant as recorders and the management surface are told of it."""
    return {
        "participantId": person.participant_id,
        "displayName": person.display_name,
        "joinedAt": iso(person.joined_at),
        "leftAt": None if person.left_at is None else iso(person.left_at),
    }


def _write_spec(begun: _Begun) -> None:
    begun.folder.mkdir(parents=True)
    (begun.folder / "spec.json").write_text(json.dumps(begun.spec, indent=1), encoding="utf-8")
