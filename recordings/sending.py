"""Carries a committed command to the service and records what came back.

A clear yes acknowledges it, a clear no fails it, and anything unclear (no answer, 5xx, 429) leaves it requested: it may
have been carried out. Such a command is sent again under the same Repeatability-Request-ID, at growing intervals, and
given up in the end.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from recordings import adoption, clock, crashpoints, evidence, moves
from recordings.acs import errors
from recordings.acs.client import Answer, Client, RemoteState
from recordings.acs.hosts import is_loopback
from recordings.models import Command, Recording
from recordings.states import CommandState, CommandVerb, RecordingState

GIVE_UP_AFTER = {
    CommandVerb.START: timedelta(minutes=1),
    CommandVerb.PAUSE: timedelta(minutes=10),
    CommandVerb.RESUME: timedelta(minutes=1),
    CommandVerb.STOP: timedelta(minutes=10),
}
"""How long an unclear command is tried. To record less than before is right even when it comes late; more is not."""
ONE_SEND = timedelta(seconds=15)
"""Longer than a send and the question after a refusal can take: only a dead process leaves one open for so long."""
LONGEST_PAUSE_SECONDS = 16.0

ALREADY_RECORDED = frozenset({"8553", "8559"})
"""Error codes for a start of a call that is being recorded already."""

Outcome = Answer | int | errors.AcsError


def deliver(command: Command) -> None:
    """Sends the command if nobody else is sending it, and records the outcome. The row is refreshed."""
    if not _claim(command):
        command.refresh_from_db()
        return
    crashpoints.reach("sending.before_send")
    outcome = _send(command)
    crashpoints.reach("sending.after_send")
    _record(command, outcome)
    crashpoints.reach("sending.after_record")
    command.refresh_from_db()


def resend(command: Command) -> None:
    """Sends an unclear command again when its time has come; gives it up when it is too old."""
    if command.state != CommandState.REQUESTED or command.next_send_at > clock.now():
        return
    if not is_too_old(command):
        deliver(command)
        return
    minutes = GIVE_UP_AFTER[CommandVerb(command.verb)].seconds // 60
    last = f" The last answer: {command.error}" if command.error else ""
    _fail(
        command,
        f"No clear answer for {minutes} min; nothing more is sent. Whether the service did it is unknown.{last}",
    )


def is_too_old(command: Command) -> bool:
    """Whether a command that is still unclear should be given up."""
    return clock.now() >= command.requested_at + GIVE_UP_AFTER[CommandVerb(command.verb)]


def ask_remote_state(recording: Recording) -> RemoteState:
    """`active` or `inactive`; raises AcsError."""
    return Client(recording.resource).state(recording.recording_id_sent or recording.recording_id or "")


def callback_uri(recording: Recording) -> str:
    """Where the service is to report changes of state; empty when no address is configured that it could reach."""
    base = settings.TAPEDECK_PUBLIC_URL
    # Azure refuses a start whose callback is not https (azure-docs, call-automation/secure-webhook-endpoint.md).
    reachable = base.startswith("https://") or (base and is_loopback(recording.resource.endpoint))
    return f"{base}/webhooks/acs/callback/{recording.callback_secret}" if reachable else ""


def _claim(command: Command) -> bool:
    """Makes this process the only sender of the command for as long as one send can take."""
    now = clock.now()
    mine = Command.objects.filter(pk=command.pk, state=CommandState.REQUESTED, sends=command.sends)
    claimed = mine.update(sends=F("sends") + 1, sent_at=now, next_send_at=now + ONE_SEND, error="") == 1
    if claimed:
        command.refresh_from_db()
    return claimed


def _send(command: Command) -> Outcome:
    try:
        client = Client(command.resource)
        remote_id = command.recording.recording_id_sent or command.recording.recording_id or ""
        match CommandVerb(command.verb):
            case CommandVerb.START:
                return _send_start(client, command)
            case CommandVerb.PAUSE:
                return client.pause(remote_id)
            case CommandVerb.RESUME:
                return client.resume(remote_id)
            case CommandVerb.STOP:
                return client.stop(remote_id)
    except errors.AcsError as error:
        return error


def _send_start(client: Client, command: Command) -> Answer:
    body = command.body
    return client.start(
        locator=body["callLocator"],
        callback_uri=callback_uri(command.recording),
        content=body["recordingContentType"],
        channel=body["recordingChannelType"],
        format=body["recordingFormatType"],
        pause_on_start=body["pauseOnStart"],
        request_id=command.id,
        first_sent=command.requested_at,
    )


def _record(command: Command, outcome: Outcome) -> None:
    if isinstance(outcome, Answer):
        _record_started(command, outcome)
    elif isinstance(outcome, int):
        _record_acknowledged(command, outcome)
    elif isinstance(outcome, errors.NotFound) and outcome.proves_absence and command.verb != CommandVerb.START:
        because = f"Asked for a {command.verb}, the service no longer knew the recording (404)."
        evidence.ended(command.recording, at=clock.now(), because=because)
    elif isinstance(outcome, errors.Refused) and command.verb != CommandVerb.START:
        _record_refused(command, outcome)
    elif outcome.retryable:
        _record_unclear(command, outcome)
    else:
        _fail(command, outcome.message, http_status=outcome.http_status, code=outcome.code)


def _record_started(command: Command, answer: Answer) -> None:
    """The service began a recording and named it. It may already be known by an event that overtook the answer."""
    sent_at = command.sent_at or command.requested_at
    with transaction.atomic():
        adoption.take_turn(command.resource_id)
        moves.command(
            command, CommandState.ACKNOWLEDGED, acknowledged_at=clock.now(), http_status=answer.http_status, error=""
        )
        server_call_id = command.body["callLocator"].get("serverCallId", "")
        recording = evidence.identify(command.recording, answer.recording_id, server_call_id=server_call_id)
        if answer.state:
            evidence.observe(recording, answer.state, at=sent_at)


def _record_acknowledged(command: Command, status: int) -> None:
    with transaction.atomic():
        acknowledged = moves.command(
            command, CommandState.ACKNOWLEDGED, acknowledged_at=clock.now(), http_status=status, error=""
        )
        if acknowledged and command.verb == CommandVerb.STOP:
            moves.recording(
                command.recording,
                RecordingState.STOPPING,
                because="The service acknowledged the stop.",
                by=command.requested_by,
                command=command,
            )


def _record_refused(command: Command, refusal: errors.Refused) -> None:
    """A refused pause, resume or stop: the recording may be where it was to go already, which only asking tells.

    What the service answers to a second pause is not documented: 400 with code 8573 and 409 with 8571 are both
    plausible (azure-docs, includes/codes/call-automation-sdk.md).
    """
    asked_at = clock.now()
    word: RemoteState | None = None
    try:
        word = ask_remote_state(command.recording)
    except errors.NotFound as error:
        if error.proves_absence:
            evidence.ended(command.recording, at=asked_at, because="The service no longer knows the recording (404).")
            return
    except errors.AcsError:
        _record_unclear(command, refusal)
        return
    if word and word == evidence.wanted(command):
        Command.objects.filter(pk=command.pk).update(http_status=refusal.http_status, error_code=refusal.code[:60])
        evidence.observe(command.recording, word, at=asked_at)
    else:
        _fail(command, refusal.message, http_status=refusal.http_status, code=refusal.code)


def _record_unclear(command: Command, error: errors.AcsError) -> None:
    """Leaves the command requested, says why, and plans its next send."""
    wait = max(min(2.0**command.sends, LONGEST_PAUSE_SECONDS), error.retry_after or 0.0)
    planned = {"error": error.message, "next_send_at": clock.now() + clock.seconds(wait)}
    with transaction.atomic():
        if Command.objects.filter(pk=command.pk, state=CommandState.REQUESTED).update(**planned):
            Recording.objects.filter(pk=command.recording_id).update(version=F("version") + 1)


def _fail(command: Command, message: str, *, http_status: int | None = None, code: str = "") -> None:
    """Settles the command as refused; a start that never began takes its recording with it."""
    if command.verb == CommandVerb.START and code in ALREADY_RECORDED and command.sends > 1:
        message += " Most likely by this very request, whose first answer was lost; its callback or file will show it."
    with transaction.atomic():
        failed = moves.command(
            command,
            CommandState.FAILED,
            settled_at=clock.now(),
            error=message,
            error_code=code[:60],
            http_status=http_status,
        )
        if failed and command.verb == CommandVerb.START:
            moves.recording(
                command.recording,
                RecordingState.FAILED,
                because=message[:500],
                by=command.requested_by,
                command=command,
            )
