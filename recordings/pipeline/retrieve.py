"""Step 3, retrieve: from temporary storage into the spool, soonest expiry first.

A claim is one guarded update that counts the attempt and sets a deadline, which is renewed while bytes come. Each
attempt writes to a spool file of its own and takes over what an earlier one brought. However it ends, its row says so.
"""

import contextlib
import logging
import os
import random
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from recordings import clock, crashpoints, moves, storage
from recordings.acs import errors
from recordings.models import Attempt, Condition, MediaFile
from recordings.pipeline import checks
from recordings.pipeline.leases import LEASE_SECONDS, Lease, Stopped, Superseded
from recordings.pipeline.spool import Part, check_room
from recordings.pipeline.transfer import Transfer
from recordings.states import AttemptOutcome, MediaState

SLOTS = 4
"""Files that are retrieved at the same time. The media lane has two more threads, for archiving and for the sweeps."""
OFFER_SECONDS = 6.0
"""A file that a worker was told of and nobody claimed is told again after this long."""
LONGEST_WAIT_SECONDS = 300.0
SHARE_OF_TIME_LEFT = 0.1
"""No wait is longer than this share of the time until the expiry, so that a failing file gets tries until the end."""
DISK_PROBE_SECONDS = 10.0
MOST_LAPSES = 3
"""After this many attempts in a row whose worker died, the file waits before it may kill another one."""
NO_WAIT = frozenset({"stopped", "unreachable", "credentials_refused", "disk_full"})
"""Failures after which the file itself need not wait: nothing was wrong with it, or its whole queue is held."""

_LEADS_TO = {
    AttemptOutcome.SUCCEEDED: MediaState.RETRIEVED,
    AttemptOutcome.FAILED: MediaState.FAILED,
    AttemptOutcome.QUARANTINED: MediaState.QUARANTINED,
}

logger = logging.getLogger(__name__)


def offers(*, slots: int = SLOTS) -> list[UUID]:
    """Files that a worker should be told of now: the soonest to expire, and no more than there are free slots."""
    holding = Condition.objects.open().filter(probe_at__gt=clock.now())
    if holding.filter(kind=Condition.Kind.DISK_FULL).exists():
        return []
    kinds = [Condition.Kind.UNREACHABLE, Condition.Kind.CREDENTIALS_REFUSED]
    held = holding.filter(kind__in=kinds).exclude(resource=None).values("resource")
    told = Q(offered_at__gt=Now() - clock.seconds(OFFER_SECONDS))
    waiting = MediaFile.objects.due().exclude(chunk__resource__in=held)
    busy = MediaFile.objects.filter(state=MediaState.RETRIEVING, lease_until__gte=Now()).count()
    free = max(slots - busy - waiting.filter(told).count(), 0)
    chosen = list(waiting.exclude(told).values_list("pk", flat=True)[:free])
    return [
        pk for pk in chosen if MediaFile.objects.filter(pk=pk).exclude(told).update(offered_at=Now())
    ]  # whoever updates first tells the worker


def claim(media_file: MediaFile) -> Attempt | None:
    """Takes `media_file` for this worker; none when it is not due, already taken, or its queue is held."""
    if Condition.objects.holding(media_file.chunk.resource).exists():
        return None
    with transaction.atomic():
        row = MediaFile.objects.due().filter(pk=media_file.pk).select_related("chunk__recording").first()
        if row is None or _kills_workers(row):
            return None
        number = row.attempt + 1
        facts: dict[str, object] = {
            "attempt": number,
            "lease_until": Now() + clock.seconds(LEASE_SECONDS),
            "next_attempt_at": None,
            "offered_at": None,
        }
        if not moves.media_file(
            row, MediaState.RETRIEVING, facts=facts, attempt=row.attempt, because=f"Attempt {number} began."
        ):
            return None
        _close_lapsed(row)
        attempt = Attempt.objects.create(media_file=row, number=number, worker=worker_name())
        crashpoints.reach("retrieve.before_claim_commit")
    crashpoints.reach("retrieve.after_claim_commit")
    return attempt


def worker_name() -> str:
    """Who does the work, for the attempt's row: host, process and thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"[:120]


def _close_lapsed(row: MediaFile) -> None:
    row.attempts.filter(outcome=AttemptOutcome.RUNNING).update(
        outcome=AttemptOutcome.LAPSED, finished_at=clock.now(), error="Its worker died or stalled; its claim lapsed."
    )


def _kills_workers(row: MediaFile) -> bool:
    """Makes a file wait whose last claims all lapsed: whatever is wrong with it must not take the others' workers."""
    if row.state != MediaState.RETRIEVING:
        return False
    newest = row.attempts.order_by("-number").values_list("outcome", flat=True)[:MOST_LAPSES]
    lapses = [outcome for outcome in newest if outcome in {AttemptOutcome.RUNNING, AttemptOutcome.LAPSED}]
    if len(lapses) < MOST_LAPSES:
        return False
    _close_lapsed(row)
    because = f"The workers of the last {MOST_LAPSES} attempts died or stalled."
    wait = next_try(row.attempt, expires_at=row.chunk.expires_at)
    facts: dict[str, object] = {"lease_until": None, "next_attempt_at": wait, "error": because, "error_kind": "lapsed"}
    return moves.media_file(row, MediaState.FAILED, facts=facts, attempt=row.attempt, because=because)


def retrieve(attempt: Attempt) -> MediaState:
    """Brings the file's bytes into the spool and checks them; returns the state in which the file is left.

    Faults of the remote and of the disk end in the attempt's row. A fault of the code is raised: the claim then lapses.
    """
    file = MediaFile.objects.select_related("chunk__recording", "chunk__resource").get(pk=attempt.media_file_id)
    path = storage.spool_path(storage.part_name(file.pk, attempt.number))
    try:
        with contextlib.closing(Part(path)) as part, Lease(_renewal(attempt, part)) as lease:
            Transfer(file, attempt, part, lease).run()
            part.close()
            verdict = _examine(file, part, lease)
            lease.tick()
        return _conclude(file, attempt, part, verdict)
    except Superseded:
        path.unlink(missing_ok=True)
        logger.info("Attempt %s at %s was superseded.", attempt.number, file.pk)
        return MediaState(MediaFile.objects.values_list("state", flat=True).get(pk=file.pk))
    except Stopped:
        return _failed(file, attempt, kind="stopped", message="The worker was told to end; another one goes on.")
    except errors.AcsError as error:
        return _failed(file, attempt, kind=error.kind, message=error.message, cause=error)
    except OSError as error:
        return _disk_failed(file, attempt, error)


def _renewal(attempt: Attempt, part: Part) -> Callable[[], bool]:
    def renew() -> bool:
        with contextlib.suppress(OSError):  # the byte loop meets the same fault, and reports it
            part.flush()
        size = part.flushed
        ours = MediaFile.objects.filter(
            pk=attempt.media_file_id, state=MediaState.RETRIEVING, attempt=attempt.number
        ).update(lease_until=Now() + clock.seconds(LEASE_SECONDS))
        Attempt.objects.filter(pk=attempt.pk, outcome=AttemptOutcome.RUNNING).update(
            bytes_received=max(size - attempt.resumed_from, 0)
        )
        return ours == 1

    return renew


def _examine(file: MediaFile, part: Part, lease: Lease) -> checks.Verdict:
    chunk, recording = file.chunk, file.chunk.recording
    if file.artefact == MediaFile.Artefact.METADATA:
        return checks.examine_metadata(part.path, checks.Expected(document_id=chunk.document_id))
    expected = checks.Expected(format=recording.format_type.lower(), durations_ms=checks.stated_durations(chunk))
    return checks.examine_media(part.path, expected, tick=lease.tick)


def _conclude(file: MediaFile, attempt: Attempt, part: Part, verdict: checks.Verdict) -> MediaState:
    twice = verdict.doubtful and file.sha256 == part.sha256
    if verdict.refused or (verdict.doubtful and not twice):
        return _quarantined(file, attempt, part, verdict.refused or verdict.doubtful)
    findings = [*verdict.findings]
    if twice:
        findings.append(f"{verdict.doubtful} The service sent the same bytes twice: this is what it has.")
    facts: dict[str, object] = {
        "size": part.size,
        "sha256": part.sha256,
        "media_type": verdict.media_type,
        "duration_ms": verdict.duration_ms,
        "findings": findings,
        "spool_name": part.path.name,
        "retrieved_at": clock.now(),
        "lease_until": None,
        "error": "",
        "error_kind": "",
    }
    because = f"Attempt {attempt.number} brought {part.size} bytes, SHA-256 {part.sha256[:8]}…."
    if not _finish(file, attempt, AttemptOutcome.SUCCEEDED, facts=facts, because=because):
        part.path.unlink(missing_ok=True)
    return MediaState(file.state)


def _quarantined(file: MediaFile, attempt: Attempt, part: Part, why: str) -> MediaState:
    """Keeps the bytes if they are the best so far: the longest, and of equals the newest."""
    facts = _retry_facts(file, attempt, kind="no_recording", message=why)
    if part.size >= _kept_size(file):
        facts |= {"size": part.size, "sha256": part.sha256, "spool_name": part.path.name}
    _finish(file, attempt, AttemptOutcome.QUARANTINED, facts=facts, because=why)
    return MediaState(file.state)


def _kept_size(file: MediaFile) -> int:
    """The size of the quarantined bytes kept so far; -1 when there are none."""
    try:
        return storage.spool_path(file.spool_name).stat().st_size
    except (ValueError, FileNotFoundError):
        return -1


def _failed(
    file: MediaFile, attempt: Attempt, *, kind: str, message: str, cause: errors.AcsError | None = None
) -> MediaState:
    if cause and cause.http_status:
        attempt.http_status = cause.http_status
    facts = _retry_facts(file, attempt, kind=kind, message=message, retry_after=cause.retry_after if cause else None)
    _finish(file, attempt, AttemptOutcome.FAILED, facts=facts, because=f"Attempt {attempt.number}: {message}")
    return MediaState(file.state)


def _disk_failed(file: MediaFile, attempt: Attempt, error: OSError) -> MediaState:
    if not storage.is_full(error):
        logger.error("The spool failed for %s: %s", file.pk, error)
        return _failed(file, attempt, kind="disk", message=f"The spool cannot be written: {error.strerror}.")
    report_full(error)
    return _failed(
        file, attempt, kind="disk_full", message="The disk is full. It goes on by itself once there is room."
    )


def report_full(error: OSError) -> None:
    """Raises the condition that holds all retrieval and archiving until the next probe."""
    detail = f"No room left: {error.strerror or error}. Nothing is lost; work goes on by itself once there is room."
    probe = clock.now() + clock.seconds(DISK_PROBE_SECONDS)
    Condition.objects.report(Condition.Kind.DISK_FULL, resource=None, detail=detail, probe_at=probe)


def _retry_facts(
    file: MediaFile, attempt: Attempt, *, kind: str, message: str, retry_after: float | None = None
) -> dict[str, object]:
    wait = next_try(
        1 if attempt.bytes_received else attempt.number,
        expires_at=file.chunk.expires_at,
        retry_after=retry_after or 0.0,
    )
    at_once = kind in NO_WAIT and file.chunk.resource.has_credentials
    return {
        "lease_until": None,
        "next_attempt_at": None if at_once else wait,
        "error_kind": kind,
        "error": message,
    }


def next_try(number: int, *, expires_at: datetime, retry_after: float = 0.0) -> datetime:
    """When to try again after attempt `number` failed: doubling waits, but several tries before the expiry.

    `retry_after` is the service's own wish in seconds; it is heeded as far as the expiry allows.
    """
    left = (expires_at - clock.now()).total_seconds()
    wait = min(2.0 ** min(number - 1, 10), LONGEST_WAIT_SECONDS)
    if left > 0:
        wait = min(wait, max(left * SHARE_OF_TIME_LEFT, 1.0))
        retry_after = min(retry_after, left / 2)
    wait *= random.uniform(0.8, 1.2)  # noqa: S311  (spreads retries, protects nothing)
    return clock.now() + clock.seconds(max(wait, retry_after))


def _finish(
    file: MediaFile,
    attempt: Attempt,
    outcome: AttemptOutcome,
    *,
    facts: dict[str, object],
    because: str,
) -> bool:
    """Ends the attempt and moves the file, in one transaction; False when a successor has the file."""
    row = {
        "outcome": outcome,
        "finished_at": clock.now(),
        "bytes_received": attempt.bytes_received,
        "http_status": attempt.http_status,
        "interruptions": attempt.interruptions,
        "error_kind": facts.get("error_kind", ""),
        "error": facts.get("error", ""),
    }
    with transaction.atomic():
        moved = moves.media_file(file, _LEADS_TO[outcome], facts=facts, attempt=attempt.number, because=because[:500])
        if moved:
            Attempt.objects.filter(pk=attempt.pk).update(**row)
        crashpoints.reach("retrieve.before_commit")
    crashpoints.reach("retrieve.after_commit")
    if moved:
        if outcome == AttemptOutcome.SUCCEEDED:
            Condition.objects.clear(Condition.Kind.DISK_FULL, resource=None)
        _tidy(file)
    return moved


def _tidy(file: MediaFile) -> None:
    """Removes superfluous parts: all but the file's own and, while it is not whole, the longest one to go on from."""
    parts = storage.parts(file.pk)
    keep = {file.spool_name}
    if file.state == MediaState.FAILED and parts:
        longest = max(parts, key=_size)
        keep.add(longest.name if _size(longest) else "")
    for path in parts:
        if path.name not in keep:
            path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def probe_disk() -> None:
    """Closes the full-disk condition when its probe is due and there is room again."""
    if not Condition.objects.open().filter(kind=Condition.Kind.DISK_FULL, probe_at__lte=clock.now()).exists():
        return
    try:
        check_room(0)
    except OSError as error:
        report_full(error)
    else:
        Condition.objects.clear(Condition.Kind.DISK_FULL, resource=None)
