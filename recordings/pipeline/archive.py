"""Step 4, archive: from the spool into the archive, read back and verified before anybody relies on it.

The order is what makes it safe to die anywhere: the object under a key that its content determines, its key into the
row, the manifest, and only then *archived*. Done again from any point, it ends in the same single object.
"""

import logging
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from recordings import buckets, clock, crashpoints, manifest, moves, storage
from recordings.models import Condition, MediaFile, Recording
from recordings.pipeline import chunk_facts
from recordings.pipeline.leases import LEASE_SECONDS, Lease, Stopped, Superseded
from recordings.pipeline.spool import check_room, report_full
from recordings.states import MediaState

RETRY_SECONDS = 15.0
MOST_KEYS = 100
"""Names tried for one file. More than one is needed only when an object in the archive was damaged."""
EXTENSIONS = {
    "video/mp4": "mp4",
    "audio/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "application/json": "json",
}

logger = logging.getLogger(__name__)


class Damaged(Exception):
    """What lies in the spool or came back from the archive is not what was retrieved."""


def pending(limit: int) -> QuerySet[MediaFile]:
    """Retrieved files that no worker is archiving, the soonest to expire first. Empty while the disk is full."""
    full = Condition.objects.open().filter(kind=Condition.Kind.DISK_FULL, probe_at__gt=clock.now())
    if full.exists():
        return MediaFile.objects.none()
    return MediaFile.objects.filter(_free()).order_by("chunk__expires_at", "id")[:limit]


def _free() -> Q:
    unclaimed = Q(lease_until=None) | Q(lease_until__lt=Now())
    waited = Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now())
    return Q(state=MediaState.RETRIEVED) & unclaimed & waited


def archive(media_file: MediaFile) -> bool:
    """Archives a retrieved file; False when it is not this worker's to do, or did not succeed this time."""
    until = Now() + clock.seconds(LEASE_SECONDS)
    if not MediaFile.objects.filter(_free(), pk=media_file.pk).update(lease_until=until):
        return False
    file = MediaFile.objects.select_related("chunk__recording__resource").get(pk=media_file.pk)
    try:
        with Lease(lambda: _renew(file)) as lease:
            key = _store(file, lease)
            lease.tick()
        _note(file, key)
        manifest.write(file.chunk.recording)
        return _archived(file)
    except Superseded:
        return False
    except Stopped:
        MediaFile.objects.filter(pk=file.pk, state=MediaState.RETRIEVED).update(lease_until=None)
    except Damaged as error:
        _retrieve_again(file, str(error))
    except OSError as error:
        if storage.is_full(error):
            report_full(error)
        _put_off(file, error)
    except Exception as error:
        # A storage backend may raise anything; the bytes are safe in the spool, so it is tried again.
        logger.exception("The file %s could not be archived", file.pk)
        _put_off(file, error)
    return False


def _renew(file: MediaFile) -> bool:
    ours = MediaFile.objects.filter(pk=file.pk, state=MediaState.RETRIEVED, attempt=file.attempt)
    return ours.update(lease_until=Now() + clock.seconds(LEASE_SECONDS)) == 1


def key_for(file: MediaFile, number: int = 1) -> str:
    """The key that the content determines; `number` counts on when that one is held by a damaged object."""
    extension = EXTENSIONS.get(file.media_type, "bin")
    suffix = "" if number == 1 else f"-{number}"
    return f"{manifest.folder(file.chunk.recording)}/{file.chunk.index}-{file.sha256[:8]}{suffix}.{extension}"


def _store(file: MediaFile, lease: Lease) -> str:
    """Puts the file under a key and reads it back; returns the key."""
    source = storage.spool_path(file.spool_name)
    for number in range(1, MOST_KEYS):
        key = key_for(file, number)
        if storage.archive().exists(key):
            if storage.digest(key, tick=lease.tick) == (file.sha256, file.size):
                return key  # an earlier try came this far
            logger.error("The object %s in the archive is not what its name says.", key)
            continue
        return _put_and_verify(file, key, source, lease)
    raise Damaged(f"The first {MOST_KEYS} keys of this file are all held by damaged objects.")


def _put_and_verify(file: MediaFile, key: str, source: Path, lease: Lease) -> str:
    if not source.is_file():
        raise Damaged("The spooled file has gone. It is retrieved again.")
    check_room(file.size or 0)
    crashpoints.reach("archive.before_put")
    try:
        storage.put(key, source, tick=lease.tick)
    except storage.KeyTaken:
        logger.info("Another worker archives %s at the same moment.", file.pk)
    crashpoints.reach("archive.after_put")
    if storage.digest(key, tick=lease.tick) != (file.sha256, file.size):
        storage.archive().delete(key)
        raise Damaged("What came back from the archive is not what was retrieved. It is retrieved again.")
    crashpoints.reach("archive.after_verify")
    return key


def _note(file: MediaFile, key: str) -> None:
    """Writes the key down, and what a metadata document says, so that the manifest can tell it."""
    with transaction.atomic():
        # As a repeated file event does: first the recording, then its chunk.
        Recording.objects.select_for_update(no_key=True).get(pk=file.chunk.recording_id)
        MediaFile.objects.filter(pk=file.pk, state=MediaState.RETRIEVED).update(
            archive_key=key, verified_at=clock.now(), archived_at=clock.now()
        )
        if file.artefact == MediaFile.Artefact.METADATA:
            chunk_facts.learn(file.chunk, storage.read_bytes(key))
        buckets.settle(file.chunk.recording)
        crashpoints.reach("archive.before_note_commit")
    crashpoints.reach("archive.after_note_commit")


def _archived(file: MediaFile) -> bool:
    facts: dict[str, object] = {
        "lease_until": None,
        "next_attempt_at": None,
        "spool_name": "",
        "error": "",
        "error_kind": "",
    }
    because = f"In the archive, read back and verified: SHA-256 {file.sha256[:8]}…."
    with transaction.atomic():
        moved = moves.media_file(file, MediaState.ARCHIVED, facts=facts, attempt=file.attempt, because=because)
        crashpoints.reach("archive.before_commit")
    crashpoints.reach("archive.after_commit")
    if moved:
        for part in storage.parts(file.pk):
            part.unlink(missing_ok=True)
    return moved


def _retrieve_again(file: MediaFile, why: str) -> None:
    facts: dict[str, object] = {
        "lease_until": None,
        "next_attempt_at": None,
        "spool_name": "",
        "archive_key": "",
        "error_kind": "damaged",
        "error": why,
    }
    if moves.media_file(file, MediaState.FAILED, facts=facts, attempt=file.attempt, because=why):
        for part in storage.parts(file.pk):
            part.unlink(missing_ok=True)


def _put_off(file: MediaFile, error: Exception) -> None:
    MediaFile.objects.filter(pk=file.pk, state=MediaState.RETRIEVED).update(
        lease_until=None,
        next_attempt_at=Now() + clock.seconds(RETRY_SECONDS),
        error_kind="archive",
        error=f"The archive could not be written: {error}",
    )


def sweep_spool() -> int:
    """Removes parts that no row speaks of any more, such as those of a file whose worker died right after archiving."""
    parts = storage.parts()
    ids = {path.name.partition(".")[0] for path in parts}
    done = {MediaState.ARCHIVED, MediaState.ABSENT, MediaState.ERASED}
    kept = MediaFile.objects.filter(pk__in=ids).exclude(state__in=done).values_list("pk", flat=True)
    needed = {str(pk) for pk in kept}
    superfluous = [path for path in parts if path.name.partition(".")[0] not in needed]
    for path in superfluous:
        path.unlink(missing_ok=True)
    return len(superfluous)
