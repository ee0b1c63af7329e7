"""The ledger strip: the buckets that add up to the recordings known, and how fresh that knowledge is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from dashboard import chrome, status
from dashboard.processes import HEARTBEATS
from recordings import clock, ledger
from recordings.models import Chunk, Heartbeat
from recordings.states import Bucket

SILENT_AFTER = timedelta(seconds=30)
"""A process that was not heard from for longer counts as not running."""
WIDTH = 100.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One bucket: its count, the page that lists it, and its place in the proportional bar (percent)."""

    bucket: str
    word: str
    icon: str
    count: int
    url: str
    left: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The strip as shown. `next_window_seconds` is how long the file that expires next was kept from its beginning."""

    known: int
    cells: tuple[Cell, ...]
    next_expiry: datetime | None
    next_window_seconds: int
    last_notification_at: datetime | None
    last_pull_at: datetime | None
    silent: tuple[str, ...]
    heard: int
    long_pauses: int


def read(*, long_pauses: int = 0) -> Shown:
    """The strip of this moment, in a constant number of queries."""
    strip = ledger.strip()
    soonest = (
        Chunk.objects.filter(files__in=chrome.unsecured()).select_related("resource").order_by("expires_at").first()
    )
    silent, heard = processes()
    return Shown(
        known=strip.known,
        cells=_cells(strip.buckets),
        next_expiry=soonest.expires_at if soonest else None,
        next_window_seconds=soonest.resource.retention_seconds if soonest else 0,
        last_notification_at=strip.last_notification_at,
        last_pull_at=strip.last_pull_at,
        silent=silent,
        heard=heard,
        long_pauses=long_pauses,
    )


def _cells(counts: dict[str, int]) -> tuple[Cell, ...]:
    known = sum(counts.values())
    cells: list[Cell] = []
    left = 0.0
    for bucket, word in status.bucket_words().items():
        count = counts[bucket]
        width = WIDTH * count / known if known else 0.0
        url = reverse("live") if bucket == Bucket.RECORDING else f"{reverse('library')}?state={bucket}"
        cells.append(
            Cell(
                bucket=bucket,
                word=word,
                icon=status.ICONS[bucket],
                count=count,
                url=url,
                left=round(left, 3),
                width=round(width, 3),
            )
        )
        left += width
    return tuple(cells)


def processes() -> tuple[tuple[str, ...], int]:
    """The processes that should be heard from and were not, and how many were."""
    limit = clock.now() - SILENT_AFTER
    heard = set(Heartbeat.objects.filter(beaten_at__gte=limit).values_list("name", flat=True))
    return tuple(name for name in HEARTBEATS if name not in heard), len(heard & set(HEARTBEATS))
