"""Reads archived files back from time to time: a damaged one is noticed while something can be done about it."""

import logging

from django.db.models import QuerySet

from recordings import clock, losses, manifest, storage
from recordings.models import MediaFile
from recordings.states import MediaState

EVERY = clock.seconds(7 * 86_400)
"""How old the verification of an archived file may become."""

logger = logging.getLogger(__name__)


def pending(limit: int) -> QuerySet[MediaFile]:
    """Archived files that were not read back for longest."""
    old = MediaFile.objects.filter(state=MediaState.ARCHIVED, verified_at__lt=clock.now() - EVERY)
    return old.order_by("verified_at")[:limit]


def verify(file: MediaFile) -> bool:
    """Whether the archived copy is whole. A damaged one becomes a loss, and is fetched again while it can be."""
    try:
        sha256, size = storage.digest(file.archive_key)
    except FileNotFoundError:
        if not manifest.versions(manifest.folder(file.chunk.recording)):
            # Its manifest is not there either: rather the archive is not mounted than that single files are gone.
            logger.warning("The archive does not show %s. Is it mounted?", manifest.folder(file.chunk.recording))
            return False
        losses.damaged(file, evidence=f"{file.archive_key} is no longer in the archive.")
        return False
    if (sha256, size) != (file.sha256, file.size):
        losses.damaged(file, evidence=f"{file.archive_key} has changed: {size} bytes, SHA-256 {sha256}.")
        return False
    MediaFile.objects.filter(pk=file.pk).update(verified_at=clock.now())
    return True
