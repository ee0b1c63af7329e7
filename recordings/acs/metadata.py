"""The metadata document that the service keeps beside each chunk, in every generation of it.

Sources: azure-docs, call-recording.md (2021-04 and 2023); microsoft/botframework-telephony, CallRecording.md (a real
document of 2021-03 with float durations, a text sample rate and swapped content and channel types); azure-sdk-for-js,
recorded tests of communication-calling-server (a document whose only field is `chunkDocumentId`).
"""

import json
from dataclasses import dataclass
from datetime import datetime

from recordings.acs import kinds
from recordings.acs.fields import Fields
from recordings.acs.kinds import Kinds

HIGHEST_INDEX = 9_999
"""The highest chunk index believed. At 1.5 GB a chunk it would take years to get there."""
LONGEST_MS = 366 * 86_400_000
"""The longest duration believed, in milliseconds."""
_DOCUMENT_ID_BYTES = 300
_MOST_PAUSES = 10_000
_MOST_PARTICIPANTS = 1_000
_MOST = 2_000_000_000


class NotMetadata(Exception):
    """The bytes are no metadata document; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Pause:
    started_at: datetime
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Member:
    """A participant that the chunk captured. `channel` is set for unmixed audio only."""

    raw_id: str
    channel: int | None


@dataclass(frozen=True, slots=True)
class Audio:
    """`sample_rate` in Hz, `bit_rate` in bit/s."""

    sample_rate: int | None
    bit_rate: int | None
    channels: int | None


@dataclass(frozen=True, slots=True)
class Video:
    longer_side: int | None
    shorter_side: int | None
    frame_rate: float | None
    bit_rate: int | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What one chunk's metadata says; whatever it does not say, or says absurdly, is empty or None.

    `document_id` identifies the chunk, `call_id` is the service's `callId` (never the serverCallId). Durations are
    milliseconds; whether `duration_ms` includes the pauses is not documented.
    """

    resource_id: str
    call_id: str
    document_id: str
    index: int | None
    start_time: datetime | None
    duration_ms: int | None
    kinds: Kinds
    pauses: tuple[Pause, ...]
    participants: tuple[Member, ...]
    audio: Audio | None
    video: Video | None


def parse(document: bytes | str) -> Metadata:
    """Reads a metadata document; raises `NotMetadata` when it is no JSON object with at least one known field."""
    try:
        facts = Fields(json.loads(document))
    except RecursionError as error:
        raise NotMetadata("The metadata is nested more deeply than any metadata document is.") from error
    except ValueError as error:
        raise NotMetadata(f"The metadata is not JSON: {error}.") from error
    if not any(
        name in facts for name in ("chunkDocumentId", "callId", "recordingInfo", "chunkStartTime", "resourceId")
    ):
        raise NotMetadata("The metadata is JSON, but has none of the fields of a metadata document.")
    info = facts.inner("recordingInfo")
    return Metadata(
        resource_id=facts.identifier("resourceId", most_bytes=200),
        call_id=facts.identifier("callId", most_bytes=200),
        document_id=facts.identifier("chunkDocumentId", most_bytes=_DOCUMENT_ID_BYTES),
        index=facts.whole("chunkIndex", most=HIGHEST_INDEX),
        start_time=facts.moment("chunkStartTime"),
        duration_ms=facts.whole("chunkDuration", most=LONGEST_MS),
        kinds=kinds.read(info, content="contentType", channel="channelType", file_format="format"),
        pauses=_pauses(facts),
        participants=_participants(facts),
        audio=_audio(info.inner("audioConfiguration")),
        video=_video(info.inner("videoConfiguration")),
    )


def _pauses(facts: Fields) -> tuple[Pause, ...]:
    """Each pause once, in order of time; one without a start or a length says nothing that could be shown."""
    found: dict[datetime, int] = {}
    for item in facts.list_of("pauseResumeIntervals"):
        start, length = item.moment("startTime"), item.whole("duration", most=LONGEST_MS)
        if start is not None and length is not None and len(found) < _MOST_PAUSES:
            found[start] = max(length, found.get(start, 0))
    return tuple(Pause(start, length) for start, length in sorted(found.items()))


def _participants(facts: Fields) -> tuple[Member, ...]:
    found: dict[str, int | None] = {}
    for item in facts.list_of("participants"):
        raw_id = item.identifier("participantId", most_bytes=300)
        if raw_id and len(found) < _MOST_PARTICIPANTS:
            found[raw_id] = item.whole("channel", most=1_000)
    return tuple(Member(raw_id, channel) for raw_id, channel in found.items())


def _audio(facts: Fields) -> Audio | None:
    if not facts:
        return None
    return Audio(
        sample_rate=facts.whole("sampleRate", most=_MOST),
        bit_rate=facts.whole("bitRate", most=_MOST),
        channels=facts.whole("channels", most=1_000),
    )


def _video(facts: Fields) -> Video | None:
    if not facts:
        return None
    return Video(
        longer_side=facts.whole("longerSideLength", most=100_000),
        shorter_side=facts.whole("shorterSideLength", most=100_000),
        frame_rate=facts.number("framerate"),
        bit_rate=facts.whole("bitRate", most=_MOST),
    )
