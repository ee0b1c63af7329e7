"""When something known can no longer be had: each loss is a row with cause and evidence, and can be taken back.

Nothing is ever lost by counting retries. A file is lost after its expiry *and* a refusal after it, or after its expiry
and a margin during which the service could not be reached. Refused credentials and a full disk are reasons to wait,
for much longer: until nobody can hope any more that the service still has the file.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Now

from recordings import buckets, clock, crashpoints, moves, states
from recordings.models import Attempt, Loss, MediaFile, Recording, Resource
from recordings.states import AttemptOutcome, Bucket, LossCause, MediaState, RecordingState

MARGIN_SECONDS = 3600
"""How long after the expiry an unreachable service, or an event that is late, is still given the benefit of the doubt.

With a retention shorter than that (never so with Azure) the retention itself is the margin.
"""
EARLY = clock.seconds(60)
"""A refusal this long before the expiry means that somebody deleted the file."""
GONE = frozenset({404, 410})
OWN_FAULT_MARGIN_SECONDS = 86_400
"""The same margin for a file that only a fault on this side keeps from being fetched, so that it can be mended."""
OUR_OWN_FAULT = frozenset({"credentials_refused", "disk", "disk_full", "host_not_allowed"})
"""Kinds of failure that say nothing about whether the file still exists."""
BATCH = 200


def declare(
    recording: Recording,
    *,
    cause: LossCause,
    evidence: str,
    chunk_index: int | None = None,
    media_file: MediaFile | None = None,
) -> Loss | None:
    """Writes the loss, moves its file (if any) to lost and settles the ledger; none when it was declared already."""
    with transaction.atomic():
        # First the file, then the recording: the order in which every step of a file locks its rows.
        if media_file and not moves.media_file(
            media_file, MediaState.LOST, facts={"lease_until": None, "next_attempt_at": None}, because=evidence[:500]
        ):
            return None
        # The lock makes two sweeps that find the same loss declare it once.
        Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        if recording.losses.filter(chunk_index=chunk_index, recovered_at=None).exists():
            return None
        loss = Loss.objects.create(
            recording=recording, chunk_index=chunk_index, media_file=media_file, cause=cause, evidence=evidence
        )
        buckets.settle(recording)
        crashpoints.reach("losses.before_commit")
    crashpoints.reach("losses.after_commit")
    return loss


def recover(recording: Recording, *, chunk_index: int, because: str) -> int:
    """Takes back the open losses that a chunk disproves: its own and that of the whole. Returns how many.

    A file that was given up is announced again, so that retrieval tries it at once. Call it when a chunk is announced
    or its file is found.
    """
    with transaction.atomic():
        disproved = Q(chunk_index=chunk_index) | Q(chunk_index=None)
        count = recording.losses.filter(disproved, recovered_at=None).update(recovered_at=clock.now())
        given_up = MediaFile.objects.filter(
            chunk__recording=recording, chunk__index=chunk_index, state=MediaState.LOST
        ).select_related("chunk__recording")
        for file in given_up:
            moves.media_file(file, MediaState.ANNOUNCED, facts={"next_attempt_at": None}, because=because[:500])
        if count:
            buckets.settle(recording)
    return count


def damaged(media_file: MediaFile, *, evidence: str) -> Loss | None:
    """The archived copy is gone or changed: a loss, and a new retrieval while the service still has the file."""
    chunk = media_file.chunk
    loss = declare(
        chunk.recording,
        cause=LossCause.ARCHIVE_DAMAGED,
        evidence=evidence,
        chunk_index=chunk.index,
        media_file=media_file,
    )
    if loss and chunk.expires_at > clock.now() and not chunk.remote_deleted_at:
        recover(
            chunk.recording, chunk_index=chunk.index, because="The service still has the file; it is fetched again."
        )
    return loss


def sweep() -> int:
    """Declares every loss that is due, and returns how many."""
    return sum(1 for loss in (*_files(), *_silent_recordings(), *_missing_chunks()) if loss)


def settle(file: MediaFile) -> Loss | None:
    """Declares `file` lost, or its metadata absent, when that is certain; none when it is not, or was known already."""
    verdict = verdict_on(file, at=clock.now())
    if not verdict:
        return None
    cause, evidence = verdict
    if file.artefact == MediaFile.Artefact.METADATA:
        moves.media_file(file, MediaState.ABSENT, facts={"next_attempt_at": None}, because=evidence[:500])
        return None
    chunk = file.chunk
    return declare(chunk.recording, cause=cause, evidence=evidence, chunk_index=chunk.index, media_file=file)


def _files() -> Iterator[Loss | None]:
    waiting = Q(state__in=states.RETRIEVABLE)
    # Nobody takes up the lapsed claim of a file whose resource has no key.
    abandoned = Q(state=MediaState.RETRIEVING, lease_until__lt=Now())
    abandoned &= ~Q(chunk__resource__in=Resource.objects.with_credentials())
    expired = (
        MediaFile.objects.filter(waiting | abandoned, chunk__expires_at__lt=clock.now())
        .select_related("chunk__recording", "chunk__resource")
        .order_by("chunk__expires_at")
    )
    for file in expired:  # all of them: those that still have to wait must not stand before the others
        yield settle(file)


def verdict_on(file: MediaFile, *, at: datetime) -> tuple[LossCause, str] | None:
    """Why `file` can no longer be had at the moment `at`, with the evidence; none while it may still come."""
    expiry = file.chunk.expires_at
    if at < expiry:
        return None
    attempts = list(file.attempts.exclude(outcome=AttemptOutcome.RUNNING).order_by("number"))
    last = attempts[-1] if attempts else None
    if last and last.started_at >= expiry and last.http_status in GONE:
        return _refused(attempts, expiry)
    if last and last.started_at >= expiry and last.outcome == AttemptOutcome.QUARANTINED:
        return LossCause.UNPLAYABLE, f"{_times(attempts)}; to the last the service sent no recording: {last.error}"
    fault = _own_fault(file.chunk.resource, last)
    if at < expiry + margin(file.chunk.resource, seconds=OWN_FAULT_MARGIN_SECONDS if fault else MARGIN_SECONDS):
        return None
    said = fault or (f"the last of them: {last.error}" if last else "none could be started")
    return (
        LossCause.OWN_FAULT if fault else LossCause.UNREACHABLE,
        f"Expired {expiry:%Y-%m-%d %H:%M:%S} UTC without a clear answer. {_times(attempts)}; {said}",
    )


def _own_fault(resource: Resource, last: Attempt | None) -> str:
    """What on this side keeps the file from being fetched, in words; empty when nothing does."""
    if not resource.has_credentials:
        return f"the settings do not hold the access key of {resource.endpoint}"
    return f"the last of them: {last.error}" if last and last.error_kind in OUR_OWN_FAULT else ""


def _refused(attempts: list[Attempt], expiry: datetime) -> tuple[LossCause, str]:
    refusals = [attempt for attempt in attempts if attempt.http_status in GONE]
    told = f"Expired {expiry:%Y-%m-%d %H:%M:%S} UTC. {_times(attempts)}; answer {refusals[-1].http_status} at last"
    if any(attempt.outcome == AttemptOutcome.QUARANTINED for attempt in attempts):
        return LossCause.UNPLAYABLE, f"{told}, and before it bytes that are no recording"
    if refusals[0].started_at < expiry - EARLY and refusals == attempts[-len(refusals) :]:
        since = f"{refusals[0].started_at:%Y-%m-%d %H:%M:%S}"
        return LossCause.DELETED, f"{told}, and so since {since} UTC, before the expiry"
    return LossCause.EXPIRED, told


def _times(attempts: list[Attempt]) -> str:
    return "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"


def _silent_recordings() -> Iterator[Loss | None]:
    """Ended recordings that no file event ever spoke of, long after temporary storage dropped whatever there was."""
    awaiting = Recording.objects.filter(
        bucket=Bucket.AWAITING_FILE, state=RecordingState.ENDED, chunks=None
    ).select_related("resource")
    for recording in awaiting.order_by("requested_at")[:BATCH]:
        resource = recording.resource
        window = timedelta(seconds=resource.retention_seconds) + margin(resource)
        over = (recording.ended_at or recording.began_at) + window
        if clock.now() > over:
            evidence = f"Ended, and no file event came until {over:%Y-%m-%d %H:%M:%S} UTC."
            yield declare(recording, cause=LossCause.NO_FILE_EVENT, evidence=evidence)


def _missing_chunks() -> Iterator[Loss | None]:
    """Chunks that must have existed, because of a gap or a continuation, after those around them have expired."""
    suspects = Recording.objects.filter(bucket=Bucket.AWAITING_FILE, state=RecordingState.ENDED)
    expired = suspects.annotate(last_expiry=Max("chunks__expires_at")).filter(last_expiry__lt=clock.now())
    for recording in expired.select_related("resource").order_by("last_expiry")[:BATCH]:
        chunks = list(recording.chunks.order_by("index"))
        if clock.now() < max(chunk.expires_at for chunk in chunks) + margin(recording.resource):
            continue
        known = ", ".join(str(chunk.index) for chunk in chunks)
        for index in buckets.missing_indexes([(chunk.index, chunk.end_reason) for chunk in chunks]):
            evidence = f"Known chunks: {known}. Chunk {index} was never announced."
            yield declare(recording, cause=LossCause.MISSING_CHUNK, evidence=evidence, chunk_index=index)


def margin(resource: Resource, *, seconds: float = MARGIN_SECONDS) -> timedelta:
    """How long after an expiry at `resource` something late is still waited for, at most `seconds`."""
    return timedelta(seconds=min(seconds, resource.retention_seconds))
