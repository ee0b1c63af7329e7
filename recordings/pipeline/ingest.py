"""Step 2: what stored events say becomes true of calls, recordings and files. Each event is a transaction of its own.

An event that cannot be understood is kept as failed, with a sentence. An event that could not be processed for a reason
outside itself is tried again, at growing intervals, and then kept as failed too; both can be replayed. The record of a
failure survives the rollback. Processing an event twice, or two events in the other order, leads to the same rows.
"""

import logging
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from recordings import adoption, clock, crashpoints
from recordings.acs import envelopes, messages
from recordings.acs.envelopes import Envelope, Misunderstood
from recordings.acs.fields import storable
from recordings.models import Notification, Resource
from recordings.pipeline import ingest_calls, ingest_files, ingest_states
from recordings.pipeline.occasion import Occasion, Outcome
from recordings.states import NotificationState

logger = logging.getLogger(__name__)

MOST_TRIES = 8
"""With the pauses between them, about ten minutes."""
LONGEST_PAUSE_SECONDS = 300.0
_AZURE_DOMAINS = (".communication.azure.com", ".communication.azure.us", ".communication.azure.cn")


def ingest(notification_id: UUID) -> None:
    """Processes one inbox entry if it is still pending. Whatever it says, this returns, and the row tells the end.

    Raises only when the database cannot even record the failure.
    """
    try:
        with transaction.atomic():
            row = _claim(notification_id)
            if row is None:
                return
            outcome = _process(row)
            _finish(row, outcome)
            crashpoints.reach("ingest.before_commit")
        crashpoints.reach("ingest.after_commit")
    except Misunderstood as error:
        _record_misunderstood(notification_id, error)
    except Exception as error:
        logger.exception("Notification %s could not be processed", notification_id)
        _record_failure(notification_id, error)


def pending(limit: int) -> QuerySet[Notification]:
    """Entries whose time to be processed has come, the longest waiting first."""
    return Notification.objects.filter(state=NotificationState.PENDING, next_try_at__lte=Now()).order_by(
        "next_try_at", "id"
    )[:limit]


def replay(notification: Notification) -> bool:
    """Puts a finished entry back to the start; False when it is pending anyway. The caller hands it to a worker."""
    done = Notification.objects.filter(pk=notification.pk).exclude(state=NotificationState.PENDING)
    replayed = done.update(state=NotificationState.PENDING, tries=0, next_try_at=clock.now(), error="") == 1
    notification.refresh_from_db()
    return replayed


def _claim(notification_id: UUID) -> Notification | None:
    """The pending entry, locked until the end of the transaction: of two workers, the second finds it done."""
    waiting = Notification.objects.filter(pk=notification_id, state=NotificationState.PENDING)
    resource_id = waiting.values_list("resource_id", flat=True).first()
    if resource_id is None:
        return None
    adoption.take_turn(resource_id)
    locked = waiting.select_for_update(of=("self",), no_key=True)
    return locked.select_related("resource", "recording").first()


def _process(row: Notification) -> Outcome:
    envelope = envelopes.open_envelope(envelopes.read(row.body))
    if foreign := _foreign(row.resource, envelope):
        return Outcome(sentence=foreign, about_recordings=False)
    occasion = Occasion(row)
    match messages.parse(envelope):
        case messages.FileEvent() as message:
            return ingest_files.apply(occasion, message)
        case messages.RecordingStateChanged() as message:
            return ingest_states.apply_state(occasion, message)
        case messages.StartRecordingFailed() as message:
            return ingest_states.apply_failed_start(occasion, message)
        case messages.SubscriptionValidation() | messages.Other():
            return Outcome(sentence=f"Nothing to do for {envelope.event_type}.", about_recordings=False)
        case message:
            return _process_call(occasion, message)


def _process_call(occasion: Occasion, message: messages.CallMessage) -> Outcome:
    match message:
        case messages.CallStarted():
            return ingest_calls.apply_start(occasion, message)
        case messages.CallEnded():
            return ingest_calls.apply_end(occasion, message)
        case messages.ParticipantAdded() | messages.ParticipantRemoved():
            return ingest_calls.apply_participant(occasion, message)


def _foreign(resource: Resource, envelope: Envelope) -> str:
    """A sentence when the event certainly speaks of another ACS resource; its files could not be fetched with our key.

    Certain only for Azure's own endpoints, whose first label is the name of the resource.
    """
    host = (urlsplit(resource.endpoint).hostname or "").lower()
    ours, told = host.partition(".")[0], envelope.resource_name
    if not told or told == ours or not host.endswith(_AZURE_DOMAINS):
        return ""
    return f"It speaks of the resource {told[:100]}; this installation is connected to {ours}."


def _finish(row: Notification, outcome: Outcome) -> None:
    state = NotificationState.PROCESSED if outcome.about_recordings else NotificationState.IGNORED
    if outcome.problems:
        state = NotificationState.FAILED
    identity = outcome.recording.identity if outcome.recording else ""
    Notification.objects.filter(pk=row.pk).update(
        state=state,
        processed_at=clock.now(),
        outcome=outcome.sentence[:300],
        error=" ".join(outcome.problems),
        identity=identity,
        recording=outcome.recording,
    )


def _record_misunderstood(notification_id: UUID, error: Misunderstood) -> None:
    Notification.objects.filter(pk=notification_id, state=NotificationState.PENDING).update(
        state=NotificationState.FAILED, processed_at=clock.now(), tries=F("tries") + 1, error=storable(str(error))
    )


def _record_failure(notification_id: UUID, error: Exception) -> None:
    """Counts the failed try in a transaction of its own, and puts the next one off."""
    row = Notification.objects.filter(pk=notification_id, state=NotificationState.PENDING).first()
    if row is None:
        return
    tries = row.tries + 1
    pause = min(2.0**tries, LONGEST_PAUSE_SECONDS)
    Notification.objects.filter(pk=row.pk, state=NotificationState.PENDING, tries=row.tries).update(
        state=NotificationState.FAILED if tries >= MOST_TRIES else NotificationState.PENDING,
        tries=tries,
        next_try_at=Now() + timedelta(seconds=pause),
        error=storable(f"{type(error).__name__}: {error}")[:2000],
    )
