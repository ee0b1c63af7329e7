"""Asks the service about recordings whose last word is old, and about those with a command that is not settled."""

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from recordings import clock, crashpoints, evidence, sending, states
from recordings.acs import errors
from recordings.acs.client import Client
from recordings.acs.signing import host_of
from recordings.evidence import ended, identify, observe, start_failed
from recordings.models import Command, Condition, MediaFile, Recording, Resource
from recordings.states import CommandState, CommandVerb, RecordingState

__all__ = ["ask", "ended", "identify", "observe", "probe", "stale", "start_failed"]

QUIET_AFTER = timedelta(seconds=30)
"""How old the last word about a live recording may become."""
FIRST_ASK_AFTER = timedelta(seconds=1)
"""After a command; each later question waits until twice as long after it, at most `QUIET_AFTER` after the last."""

logger = logging.getLogger(__name__)

_OVER = (RecordingState.ENDED, RecordingState.FAILED)


def stale(limit: int) -> QuerySet[Recording]:
    """Recordings that should be asked about now, those with open commands first. `ask` each of them."""
    now = clock.now()
    waiting = Command.objects.open().select_related("recording").order_by("requested_at")
    pressing = [command.recording_id for command in waiting if _is_due(command, now)][:limit]
    quiet = Recording.objects.filter(
        Q(confirmed_at=None) | Q(confirmed_at__lt=now - QUIET_AFTER),
        Q(asked_at=None) | Q(asked_at__lt=now - QUIET_AFTER),
        state__in=[RecordingState.REQUESTED, *states.LIVE],
        resource__retired_at=None,
    )
    unasked = Recording.objects.filter(asked_at=None, state__in=states.LIVE, resource__retired_at=None)
    longest_ago = (quiet | unasked).exclude(recording_id=None).order_by(F("asked_at").asc(nulls_first=True))
    chosen = [*pressing, *longest_ago.values_list("pk", flat=True)[:limit]]
    return Recording.objects.filter(pk__in=list(dict.fromkeys(chosen))[:limit])


def ask(recording: Recording) -> None:
    """Asks the service about one recording and applies what its answer proves; sends an unclear command again.

    `active` and `inactive` are words for `evidence.observe`; a 404 of the service itself means ended; 5xx, silence and
    pages of somebody else prove nothing.
    """
    if recording.state in _OVER:
        evidence.settle_commands(recording)
        return
    command = recording.commands.open().first()
    if recording.recording_id is None:  # its start was never answered: all one can do is send it again
        if command is not None:
            sending.resend(command)
        return
    asked_at = None if command is None and _is_resting(recording) else _claim(recording)
    may_send = asked_at is not None and _ask_service(recording, asked_at)
    crashpoints.reach("reconcile.after_apply")
    if command is not None:
        command.refresh_from_db()
        if may_send or sending.is_too_old(command):
            sending.resend(command)


def probe() -> None:
    """Tries again what was unreachable or refused the key, so that a banner does not outlive its cause.

    Without a live recording or a waiting file there are no other requests that could.
    """
    kinds = (Condition.Kind.UNREACHABLE, Condition.Kind.CREDENTIALS_REFUSED)
    for condition in Condition.objects.open().filter(kind__in=kinds).select_related("resource"):
        if condition.resource is not None:
            _probe(condition, condition.resource)


def _probe(condition: Condition, resource: Resource) -> None:
    kind = Condition.Kind(condition.kind)
    at_endpoint = condition.host in {"", host_of(resource.endpoint)}
    if not resource.has_credentials:
        Condition.objects.clear(kind, resource=resource)
    elif kind == Condition.Kind.CREDENTIALS_REFUSED and not at_endpoint:
        # Only a real file shows whether its host accepts the key; once none is waiting, nothing is held up.
        if not MediaFile.objects.filter(chunk__resource=resource, state__in=states.RETRIEVABLE).exists():
            Condition.objects.clear(kind, resource=resource)
    elif condition.probe_at is None or condition.probe_at <= clock.now():
        try:
            Client(resource).knock(condition.host)
        except errors.HostNotAllowed:  # the settings have changed, and nothing goes there any more
            Condition.objects.open().filter(pk=condition.pk).update(cleared_at=clock.now())
        except errors.AcsError as error:
            logger.info("%s was tried again: %s", condition.host or resource.endpoint, error)


def _ask_service(recording: Recording, asked_at: datetime) -> bool:
    """Whether an open command may be sent again after this answer."""
    crashpoints.reach("reconcile.before_ask")
    try:
        word = sending.ask_remote_state(recording)
    except errors.NotFound as error:
        if error.proves_absence:
            _gone(recording, asked_at)
        return False
    except (errors.ServiceFault, errors.BadAnswer):
        return True  # asking is known to fail for recordings that can be controlled (azure-sdk-for-js, issue 26261)
    except errors.AcsError:
        return False
    crashpoints.reach("reconcile.after_ask")
    evidence.observe(recording, word, at=asked_at)
    return True


def _gone(recording: Recording, asked_at: datetime) -> None:
    """The service does not know the recording. One that is still to begin gets some time to appear."""
    start = recording.commands.filter(verb=CommandVerb.START).first()
    if recording.state == RecordingState.REQUESTED and start is not None and start.acknowledged_at is not None:
        if asked_at >= start.acknowledged_at + evidence.PATIENCE:
            message = "The service acknowledged the start, but no recording came of it."
            evidence.start_failed(recording, message=message, at=asked_at)
        return
    evidence.ended(recording, at=asked_at, because="Asked about it, the service no longer knew the recording (404).")


def _is_resting(recording: Recording) -> bool:
    """Whether the service was found unreachable a moment ago: every question would only wait for its time limit."""
    holding = Condition.objects.holding(recording.resource, host=host_of(recording.resource.endpoint))
    return holding.filter(kind=Condition.Kind.UNREACHABLE).exists()


def _claim(recording: Recording) -> datetime | None:
    """The moment of asking, if it can be asked and this process is the one to do it."""
    if not recording.resource.has_credentials:
        return None
    now = clock.now()
    mine = Recording.objects.filter(pk=recording.pk, asked_at=recording.asked_at)
    return now if mine.update(asked_at=now) == 1 else None


def _is_due(command: Command, now: datetime) -> bool:
    """Whether the recording of this open command should be asked about, or the command sent again."""
    recording = command.recording
    if recording.state in _OVER:
        return True
    if command.state == CommandState.REQUESTED and command.next_send_at <= now:
        return True
    if recording.recording_id is None:
        return False
    since = command.acknowledged_at or command.sent_at or command.requested_at
    asked_at = recording.asked_at
    if asked_at is None or asked_at < since + FIRST_ASK_AFTER:
        return now >= since + FIRST_ASK_AFTER
    verdict = since + evidence.PATIENCE
    if asked_at < verdict <= now:  # from here on the opposite contradicts
        return True
    return now >= min(asked_at + (asked_at - since), asked_at + QUIET_AFTER)
