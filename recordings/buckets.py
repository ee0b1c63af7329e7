"""Which bucket of the ledger a recording stands in, from its facts alone."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F

from recordings import states
from recordings.models import Chunk, Command, Loss, MediaFile, Recording, StateChange
from recordings.states import Bucket, MediaState, RecordingState

_FILE_BUCKET: dict[str, Bucket] = {
    MediaState.ANNOUNCED: Bucket.IN_TEMPORARY_STORAGE,
    MediaState.RETRIEVING: Bucket.RETRIEVING,
    MediaState.RETRIEVED: Bucket.RETRIEVING,
    MediaState.FAILED: Bucket.RETRIEVING,
    MediaState.QUARANTINED: Bucket.RETRIEVING,
    MediaState.ARCHIVED: Bucket.SECURED,
    MediaState.ABSENT: Bucket.SECURED,
    MediaState.LOST: Bucket.LOST,
    MediaState.ERASED: Bucket.ERASED,
}
_WORST_FIRST = (
    Bucket.LOST,
    Bucket.RETRIEVING,
    Bucket.IN_TEMPORARY_STORAGE,
    Bucket.AWAITING_FILE,
    Bucket.SECURED,
    Bucket.ERASED,
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the bucket of one recording follows from."""

    state: str
    identified: bool
    lost: bool
    """Whether a loss is open."""
    never_ran: bool
    """Started paused and never resumed: the service makes no file of it (azure-rest-api-specs, pull request 30866)."""
    chunks: Sequence[tuple[int, str]]
    """Index and `endReason` of each chunk, by index."""
    files: Sequence[str]
    """The states of all files of all chunks."""


def settle(recording: Recording) -> None:
    """Recomputes and stores the bucket and marks the row as changed. Belongs into the transaction of the change.

    The row is locked before the facts are read, so that of two files settling at once the second sees the first.
    """
    fresh = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
    recording.bucket = bucket_of(fresh) or ""
    Recording.objects.filter(pk=recording.pk).update(bucket=recording.bucket, version=F("version") + 1)


def bucket_of(recording: Recording) -> Bucket | None:
    """The bucket that the facts give; none for a start that was never acknowledged."""
    return decide(gather([recording])[recording.pk])


def gather(recordings: Collection[Recording]) -> dict[UUID, Facts]:
    """The facts of many recordings, in a constant number of queries."""
    keys = [recording.pk for recording in recordings]
    lost = set(Loss.objects.filter(recording__in=keys, recovered_at=None).values_list("recording_id", flat=True))
    paused = Command.objects.filter(
        recording__in=keys, verb=states.CommandVerb.START, body__pauseOnStart=True
    ).values_list("recording_id", flat=True)
    resumed = StateChange.objects.filter(recording__in=keys, media_file=None, new=RecordingState.ACTIVE).values_list(
        "recording_id", flat=True
    )
    never_ran = set(paused) - set(resumed)
    chunks: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    for key, index, reason in Chunk.objects.filter(recording__in=keys).values_list(
        "recording_id", "index", "end_reason"
    ):
        chunks[key].append((index, reason))
    files: dict[UUID, list[str]] = defaultdict(list)
    for key, state in MediaFile.objects.filter(chunk__recording__in=keys).values_list("chunk__recording_id", "state"):
        files[key].append(state)
    return {
        recording.pk: Facts(
            state=recording.state,
            identified=bool(recording.identity),
            lost=recording.pk in lost,
            never_ran=recording.pk in never_ran,
            chunks=sorted(chunks[recording.pk]),
            files=files[recording.pk],
        )
        for recording in recordings
    }


def decide(facts: Facts) -> Bucket | None:
    """The bucket of a recording with these facts."""
    if facts.state == RecordingState.REQUESTED and not facts.identified:
        return None
    if facts.state == RecordingState.FAILED:
        return Bucket.NO_MEDIA if facts.identified else None
    if facts.lost:
        return Bucket.LOST
    found = {_FILE_BUCKET[state] for state in facts.files}
    if facts.state != RecordingState.ENDED and Bucket.LOST not in found:
        return Bucket.RECORDING
    if not facts.chunks:
        return Bucket.NO_MEDIA if facts.never_ran else Bucket.AWAITING_FILE
    if missing_indexes(facts.chunks) or len(facts.files) < 2 * len(facts.chunks):
        found.add(Bucket.AWAITING_FILE)
    return next(bucket for bucket in _WORST_FIRST if bucket in found)


def missing_indexes(chunks: Sequence[tuple[int, str]]) -> list[int]:
    """Indexes that must exist and are not known: gaps below the highest, and the one after a continuation."""
    reasons = dict(chunks)
    last = max(reasons)
    missing = sorted(set(range(last)) - set(reasons))
    continued = reasons[last].lower() in states.CONTINUATION_END_REASONS
    return [*missing, last + 1] if continued else missing
