"""What an event says, in every generation of it, as small typed values. Nothing here touches the database.

Sources: azure-rest-api-specs, eventgrid/Microsoft.Communication (both schemas); azure-docs,
communication-services-voice-video-events.md (2021-07, 2022-12) and call-recording.md (2021-04); azure-sdk-for-java,
callautomation unit tests (state callbacks); azure-rest-api-specs, CallAutomation 2025-06-15 and later
(StartRecordingFailed).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from recordings.acs import kinds
from recordings.acs.envelopes import Envelope, Misunderstood
from recordings.acs.fields import Fields, identifier
from recordings.acs.kinds import Kinds
from recordings.acs.metadata import HIGHEST_INDEX, LONGEST_MS

MOST_CHUNKS = 1_000
"""More chunks than this in one event are not believed: 1000 chunks of four hours are half a year."""
_CALL_ID_BYTES = 200
_RAW_ID_BYTES = 300
_DOCUMENT_ID_BYTES = 300
_FAMILY = "microsoft.communication."
_FILE_SUBJECT = re.compile(
    r"^/?recording/call/(?P<call>.*?)(?:/serverCallId/(?P<server>.*?))?(?:/recordingId/(?P<recording>.*?))?/?$",
    re.IGNORECASE | re.DOTALL,
)
_STATE_SUBJECT = re.compile(
    r"^/?calling/recordings/(?P<server>.*?)/recordingId/(?P<recording>.*?)(?:/RecordingStateChanged)?/?$",
    re.IGNORECASE | re.DOTALL,
)
_OBJECT_IN_URL = re.compile(r"/objects/([^/?#]+)(?:[/?#]|$)")
_UNFIT_FOR_A_PATH = re.compile(r"[/\\?#%]|^\.+$")


@dataclass(frozen=True, slots=True)
class AnnouncedChunk:
    """One chunk in temporary storage. The locations are empty in events of 2021-04."""

    document_id: str
    index: int
    end_reason: str
    content_location: str
    metadata_location: str
    delete_location: str


@dataclass(frozen=True, slots=True)
class FileEvent:
    """RecordingFileStatusUpdated: files of a finished recording lie ready. Ids are empty where the event has none.

    `problems` holds a sentence for each part that could not be used; the rest of the event stands.
    """

    chunks: tuple[AnnouncedChunk, ...]
    recording_id: str
    call_id: str
    server_call_id: str
    started_at: datetime | None
    duration_ms: int | None
    kinds: Kinds
    session_end_reason: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallIds:
    """`server_call_id` joins a call to its recordings; `correlation_id` is what files of 2021 call `callId`."""

    server_call_id: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class CallStarted:
    call: CallIds
    started_by: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    call: CallIds
    started_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantAdded:
    call: CallIds
    raw_id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class ParticipantRemoved:
    call: CallIds
    raw_id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class RecordingStateChanged:
    """`state` is the service's own word, lower-cased: active, or inactive for both paused and stopped."""

    recording_id: str
    server_call_id: str
    correlation_id: str
    state: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class StartRecordingFailed:
    recording_id: str
    server_call_id: str
    correlation_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SubscriptionValidation:
    """Event Grid asks whether this webhook wants its events; the answer is the code."""

    code: str


@dataclass(frozen=True, slots=True)
class Other:
    """An event that is not about recordings, calls or the people in them."""

    event_type: str


CallMessage = CallStarted | CallEnded | ParticipantAdded | ParticipantRemoved
Message = FileEvent | RecordingStateChanged | StartRecordingFailed | SubscriptionValidation | Other | CallMessage


def parse(envelope: Envelope) -> Message:
    """What the event says. Raises `Misunderstood` when it has no type, or lacks what its type cannot do without."""
    if not envelope.event_type:
        raise Misunderstood("The event has no type.")
    kind = envelope.event_type.lower()
    if kind == "microsoft.eventgrid.subscriptionvalidationevent":
        return SubscriptionValidation(code=envelope.data.label("validationCode"))
    reader = _READERS.get(kind.removeprefix(_FAMILY)) if kind.startswith(_FAMILY) else None
    return reader(envelope) if reader else Other(event_type=envelope.event_type)


def _file_event(envelope: Envelope) -> FileEvent:
    data = envelope.data
    said = _FILE_SUBJECT.match(envelope.subject)
    chunks, problems = _chunks(data.inner("recordingStorageInfo"))
    event = FileEvent(
        chunks=chunks,
        recording_id=data.identifier("recordingId") or _named(said, "recording"),
        call_id=data.identifier("callId", most_bytes=_CALL_ID_BYTES) or _named(said, "call", most_bytes=_CALL_ID_BYTES),
        server_call_id=data.identifier("serverCallId") or _named(said, "server"),
        started_at=data.moment("recordingStartTime"),
        duration_ms=data.whole("recordingDurationMs", most=LONGEST_MS),
        kinds=kinds.read(
            data, content="recordingContentType", channel="recordingChannelType", file_format="recordingFormatType"
        ),
        session_end_reason=data.label("sessionEndReason", most=100),
        problems=problems,
    )
    if not event.chunks and not event.recording_id and not event.call_id:
        raise Misunderstood("The event names no recording, no call and no file. " + " ".join(problems))
    return event


def _chunks(storage: Fields) -> tuple[tuple[AnnouncedChunk, ...], tuple[str, ...]]:
    chunks: list[AnnouncedChunk] = []
    problems: list[str] = []
    for position, facts in enumerate(storage.list_of("recordingChunks")):
        if position == MOST_CHUNKS:
            problems.append(f"It lists more than {MOST_CHUNKS} chunks; the rest was not taken.")
            break
        try:
            chunks.append(_chunk(facts, position))
        except Misunderstood as error:
            problems.append(f"Chunk {position + 1} of the list was not taken: {error}")
            continue
        if facts.whole("index", most=HIGHEST_INDEX) is None:
            problems.append(f"Chunk {position + 1} of the list has no usable index; its place in the list was taken.")
    if not chunks and not problems:
        problems.append("It lists no chunk.")
    return tuple(chunks), tuple(problems)


def _chunk(facts: Fields, position: int) -> AnnouncedChunk:
    content = facts.url("contentLocation")
    index = facts.whole("index", most=HIGHEST_INDEX)
    return AnnouncedChunk(
        document_id=_document_id(facts, content),
        index=position if index is None else index,
        end_reason=facts.label("endReason", most=100),
        content_location=content,
        metadata_location=facts.url("metadataLocation"),
        delete_location=facts.url("deleteLocation"),
    )


def _document_id(facts: Fields, content_location: str) -> str:
    """The chunk's id. Without a location it becomes part of the address (2021-04) and must not change its path."""
    found = facts.identifier("documentId", most_bytes=_DOCUMENT_ID_BYTES)
    if not found and (in_url := _OBJECT_IN_URL.search(content_location)):
        found = identifier(in_url[1], most_bytes=_DOCUMENT_ID_BYTES)
    if not found:
        raise Misunderstood("it has no usable documentId.")
    if not content_location and _UNFIT_FOR_A_PATH.search(found):
        raise Misunderstood("its documentId cannot be part of an address, and it has no contentLocation.")
    return found


def _named(match: re.Match[str] | None, group: str, *, most_bytes: int = 600) -> str:
    return identifier(match[group], most_bytes=most_bytes) if match else ""


def _call_ids(data: Fields) -> CallIds:
    call = CallIds(
        server_call_id=data.identifier("serverCallId"),
        correlation_id=data.identifier("correlationId", most_bytes=_CALL_ID_BYTES),
    )
    if not call.server_call_id:
        raise Misunderstood("The event names no call: it has no usable serverCallId.")
    return call


def _person(facts: Fields) -> str:
    """A participant's raw id, from any of the shapes in which people are written."""
    who = facts.inner("communicationIdentifier") or facts
    return (
        who.identifier("rawId", most_bytes=_RAW_ID_BYTES)
        or who.inner("communicationUser").identifier("id", most_bytes=_RAW_ID_BYTES)
        or _prefixed("4:", who.inner("phoneNumber").identifier("value", most_bytes=_RAW_ID_BYTES - 2))
        or _prefixed("8:orgid:", who.inner("microsoftTeamsUser").identifier("userId", most_bytes=_RAW_ID_BYTES - 8))
    )


def _prefixed(prefix: str, name: str) -> str:
    """Raw ids of phones and Teams users carry a prefix that their bare ids lack (azure-docs, identifiers.md)."""
    return f"{prefix}{name}" if name else ""


def _call_started(envelope: Envelope) -> CallStarted:
    return CallStarted(call=_call_ids(envelope.data), started_by=_person(envelope.data.inner("startedBy")))


def _call_ended(envelope: Envelope) -> CallEnded:
    data = envelope.data
    reason = data.inner("reason")
    codes = "/".join(code for code in (reason.label("code", most=20), reason.label("subCode", most=20)) if code)
    ended_by = _person(data.inner("endedBy"))
    parts = [reason.label("phrase", most=100), f"({codes})" if codes else "", f"by {ended_by}" if ended_by else ""]
    return CallEnded(
        call=_call_ids(data),
        started_by=_person(data.inner("startedBy")),
        reason=" ".join(part for part in parts if part)[:300],
    )


def _participant(envelope: Envelope) -> tuple[CallIds, str, str]:
    raw_id = _person(envelope.data.inner("user"))
    if not raw_id:
        raise Misunderstood("The event names no participant: `user` has no usable raw id.")
    return _call_ids(envelope.data), raw_id, envelope.data.label("displayName")


def _participant_added(envelope: Envelope) -> ParticipantAdded:
    return ParticipantAdded(*_participant(envelope))


def _participant_removed(envelope: Envelope) -> ParticipantRemoved:
    return ParticipantRemoved(*_participant(envelope))


def _state_changed(envelope: Envelope) -> RecordingStateChanged:
    data = envelope.data
    recording_id, server_call_id, correlation_id = _recording_ids(envelope)
    if not recording_id:
        raise Misunderstood("The event names no recording: it has no usable recordingId.")
    return RecordingStateChanged(
        recording_id=recording_id,
        server_call_id=server_call_id,
        correlation_id=correlation_id,
        state=(data.label("state", most=40) or data.label("recordingState", most=40)).lower(),
        started_at=data.moment("startDateTime"),
    )


def _start_failed(envelope: Envelope) -> StartRecordingFailed:
    recording_id, server_call_id, correlation_id = _recording_ids(envelope)
    result = envelope.data.inner("resultInformation")
    codes = (result.label("code", most=20), result.label("subCode", most=20))
    return StartRecordingFailed(
        recording_id=recording_id,
        server_call_id=server_call_id,
        correlation_id=correlation_id,
        code="/".join(code for code in codes if code),
        message=result.label("message"),
    )


def _recording_ids(envelope: Envelope) -> tuple[str, str, str]:
    """recordingId, serverCallId and correlationId of a callback, from its data or its subject."""
    data = envelope.data
    said = _STATE_SUBJECT.match(envelope.subject) or _STATE_SUBJECT.match(envelope.source)
    return (
        data.identifier("recordingId") or _named(said, "recording"),
        data.identifier("serverCallId") or _named(said, "server"),
        data.identifier("correlationId", most_bytes=_CALL_ID_BYTES),
    )


_READERS: dict[str, Callable[[Envelope], Message]] = {
    "recordingfilestatusupdated": _file_event,
    "callstarted": _call_started,
    "callended": _call_ended,
    "callparticipantadded": _participant_added,
    "callparticipantremoved": _participant_removed,
    "recordingstatechanged": _state_changed,
    "callrecordingstatechanged": _state_changed,
    "startrecordingfailed": _start_failed,
}
