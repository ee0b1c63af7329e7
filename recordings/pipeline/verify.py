"""Reads archived files back: a damaged one is noticed while something can be done about it.

Each file is read back once a week, and once more shortly before temporary storage drops the service's own copy: until
then, a damaged file can be fetched again.
"""

import logging
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from recordings import clock, losses, storage
from recordings.models import MediaFile, Resource
from recordings.pipeline.leases import LEASE_SECONDS, Lease, Stopped, Superseded
from recordings.states import MediaState

EVERY = clock.seconds(7 * 86_400)
"""How old the verification of an archived file may become."""
LAST_LOOK = clock.seconds(6 * 3600)
"""How long before the expiry a file is read back once more; a quarter of the retention where that is shorter."""
RETRY_SECONDS = 900.0
"""How long a file waits that could not be read back; the others go on."""
MOST_WITNESSES = 25
"""How many files put into the archive earlier are looked for, newest and oldest, before one counts as gone."""

logger = logging.getLogger(__name__)


def pending(limit: int) -> list[MediaFile]:
    """Archived files to be read back now: first those about to expire at the service, then the longest unseen."""
    files = MediaFile.objects.filter(_free())
    last_looks = files.filter(_wants_a_last_look()).order_by("chunk__expires_at", "id")[:limit]
    unseen = files.filter(_unseen()).order_by("verified_at")[:limit]
    return list(dict.fromkeys([*last_looks, *unseen]))[:limit]


def _free() -> Q:
    unclaimed = Q(lease_until=None) | Q(lease_until__lt=Now())
    waited = Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now())
    return Q(state=MediaState.ARCHIVED) & unclaimed & waited


def _unseen() -> Q:
    return Q(verified_at__lt=clock.now() - EVERY)


def _wants_a_last_look() -> Q:
    wanted = Q(pk__in=[])
    for resource in Resource.objects.all():
        ahead = min(LAST_LOOK, timedelta(seconds=resource.retention_seconds / 4))
        soon = Q(chunk__expires_at__gt=clock.now(), chunk__expires_at__lt=clock.now() + ahead)
        unseen = Q(verified_at__lt=F("chunk__expires_at") - ahead)
        wanted |= Q(chunk__resource=resource, chunk__remote_deleted_at=None) & soon & unseen
    return wanted


def verify(media_file: MediaFile) -> bool:
    """Whether the archived copy was read back and is whole.

    A damaged one becomes a loss, and is fetched again while it can be. One that is not due, that another worker reads
    or that cannot be read for the moment is left for later.
    """
    due = MediaFile.objects.filter(_unseen() | _wants_a_last_look(), _free(), pk=media_file.pk)
    file = due.select_related("chunk__recording").first()
    if file is None or not _claim(file):
        return False
    try:
        with Lease(lambda: _renew(file)) as lease:
            found = storage.digest(file.archive_key, tick=lease.tick)
        return _conclude(file, found)
    except Superseded:
        logger.info("Another worker has taken %s.", file.archive_key)
    except Stopped:
        _mine(file).update(lease_until=None)
    except FileNotFoundError:
        _missing(file)
    except Exception:
        # A storage backend may raise anything; one file that cannot be read must not keep the others from it.
        logger.exception("The archived copy %s could not be read back", file.archive_key)
        _put_off(file)
    return False


def _conclude(file: MediaFile, found: tuple[str, int]) -> bool:
    if found == (file.sha256, file.size):
        return _mine(file).update(verified_at=clock.now(), lease_until=None, next_attempt_at=None) == 1
    losses.damaged(file, evidence=f"{file.archive_key} has changed: {found[1]} bytes, SHA-256 {found[0]}.")
    return False


def _mine(file: MediaFile) -> QuerySet[MediaFile]:
    """The file while nobody has verified it since it was claimed."""
    return MediaFile.objects.filter(pk=file.pk, state=MediaState.ARCHIVED, verified_at=file.verified_at)


def _claim(file: MediaFile) -> bool:
    return _mine(file).filter(_free()).update(lease_until=Now() + clock.seconds(LEASE_SECONDS)) == 1


def _renew(file: MediaFile) -> bool:
    return _mine(file).update(lease_until=Now() + clock.seconds(LEASE_SECONDS)) == 1


def _put_off(file: MediaFile) -> None:
    _mine(file).update(lease_until=None, next_attempt_at=Now() + clock.seconds(RETRY_SECONDS))


def _missing(file: MediaFile) -> None:
    try:
        mounted = _is_mounted(file)
    except Exception:
        # As above: whatever a storage backend raises here says nothing about the file.
        logger.exception("The archive could not be searched")
        mounted = False
    if mounted:
        losses.damaged(file, evidence=f"{file.archive_key} is no longer in the archive.")
        return
    logger.warning("The archive shows neither %s nor anything else. Is it mounted?", file.archive_key)
    _put_off(file)


def _is_mounted(file: MediaFile) -> bool:
    """Whether the archive is the one that `file` was put into, rather than the empty folder it is mounted at.

    What was archived since the file was last seen may lie in that folder and counts only where there is nothing older;
    for the only file of an archive, whatever the archive shows at its root has to do.
    """
    others = MediaFile.objects.filter(state=MediaState.ARCHIVED).exclude(chunk__recording=file.chunk.recording_id)
    keys = others.order_by("archived_at").values_list("archive_key", flat=True)
    earlier = keys.filter(archived_at__lte=file.verified_at)
    witnesses = {*earlier[:MOST_WITNESSES], *earlier.reverse()[:MOST_WITNESSES]} or {*keys[:1]}
    if witnesses:
        return any(storage.archive().exists(key) for key in sorted(witnesses))
    return storage.shows_anything()
