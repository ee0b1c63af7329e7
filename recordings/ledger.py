"""Whether every recording is accounted for. *Known* is counted from the evidence, the buckets from the rows.

Evidence are the identities in the inbox, the acknowledged starts and the adoptions. Buckets are decided anew from their
facts, not believed. Whatever disagrees is named by its id; `recordings.audit` looks for it.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from recordings import audit
from recordings.audit import Disagreement
from recordings.models import EventSource, MediaFile, Notification, Recording
from recordings.states import Bucket, MediaState

SECOND_LOOK_SECONDS = 0.3
"""Work goes on while the ledger is read: only what still disagrees this much later is a disagreement."""
SETTLED = frozenset({MediaState.ARCHIVED, MediaState.ABSENT, MediaState.LOST, MediaState.ERASED})


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The sum of everything, and what does not fit into it. `files` counts the files of all chunks by state.

    `objects_read` and `objects_matching` count the archived objects that were read back; 0 unless asked to verify.
    """

    buckets: dict[str, int]
    files: dict[str, int]
    known: int
    files_known: int
    disagreements: Sequence[Disagreement]
    next_expiry: datetime | None
    last_notification_at: datetime | None
    objects_read: int
    objects_matching: int

    @property
    def balanced(self) -> bool:
        """Whether every recording known stands in one bucket, every file in one state, and nothing disagrees."""
        return (
            not self.disagreements
            and sum(self.buckets.values()) == self.known
            and sum(self.files.values()) == self.files_known
        )


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The short ledger at the head of every page, from the stored answers alone."""

    buckets: dict[str, int]
    next_expiry: datetime | None
    last_notification_at: datetime | None
    last_pull_at: datetime | None

    @property
    def known(self) -> int:
        return sum(self.buckets.values())


def read(*, verify: bool = False) -> Ledger:
    """The ledger of this moment. With `verify`, every archived object is read back and hashed."""
    ledger = _look(verify=verify)
    if ledger.balanced:
        return ledger
    time.sleep(SECOND_LOOK_SECONDS)
    again = _look(verify=verify)
    before = {(each.kind, each.id) for each in ledger.disagreements}
    lasting = [each for each in again.disagreements if (each.kind, each.id) in before]
    return Ledger(
        buckets=again.buckets,
        files=again.files,
        known=again.known,
        files_known=again.files_known,
        disagreements=lasting,
        next_expiry=again.next_expiry,
        last_notification_at=again.last_notification_at,
        objects_read=again.objects_read,
        objects_matching=again.objects_matching,
    )


def strip() -> Strip:
    """Counts by bucket and how fresh they are, in a constant number of queries."""
    counts = dict(Recording.objects.counted().order_by().values_list("bucket").annotate(Count("pk")))
    pulls = EventSource.objects.live().aggregate(pull=Max("last_pull_at"))
    return Strip(
        buckets={bucket.value: counts.get(bucket, 0) for bucket in Bucket},
        next_expiry=_next_expiry(),
        last_notification_at=Notification.objects.aggregate(newest=Max("received_at"))["newest"],
        last_pull_at=pulls["pull"],
    )


def _look(*, verify: bool) -> Ledger:
    found = audit.look(verify=verify)
    files = Counter(MediaFile.objects.order_by().values_list("state", flat=True).iterator())
    return Ledger(
        buckets={bucket.value: found.buckets[bucket] for bucket in Bucket},
        files={state.value: files[state] for state in MediaState},
        known=found.known,
        files_known=2 * found.documents,
        disagreements=found.disagreements,
        next_expiry=_next_expiry(),
        last_notification_at=Notification.objects.aggregate(newest=Max("received_at"))["newest"],
        objects_read=found.objects_read,
        objects_matching=found.objects_matching,
    )


def _next_expiry() -> datetime | None:
    """The soonest expiry among files that are neither here nor given up."""
    waiting = MediaFile.objects.exclude(state__in=SETTLED).filter(chunk__remote_deleted_at=None).order_by()
    soonest: datetime | None = waiting.aggregate(soonest=Min("chunk__expires_at"))["soonest"]
    return soonest
