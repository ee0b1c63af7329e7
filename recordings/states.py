"""Every state and every legal step between states, in plain Python.

A step is written as *the states it may be taken from*, because a guarded update needs exactly that:
`filter(pk=…, state__in=sources(to)).update(state=to) == 1`.
"""

from enum import StrEnum


class RecordingState(StrEnum):
    """What a recording is doing, as far as it is known here."""

    REQUESTED = "requested"  # a start command is committed; the service has not been heard
    ACTIVE = "active"
    PAUSED = "paused"  # ACS itself reports `inactive`
    STOPPING = "stopping"  # a stop is under way and not confirmed
    ENDED = "ended"
    FAILED = "failed"  # never began


class MediaState(StrEnum):
    """How far one file of a chunk has come on its way into the archive."""

    ANNOUNCED = "announced"  # known, in temporary storage
    RETRIEVING = "retrieving"  # claimed by an attempt with a deadline
    RETRIEVED = "retrieved"  # whole and checked, in the spool
    ARCHIVED = "archived"  # in the archive, read back and verified
    FAILED = "failed"  # the last attempt failed, another follows
    QUARANTINED = "quarantined"  # bytes arrived that cannot be a recording; the best are kept, another attempt follows
    LOST = "lost"  # a Loss row says why
    ABSENT = "absent"  # metadata only: its window passed and the service never had it
    ERASED = "erased"  # deleted here on purpose


class CommandVerb(StrEnum):
    """What an operator may ask of a recording."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


class CommandState(StrEnum):
    """How much is known about one command."""

    REQUESTED = "requested"  # committed here; no clear answer yet
    ACKNOWLEDGED = "acknowledged"  # the service said yes
    CONFIRMED = "confirmed"  # the recording was seen in the state that was asked for
    CONTRADICTED = "contradicted"  # the service said yes and did something else
    FAILED = "failed"  # the service said no


class Bucket(StrEnum):
    """Where a recording stands in the ledger; the buckets always add up to the recordings known."""

    RECORDING = "recording"
    AWAITING_FILE = "awaiting_file"
    IN_TEMPORARY_STORAGE = "in_temporary_storage"
    RETRIEVING = "retrieving"
    SECURED = "secured"
    ERASED = "erased"
    NO_MEDIA = "no_media"
    LOST = "lost"


class NotificationState(StrEnum):
    """What became of an inbox entry."""

    PENDING = "pending"
    PROCESSED = "processed"
    IGNORED = "ignored"  # understood, and nothing to do with recordings
    FAILED = "failed"  # could not be understood; kept, can be replayed


class AttemptOutcome(StrEnum):
    """How one retrieval attempt went."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    LAPSED = "lapsed"  # its worker died or stalled: a successor took over


class LossCause(StrEnum):
    """Why a recording or a file of it can no longer be had."""

    EXPIRED = "expired"  # the service refused after the retention had passed
    UNREACHABLE = "unreachable"  # the service could not be reached until well after the retention
    OWN_FAULT = "own_fault"  # the key, the allowed hosts or the disk here kept it from being fetched until then
    DELETED = "deleted"  # removed from temporary storage by others
    NO_FILE_EVENT = "no_file_event"  # the retention passed and no file was ever announced
    MISSING_CHUNK = "missing_chunk"  # later chunks are known, this one was never announced
    UNPLAYABLE = "unplayable"  # every attempt until the expiry brought bytes that are no recording
    ARCHIVE_DAMAGED = "archive_damaged"  # the archived copy is gone or changed and the service no longer has it


LIVE = frozenset({RecordingState.ACTIVE, RecordingState.PAUSED, RecordingState.STOPPING})
OPEN_COMMAND = frozenset({CommandState.REQUESTED, CommandState.ACKNOWLEDGED})
RETRIEVABLE = frozenset({MediaState.ANNOUNCED, MediaState.FAILED, MediaState.QUARANTINED})

_R = RecordingState
RECORDING_STEPS: dict[RecordingState, frozenset[RecordingState]] = {
    _R.ACTIVE: frozenset({_R.REQUESTED, _R.PAUSED, _R.STOPPING, _R.FAILED}),
    _R.PAUSED: frozenset({_R.REQUESTED, _R.ACTIVE, _R.STOPPING, _R.FAILED}),
    _R.STOPPING: frozenset({_R.ACTIVE, _R.PAUSED}),
    _R.ENDED: frozenset({_R.REQUESTED, _R.ACTIVE, _R.PAUSED, _R.STOPPING, _R.FAILED}),
    _R.FAILED: frozenset({_R.REQUESTED, _R.ACTIVE, _R.PAUSED}),  # a start answered with 202 may fail afterwards
}

_M = MediaState
MEDIA_STEPS: dict[MediaState, frozenset[MediaState]] = {
    _M.ANNOUNCED: frozenset({_M.LOST, _M.ABSENT}),
    _M.RETRIEVING: frozenset({_M.ANNOUNCED, _M.FAILED, _M.QUARANTINED, _M.RETRIEVING}),
    _M.RETRIEVED: frozenset({_M.RETRIEVING}),
    _M.ARCHIVED: frozenset({_M.RETRIEVED}),
    _M.FAILED: frozenset({_M.RETRIEVING, _M.RETRIEVED}),
    _M.QUARANTINED: frozenset({_M.RETRIEVING}),
    _M.LOST: frozenset({_M.ANNOUNCED, _M.RETRIEVING, _M.FAILED, _M.QUARANTINED, _M.ARCHIVED}),
    _M.ABSENT: frozenset({_M.ANNOUNCED, _M.RETRIEVING, _M.FAILED, _M.QUARANTINED}),
    _M.ERASED: frozenset({_M.ARCHIVED}),
}

_C = CommandState
COMMAND_STEPS: dict[CommandState, frozenset[CommandState]] = {
    _C.ACKNOWLEDGED: frozenset({_C.REQUESTED}),
    # A late word of the service heals a command that was given up or contradicted too early.
    _C.CONFIRMED: frozenset({_C.REQUESTED, _C.ACKNOWLEDGED, _C.CONTRADICTED, _C.FAILED}),
    _C.CONTRADICTED: frozenset({_C.REQUESTED, _C.ACKNOWLEDGED}),
    _C.FAILED: frozenset({_C.REQUESTED, _C.ACKNOWLEDGED}),
}

LEGAL_VERBS: dict[RecordingState, tuple[CommandVerb, ...]] = {
    _R.REQUESTED: (),
    _R.ACTIVE: (CommandVerb.PAUSE, CommandVerb.STOP),
    _R.PAUSED: (CommandVerb.RESUME, CommandVerb.STOP),
    _R.STOPPING: (),
    _R.ENDED: (),
    _R.FAILED: (),
}
"""The verbs an operator may use on a recording in that state; pages offer these and no others."""

CONTINUATION_END_REASONS = frozenset(
    {
        "chunkmaximumsizeexceeded",
        "chunkmaximumtimeexceeded",
        "chunkmaximumdurationexceeded",
    }
)
"""Chunk `endReason` values, lower-cased, after which another chunk must follow. Documented: `ChunkMaximumSizeExceeded`
(azure-docs, call recording, 2021-04); the set is open ("etc."), and the two spellings for time are assumed."""


def choices(states: type[StrEnum]) -> list[tuple[str, str]]:
    """The members of `states` as Django field choices, worded for people."""
    return [(state.value, state.value.replace("_", " ").capitalize()) for state in states]
