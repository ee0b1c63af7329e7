"""Whose turn it is: which files a worker is told of, and the claim that makes a file one worker's own.

A claim is one guarded update that counts the attempt and sets a deadline. A dead worker's claim lapses, and a slow one
cannot overwrite its successor, because every later step names the attempt it belongs to.
"""

import contextlib
import os
import random
import socket
import threading
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from recordings import clock, crashpoints, moves
from recordings.acs.signing import host_of
from recordings.models import Attempt, Condition, MediaFile
from recordings.pipeline.leases import LEASE_SECONDS
from recordings.states import AttemptOutcome, MediaState

SLOTS = 4
"""Files that are retrieved at the same time. The media lane has two more threads, for archiving and for the sweeps."""
OFFER_SECONDS = 6.0
"""A file that a worker was told of and nobody claimed is told again after this long."""
LONGEST_WAIT_SECONDS = 300.0
SLOW_WAIT_SECONDS = 900.0
"""The longest wait after failures that only somebody here can mend, by another key or another allowed host."""
SLOW = frozenset({"credentials_refused", "host_not_allowed"})
SHARE_OF_TIME_LEFT = 0.1
"""No wait is longer than this share of the time until the expiry, so that a failing file gets tries until the end."""
MOST_LAPSES = 3
"""After this many attempts in a row whose worker died, the file waits before it may kill another one."""


Host = tuple[UUID, str]
"""A resource and one of the hosts its files lie at."""


def offers(*, slots: int = SLOTS) -> list[UUID]:
    """Files that a worker should be told of now: the soonest to expire, and no more than there are free slots.

    A host where something is wrong gets one file at a time, to try whether it is mended, and none before its time.
    """
    if Condition.objects.open().filter(kind=Condition.Kind.DISK_FULL, probe_at__gt=clock.now()).exists():
        return []
    told = Q(offered_at__gt=Now() - clock.seconds(OFFER_SECONDS))
    due = MediaFile.objects.due().select_related("chunk__resource")
    offered = list(due.filter(told))
    free = max(slots - _busy().count() - len(offered), 0)
    chosen = _chosen(due.exclude(told), {place_of(file) for file in offered}, free) if free else []
    return [
        pk for pk in chosen if MediaFile.objects.filter(pk=pk).exclude(told).update(offered_at=Now())
    ]  # whoever updates first tells the worker


def _busy() -> QuerySet[MediaFile]:
    return MediaFile.objects.filter(state=MediaState.RETRIEVING, lease_until__gte=Now())


def _chosen(waiting: QuerySet[MediaFile], offered: set[Host], free: int) -> list[UUID]:
    """The first `free` of `waiting` at healthy hosts, and one for each host that may be probed.

    The probe is the file with the fewest attempts: where a host refuses some files and not others, another one than
    those that were refused shows it.
    """
    troubles = _Troubles()
    healthy: list[tuple[int, UUID]] = []
    probes: dict[Host, tuple[int, int, UUID]] = {}
    for rank, file in enumerate(waiting.iterator(chunk_size=500)):
        place = place_of(file)
        if not troubles.at(place):
            healthy.append((rank, file.pk))
        elif place not in offered and troubles.may_probe(place):
            this = (file.attempt, rank, file.pk)
            probes[place] = min(probes.get(place, this), this)
        if len(healthy) >= free and not troubles:
            break
    in_line = sorted([*healthy[:free], *((rank, pk) for _, rank, pk in probes.values())])
    return [pk for _, pk in in_line[:free]]


class _Troubles:
    """The open conditions of hosts, and which of those hosts may be tried with a file now."""

    def __init__(self) -> None:
        self._open = list(Condition.objects.of_hosts())
        self._probing: dict[Host, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def at(self, place: Host) -> list[Condition]:
        resource, host = place
        return [each for each in self._open if each.resource_id == resource and each.host in {"", host}]

    def may_probe(self, place: Host) -> bool:
        now = clock.now()
        if any(each.probe_at and each.probe_at > now for each in self.at(place)):
            return False
        if place not in self._probing:
            # A download that began before the trouble was last seen says nothing about it, however long it takes.
            since = max(each.last_seen_at for each in self.at(place))
            running = {"attempts__outcome": AttemptOutcome.RUNNING, "attempts__started_at__gt": since}
            probes = _busy().filter(**running).select_related("chunk__resource")
            self._probing[place] = any(place_of(file) == place for file in probes)
        return not self._probing[place]


def place_of(file: MediaFile) -> Host:
    """Where the file lies. Files of 2021, which were announced without a location, lie at the resource's endpoint."""
    chunk = file.chunk
    at_metadata = file.artefact == MediaFile.Artefact.METADATA
    location = chunk.metadata_location if at_metadata else chunk.content_location
    return chunk.resource_id, host_at(location or chunk.resource.endpoint)


def host_at(location: str) -> str:
    """The host that `location` names, as conditions write it; empty when it cannot be read."""
    with contextlib.suppress(ValueError):
        return host_of(location)
    return ""


def claim(media_file: MediaFile) -> Attempt | None:
    """Takes `media_file` for this worker; none when it is not due, already taken, or its host is held."""
    place = place_of(media_file)
    if Condition.objects.holding(media_file.chunk.resource, host=place[1]).exists():
        return None
    troubles = _Troubles()
    if troubles.at(place) and not troubles.may_probe(place):
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


def next_try(number: int, *, expires_at: datetime, kind: str = "", retry_after: float = 0.0) -> datetime:
    """When to try again after attempt `number` failed: doubling waits, but several tries before the expiry.

    `kind` is that of the failure. `retry_after` is the service's own wish in seconds; it is heeded as far as the expiry
    allows.
    """
    left = (expires_at - clock.now()).total_seconds()
    wait = min(2.0 ** min(number - 1, 10), SLOW_WAIT_SECONDS if kind in SLOW else LONGEST_WAIT_SECONDS)
    if left > 0:
        wait = min(wait, max(left * SHARE_OF_TIME_LEFT, 1.0))
        retry_after = min(retry_after, left / 2)
    wait *= random.uniform(0.8, 1.2)  # noqa: S311  (spreads retries, protects nothing)
    return clock.now() + clock.seconds(max(wait, retry_after))
