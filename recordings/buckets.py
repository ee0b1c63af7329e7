"""Which bucket of the ledger a recording stands in, from its facts alone."""

from django.db.models import F

from recordings import states
from recordings.models import Chunk, Loss, MediaFile, Recording
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


def settle(recording: Recording) -> None:
    """Recomputes and stores the bucket and marks the row as changed. Belongs into the transaction of the change."""
    fresh = Recording.objects.get(pk=recording.pk)
    recording.bucket = bucket_of(fresh) or ""
    Recording.objects.filter(pk=recording.pk).update(bucket=recording.bucket, version=F("version") + 1)


def bucket_of(recording: Recording) -> Bucket | None:
    """The bucket that the facts give; none for a start that was never acknowledged."""
    if recording.state == RecordingState.REQUESTED and not recording.identity:
        return None
    if recording.state == RecordingState.FAILED:
        return None if not recording.identity else Bucket.NO_MEDIA
    if Loss.objects.filter(recording=recording, recovered_at=None).exists():
        return Bucket.LOST
    chunks = list(Chunk.objects.filter(recording=recording).order_by("index"))
    files = list(MediaFile.objects.filter(chunk__recording=recording))
    found = {_FILE_BUCKET[file.state] for file in files}
    if recording.state != RecordingState.ENDED and Bucket.LOST not in found:
        return Bucket.RECORDING
    if not chunks:
        return Bucket.NO_MEDIA if _never_ran(recording) else Bucket.AWAITING_FILE
    if _incomplete(chunks, files):
        found.add(Bucket.AWAITING_FILE)
    return next(bucket for bucket in _WORST_FIRST if bucket in found)


def _never_ran(recording: Recording) -> bool:
    """Started paused and never resumed: the service makes no file of it (azure-rest-api-specs, pull request 30866)."""
    if not recording.commands.filter(verb=states.CommandVerb.START, body__pauseOnStart=True).exists():
        return False
    return not recording.changes.filter(media_file=None, new=RecordingState.ACTIVE).exists()


def _incomplete(chunks: list[Chunk], files: list[MediaFile]) -> bool:
    """Whether a chunk is missing below the highest index or after a continuation, or a chunk lacks a file row."""
    indexes = {chunk.index for chunk in chunks}
    gaps = indexes != set(range(max(indexes) + 1))
    continued = chunks[-1].end_reason.lower() in states.CONTINUATION_END_REASONS
    return gaps or continued or len(files) < 2 * len(chunks)
