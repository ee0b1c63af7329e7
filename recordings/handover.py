"""How pages and webhooks hand work over: they change the row, and give the workers a hint. The sweeps need no hint."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from recordings import losses
from recordings.models import Command, MediaFile, Notification
from recordings.pipeline import ingest
from recordings.states import RETRIEVABLE, CommandState, CommandVerb, MediaState, NotificationState

TOLD_AT_ONCE = 100
"""Hints in one go: a request must not wait for thousands of messages, and the sweep needs none of them."""


def retrieve_now(media_file: MediaFile) -> bool:
    """Makes a waiting file due at once, and gives a lost one another try; False when there is nothing to do."""
    if media_file.state == MediaState.LOST:
        chunk = media_file.chunk
        losses.recover(chunk.recording, chunk_index=chunk.index, because="An operator asked for another try.")
    rows = MediaFile.objects.filter(pk=media_file.pk, state__in=RETRIEVABLE)
    if rows.update(next_attempt_at=None) != 1:
        return False
    _hint("retrieve", [media_file.pk])
    return True


def replay(notification: Notification) -> bool:
    """Has a stored event processed again; False when it is waiting already."""
    replayed = ingest.replay(notification)
    accepted([notification])
    return replayed


def accepted(notifications: Iterable[Notification]) -> None:
    """Has inbox entries that wait processed at once."""
    _hint("ingest", [row.pk for row in notifications if row.state == NotificationState.PENDING])


def given(command: Command) -> None:
    """Has the service asked soon what became of a pause, resume or stop that it said yes to.

    Not after a start: for a moment the service may not know a recording that it has just begun, and such a “not found”
    would end it.
    """
    if command.state == CommandState.ACKNOWLEDGED and command.verb != CommandVerb.START:
        _hint("ask", [command.recording_id])


def _hint(task: str, keys: list[UUID]) -> None:
    """Sends the hints after the commit that they speak of, or at once when no transaction is open."""
    from recordings import tasks  # the tasks load all of the pipeline, which a page that hands over nothing can spare

    transaction.on_commit(lambda: tasks.hint(task, keys[:TOLD_AT_ONCE]))
