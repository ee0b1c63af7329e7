"""Celery's side of the pipeline: what follows what, and what is swept how often. The work itself is elsewhere.

A message is only a hint that there is work: the database says what work, and whose. So a message may come twice, late
or never; each sweep finds again whatever was forgotten.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, TypeVar
from uuid import UUID

from celery import Task, shared_task
from celery.signals import worker_shutting_down
from kombu.exceptions import KombuError

from recordings import losses, manifest, pulling, reconcile, sources, states, storage
from recordings.models import EventSource, MediaFile, Notification, Recording
from recordings.pipeline import archive as archive_step
from recordings.pipeline import claims, remote_delete, spool
from recordings.pipeline import decode as decode_step
from recordings.pipeline import ingest as ingest_step
from recordings.pipeline import retrieve as retrieve_step
from recordings.pipeline import verify as verify_step
from recordings.pipeline.leases import stopping
from recordings.states import MediaState, NotificationState

SWEEP_SECONDS = 20.0
"""How long one sweep works through what it found; the next one goes on."""
BATCH = 200
READ_BACK_AT_ONCE = 4
"""Files that one sweep has read back: full decodes stand in the same line."""
HINT_SECONDS = 60.0
"""A hint that waited longer is dropped: a sweep gives another."""

P = ParamSpec("P")
Item = TypeVar("Item")

logger = logging.getLogger(__name__)


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()


def hand_over(task: "Task[..., None]", key: object) -> bool:
    """Sends the hint that `task` has work on the row `key`. A broker that is away is only logged: a sweep follows."""
    try:
        task.apply_async(args=(str(key),), expires=HINT_SECONDS)
    except (KombuError, OSError) as error:
        logger.warning("The broker did not take %s: %s", task.name, error)
        return False
    return True


def hint(name: str, keys: Iterable[object]) -> None:
    """Hands rows over by the name of their task; gives up at the first that the broker does not take."""
    tasks = (ask, ingest, retrieve, decode, verify)
    named: dict[str, Task[..., None]] = {task.name.rpartition(".")[2]: task for task in tasks}
    all(hand_over(named[name], key) for key in keys)


def _alone(sweep: Callable[P, None]) -> Callable[P, None]:
    """Skips a run of `sweep` while another one is still under way in this process."""
    running = threading.Lock()

    @functools.wraps(sweep)
    def guarded(*arguments: P.args, **keywords: P.kwargs) -> None:
        if running.acquire(blocking=False):
            try:
                sweep(*arguments, **keywords)
            finally:
                running.release()

    return guarded


def _each(items: Iterable[Item], act: Callable[[Item], object]) -> None:
    """Acts on each of `items` while there is time. One that fails is logged and keeps nobody else waiting."""
    deadline = time.monotonic() + SWEEP_SECONDS
    for item in items:
        if stopping.is_set() or time.monotonic() > deadline:
            return
        try:
            act(item)
        except Exception:
            logger.exception("A sweep failed at %r", item)


def _offer() -> None:
    hint("retrieve", claims.offers())


def _ingest_all(rows: Sequence[Notification]) -> None:
    hint("ingest", [row.pk for row in rows if row.state == NotificationState.PENDING])


@shared_task
def pull(source_id: str, seconds: float = pulling.TURN_SECONDS) -> None:
    """One turn of the pull loop of a source, about `seconds` long; the next turn follows it."""
    source = EventSource.objects.live().select_related("resource").filter(pk=source_id).first()
    if (
        source
        and pulling.turn(source, stopping=stopping, accepted=_ingest_all, seconds=seconds)
        and not stopping.is_set()
    ):
        hand_over(pull, source_id)


@shared_task
def ingest(notification_id: str) -> None:
    """Makes what an event says true, and offers the files it announced."""
    ingest_step.ingest(UUID(notification_id))
    _offer()


@shared_task
def ask(recording_id: str) -> None:
    """Asks the service about one recording."""
    for recording in Recording.objects.filter(pk=recording_id):
        reconcile.ask(recording)


@shared_task
def retrieve(media_file_id: str) -> None:
    """One attempt at a file; then the next file gets the free slot."""
    for file in MediaFile.objects.filter(pk=media_file_id).select_related("chunk__resource"):
        attempt = claims.claim(file)
        left = retrieve_step.retrieve(attempt) if attempt else None
        if left == MediaState.RETRIEVED:
            hand_over(archive, media_file_id)
        elif left in states.RETRIEVABLE:
            _settle_loss(media_file_id)
    _offer()


def _settle_loss(media_file_id: str) -> None:
    """A clear answer after the expiry is the last one: nobody need wait for the sweep to hear of it."""
    waiting = MediaFile.objects.filter(pk=media_file_id, state__in=states.RETRIEVABLE)
    for file in waiting.select_related("chunk__recording", "chunk__resource"):
        losses.settle(file)


@shared_task
def archive(media_file_id: str) -> None:
    """Archives a retrieved file and hints at its full decode."""
    for file in MediaFile.objects.filter(pk=media_file_id).select_related("chunk__recording"):
        if archive_step.archive(file):
            manifest.write(file.chunk.recording)
            hint("decode", [file.pk] if file.artefact == MediaFile.Artefact.MEDIA else [])


@shared_task
def decode(media_file_id: str) -> None:
    """Decodes an archived file from end to end."""
    for file in MediaFile.objects.filter(pk=media_file_id).select_related("chunk__recording"):
        if decode_step.decode(file):
            manifest.write(file.chunk.recording)


@shared_task
def verify(media_file_id: str) -> None:
    """Reads an archived file back."""
    for file in MediaFile.objects.filter(pk=media_file_id).select_related("chunk__recording__resource"):
        verify_step.verify(file)


@shared_task
@_alone
def tend_sources() -> None:
    """Keeps the sources as the settings name them, and a pull loop at each."""
    sources.ensure_current()
    for source in EventSource.objects.unpulled():
        hand_over(pull, source.pk)


@shared_task
@_alone
def sweep_notifications() -> None:
    """Processes the events whose hint got lost or whose time to be tried again has come."""
    _each(ingest_step.pending(BATCH), lambda row: ingest_step.ingest(row.pk))


@shared_task
@_alone
def sweep_recordings() -> None:
    """Asks about every recording whose last word is old, or whose command is open; probes what was out of reach."""
    reconcile.probe()
    _each(reconcile.stale(BATCH), reconcile.ask)


@shared_task
@_alone
def sweep_retrieval() -> None:
    """Offers the files that are due, soonest expiry first."""
    spool.probe_disk()
    _offer()


@shared_task
@_alone
def sweep_archive() -> None:
    """Finishes what was retrieved, brings manifests up to date, hints at decodes, deletes what may be deleted."""
    _each(archive_step.pending(BATCH), archive_step.archive)
    _each(manifest.stale(BATCH), manifest.write)
    hint("decode", [file.pk for file in decode_step.pending(1)])
    hint("verify", [file.pk for file in verify_step.pending(READ_BACK_AT_ONCE)])
    _each(remote_delete.pending(BATCH), remote_delete.delete)
    archive_step.sweep_spool()
    storage.remove_abandoned()


@shared_task
@_alone
def sweep_losses() -> None:
    """Declares what can no longer be had."""
    losses.sweep()


@shared_task
@_alone
def watch_sources() -> None:
    """Tells operators when a source has not been pulled for a while."""
    pulling.watch()
