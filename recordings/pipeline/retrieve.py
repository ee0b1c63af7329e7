"""Step 3, retrieve: from temporary storage into the spool, soonest expiry first.

The claim (`claims.py`) is renewed while bytes come. Each attempt writes to a spool file of its own and takes over what
an earlier one brought. However it ends, its row says so.
"""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Now

from recordings import clock, crashpoints, moves, storage
from recordings.acs import errors
from recordings.models import Attempt, Condition, MediaFile
from recordings.pipeline import checks
from recordings.pipeline.claims import next_try
from recordings.pipeline.leases import LEASE_SECONDS, Lease, Stopped, Superseded
from recordings.pipeline.spool import Part, report_full
from recordings.pipeline.transfer import Transfer
from recordings.states import AttemptOutcome, MediaState

NO_WAIT = frozenset({"stopped", "disk_full"})
"""Failures after which the file itself need not wait: nothing was wrong with it, or all files are held."""

_LEADS_TO = {
    AttemptOutcome.SUCCEEDED: MediaState.RETRIEVED,
    AttemptOutcome.FAILED: MediaState.FAILED,
    AttemptOutcome.QUARANTINED: MediaState.QUARANTINED,
}

logger = logging.getLogger(__name__)


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
        "decoded_at": None,
        "decodes_begun": 0,
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


def _retry_facts(
    file: MediaFile, attempt: Attempt, *, kind: str, message: str, retry_after: float | None = None
) -> dict[str, object]:
    wait = next_try(
        1 if attempt.bytes_received else attempt.number,
        expires_at=file.chunk.expires_at,
        kind=kind,
        retry_after=retry_after or 0.0,
    )
    return {
        "lease_until": None,
        "next_attempt_at": None if kind in NO_WAIT else wait,
        "error_kind": kind,
        "error": message,
    }


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
