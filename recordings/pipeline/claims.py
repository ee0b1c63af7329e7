"""Whose turn it is: which files a worker is told of, and the claim that makes a file one worker's own.

A claim is one guarded update that counts the attempt and sets a deadline. A dead worker's claim lapses, and a slow one
cannot overwrite its successor, because every later step names the attempt it belongs to.
"""

import os
import random
import socket
import threading
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from recordings import clock, crashpoints, moves
from recordings.models import Attempt, Condition, MediaFile
from recordings.pipeline.leases import LEASE_SECONDS
from recordings.states import AttemptOutcome, MediaState

SLOTS = 4
"""Files that are retrieved at the same time. The media lane has two more threads, for archiving and for the sweeps."""
OFFER_SECONDS = 6.0
"""A file that a worker was told of and nobody claimed is told again after this long."""
LONGEST_WAIT_SECONDS = 300.0
SHARE_OF_TIME_LEFT = 0.1
"""No wait is longer than this share of the time until the expiry, so that a failing file gets tries until the end."""
MOST_LAPSES = 3
"""After this many attempts in a row whose worker died, the file waits before it may kill another one."""


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
