"""Deleting from temporary storage what is safe here. Off unless configured, and never on hope.

A chunk is deleted there only when its media came back from the archive with the right hash, was decoded from end to
end, and lasts as long as stated; and when its metadata is archived too, because the service deletes both at once.
"""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from recordings import buckets, clock, crashpoints, storage
from recordings.acs import errors, hosts
from recordings.acs.client import Client
from recordings.models import Chunk, Condition, MediaFile
from recordings.pipeline import checks, claims, decode
from recordings.states import MediaState

VERIFIED_FOR = clock.seconds(600)
"""An archived copy that was read back this recently is not read once more before the delete."""

logger = logging.getLogger(__name__)


def pending(limit: int) -> QuerySet[Chunk]:
    """Chunks that may be deleted from temporary storage; none unless deleting is configured."""
    if not settings.ACS_DELETE_AFTER_ARCHIVE:
        return Chunk.objects.none()
    decoded = MediaFile.objects.filter(
        artefact=MediaFile.Artefact.MEDIA, state=MediaState.ARCHIVED, decoded_at__isnull=False
    )
    described = MediaFile.objects.filter(artefact=MediaFile.Artefact.METADATA, state=MediaState.ARCHIVED)
    still_there = Chunk.objects.filter(remote_deleted_at=None, expires_at__gt=clock.now()).exclude(delete_location="")
    return (
        still_there.filter(pk__in=decoded.values("chunk"))
        .filter(pk__in=described.values("chunk"))
        .order_by("expires_at", "id")[:limit]
    )


def delete(chunk: Chunk) -> bool:
    """Deletes one chunk there, after reading its archived copies back once more; True when it is gone."""
    held = Condition.objects.holding(chunk.resource, host=claims.host_at(chunk.delete_location))
    if held.exists() or not _safe(chunk):
        return False
    crashpoints.reach("remote_delete.before_request")
    try:
        Client(chunk.resource).delete_content(chunk.delete_location, document_id=chunk.document_id)
    except errors.NotFound:
        logger.info("Document %s was gone already.", chunk.document_id)
    except errors.AcsError as error:
        logger.warning("Document %s was not deleted at the service: %s", chunk.document_id, error.message)
        return False
    crashpoints.reach("remote_delete.after_request")
    with transaction.atomic():
        Chunk.objects.filter(pk=chunk.pk).update(remote_deleted_at=clock.now())
        buckets.settle(chunk.recording)
    crashpoints.reach("remote_delete.after_commit")
    return True


def _safe(chunk: Chunk) -> bool:
    try:
        hosts.check_delete(chunk.delete_location, document_id=chunk.document_id)
    except errors.HostNotAllowed as error:
        # A documented sample event names another document there: believing it would delete somebody else's file.
        logger.warning("Document %s is left to expire: %s", chunk.document_id, error.message)
        return False
    files = list(chunk.files.all())
    return not any(_odd(file, chunk) for file in files) and all(_verified(file) for file in files)


def _odd(file: MediaFile, chunk: Chunk) -> bool:
    """Whether the file may not be all of the recording. Then the service's copy is left to expire by itself."""
    if any(decode.BROKEN in finding or finding.startswith(decode.BROKEN_OFF) for finding in file.findings):
        return True
    stated, measured = checks.stated_durations(chunk), file.duration_ms
    return bool(stated and measured is not None and not any(checks.plausible(measured, each) for each in stated))


def _verified(file: MediaFile) -> bool:
    if file.verified_at and file.verified_at > clock.now() - VERIFIED_FOR:
        return True
    if storage.digest(file.archive_key) != (file.sha256, file.size):
        logger.error("The archived copy %s is damaged; nothing is deleted at the service.", file.archive_key)
        return False
    MediaFile.objects.filter(pk=file.pk).update(verified_at=clock.now())
    return True
