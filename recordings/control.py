"""What operators may ask for: start, pause, resume, stop, and watching a recording that other software started.

The command is committed first and then sent within the operator's own request; `sending` records the answer, `evidence`
what the service is seen to do. One command at a time is open per recording; an equal one joins it.
"""

import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F

from recordings import clock, crashpoints, evidence, identities, moves, sending, states
from recordings.acs import errors
from recordings.acs.client import Client
from recordings.models import Adoption, Call, Command, Recording, Resource
from recordings.sending import resend
from recordings.states import CommandState, CommandVerb, RecordingState

__all__ = ["Illegal", "pause", "possible_verbs", "resend", "resume", "start", "stop", "watch"]

DOUBLE_CLICK = timedelta(seconds=5)
"""An equal command so soon after a settled one is the same wish."""
LONGEST_RECORDING_ID = 600
VALID_KINDS = frozenset(
    {
        ("audioVideo", "mixed", "mp4"),
        ("audio", "mixed", "mp3"),
        ("audio", "mixed", "wav"),
        ("audio", "unmixed", "wav"),
    }
)
"""Content, channel and format that go together (azure-docs, concepts/voice-video-calling/call-recording.md)."""

_ORIGINS = {verb: tuple(state for state, verbs in states.LEGAL_VERBS.items() if verb in verbs) for verb in CommandVerb}


class Illegal(Exception):
    """The command cannot be given now. `reason` is a sentence for the operator, `recording` the fresh row, if any."""

    def __init__(self, reason: str, recording: Recording | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.recording = recording


def possible_verbs(recording: Recording, command: Command | None) -> tuple[CommandVerb, ...]:
    """What may be asked of `recording` now, whose newest command is `command`; the answer changes by time alone, too.

    While a command is under way nothing else may be asked. One that is still unclear after `evidence.PATIENCE` stands
    in the way of its like only: nobody shall have to watch a recording go on because an answer was lost.
    """
    if command is None or not command.is_open:
        return recording.legal_verbs
    if clock.now() - (command.acknowledged_at or command.requested_at) <= evidence.PATIENCE:
        return ()
    return tuple(verb for verb in recording.legal_verbs if verb != command.verb)


def start(
    *,
    resource: Resource,
    locator: dict[str, str],
    by: User | None,
    content: str = "audioVideo",
    channel: str = "mixed",
    format: str = "mp4",  # noqa: A002 - the word of the protocol and of the pages
    paused: bool = False,
    reason: str = "",
) -> Command:
    """Starts a recording of the call that `locator` names (`kind` and its companion, as the service takes them).

    Raises Illegal when the kind of recording does not exist or the call is being recorded this way already.
    """
    if (content, channel, format) not in VALID_KINDS:
        raise Illegal(f"The service makes no {format} file of {channel} {content}.")
    _refuse_without_credentials(resource, None)
    body: dict[str, object] = {
        "callLocator": locator,
        "recordingContentType": content,
        "recordingChannelType": channel,
        "recordingFormatType": format,
        "pauseOnStart": paused,
    }
    target = _target(locator, content, channel, format)
    try:
        command, is_new = _commit_start(resource, body, target, by, reason)
    except IntegrityError:  # somebody started the same in this very moment
        command, is_new = _commit_start(resource, body, target, by, reason)
    if is_new:
        crashpoints.reach("control.after_start_commit")
        sending.deliver(command)
    return command


def pause(recording: Recording, *, by: User | None, reason: str = "") -> Command:
    """Asks the service to leave out what follows. Raises Illegal."""
    return _give(recording, CommandVerb.PAUSE, by, reason)


def resume(recording: Recording, *, by: User | None, reason: str = "") -> Command:
    """Asks the service to go on recording. Raises Illegal."""
    return _give(recording, CommandVerb.RESUME, by, reason)


def stop(recording: Recording, *, by: User | None, reason: str = "") -> Command:
    """Asks the service to end the recording. Raises Illegal."""
    return _give(recording, CommandVerb.STOP, by, reason)


def watch(*, resource: Resource, recording_id: str, by: User | None) -> Recording:
    """Adopts a recording that other software started, by its pasted id.

    The service is asked first: raises AcsError when the text cannot be a recording id, or the service does not know it
    or cannot be asked, and stores nothing then. A recording known already is returned as it is.
    """
    pasted = recording_id.strip()
    known_as = identities.normalised(pasted)
    if not known_as or len(pasted) > LONGEST_RECORDING_ID or not (pasted.isascii() and pasted.isprintable()):
        raise errors.NotFound("This is not a recording id. Paste the recordingId exactly as the service gave it.")
    if any(sign in pasted for sign in " /?#%:"):
        raise errors.NotFound("This is not a recording id, which has no such characters. Was an address pasted?")
    known = Recording.objects.filter(resource=resource, recording_id=known_as).first()
    if known is not None:
        return known
    asked_at = clock.now()
    crashpoints.reach("control.before_watch")
    try:
        state = Client(resource).state(pasted)
    except errors.NotFound as error:
        raise errors.NotFound(
            "The service does not know this recording: it has ended, or belongs to another resource.", code=error.code
        ) from error
    crashpoints.reach("control.after_watch")
    adopted = Recording(
        resource=resource,
        origin=Recording.Origin.WATCHED,
        recording_id=known_as,
        recording_id_sent=pasted,
        identity=identities.by_recording_id(pasted),
        state=RecordingState.ACTIVE if state == "active" else RecordingState.PAUSED,
        remote_state=state,
        asked_at=asked_at,
        confirmed_at=asked_at,
    )
    return _commit_adoption(adopted, by)


def _commit_adoption(adopted: Recording, by: User | None) -> Recording:
    try:
        with transaction.atomic():
            adopted.save(force_insert=True)
            Adoption.objects.create(
                resource=adopted.resource, identity=adopted.identity, how=Adoption.How.WATCHED, by=by
            )
            moves.born(adopted, because="An operator pasted its id.", by=by, happened_at=adopted.asked_at)
    except IntegrityError:  # an event or another operator was faster
        return Recording.objects.get(resource=adopted.resource, recording_id=adopted.recording_id)
    crashpoints.reach("control.after_watch_commit")
    adopted.refresh_from_db()
    return adopted


def _commit_start(
    resource: Resource, body: dict[str, object], target: str, by: User | None, reason: str
) -> tuple[Command, bool]:
    """The command for this start and whether it is new. Raises IntegrityError when another one won the race."""
    locator = body["callLocator"]
    server_call_id = locator.get("serverCallId", "") if isinstance(locator, dict) else ""
    with transaction.atomic():
        if joined := _start_to_join(resource, target):
            return joined, False
        recording = Recording.objects.create(
            resource=resource,
            call=Call.objects.filter(resource=resource, server_call_id=server_call_id).first()
            if server_call_id
            else None,
            origin=Recording.Origin.OPERATOR,
            started_by=by,
            callback_secret=secrets.token_urlsafe(32),
            state=RecordingState.REQUESTED,
            content_type=str(body["recordingContentType"]),
            channel_type=str(body["recordingChannelType"]),
            format_type=str(body["recordingFormatType"]),
        )
        command = Command.objects.create(
            resource=resource,
            recording=recording,
            verb=CommandVerb.START,
            requested_by=by,
            reason=reason[:200],
            body=body,
            target=target,
        )
        moves.born(recording, because="An operator asked for it.", by=by, command=command)
    return command, True


def _start_to_join(resource: Resource, target: str) -> Command | None:
    """An equal start that is open or has just succeeded; raises Illegal when an older one still runs."""
    started = Command.objects.filter(resource=resource, target=target).select_related("recording")
    running = started.filter(recording__state__in=[RecordingState.REQUESTED, *states.LIVE]).first()
    if running is None or running.is_open or clock.now() - running.requested_at < DOUBLE_CLICK:
        return running
    raise Illegal("This call is being recorded already.", running.recording)


def _target(locator: dict[str, str], content: str, channel: str, format: str) -> str:  # noqa: A002 - as above
    call = ";".join(f"{name}={value}" for name, value in sorted(locator.items()))
    return f"{content}/{channel}/{format};{call}"[:700]


def _give(recording: Recording, verb: CommandVerb, by: User | None, reason: str) -> Command:
    recording.refresh_from_db()
    _refuse_without_credentials(recording.resource, recording)
    try:
        command, is_new = _commit(recording, verb, by, reason)
    except IntegrityError:  # somebody gave a command in this very moment
        command, is_new = _commit(recording, verb, by, reason)
    if is_new:
        crashpoints.reach("control.after_commit")
        sending.deliver(command)
    recording.refresh_from_db()
    return command


def _commit(recording: Recording, verb: CommandVerb, by: User | None, reason: str) -> tuple[Command, bool]:
    """The command to follow and whether it is new; raises Illegal with the fresh row."""
    with transaction.atomic():
        if joined := _to_join(recording, verb):
            return joined, False
        # The guarded update holds the row until the commit: of two operators the second sees the first one's command.
        legal = Recording.objects.filter(pk=recording.pk, state__in=_ORIGINS[verb])
        if not legal.update(version=F("version") + 1):
            recording.refresh_from_db()
            raise Illegal(_why_not(recording, verb), recording)
        crashpoints.reach("control.before_commit")
        command = Command.objects.create(
            resource=recording.resource, recording=recording, verb=verb, requested_by=by, reason=reason[:200]
        )
    return command, True


def _to_join(recording: Recording, verb: CommandVerb) -> Command | None:
    """An equal command that is open or was given a moment ago; raises Illegal when a different one is in the way."""
    newest = recording.commands.order_by("-requested_at").first()
    if newest is None:
        return None
    if newest.verb == verb:
        fresh = newest.state == CommandState.CONFIRMED and clock.now() - newest.requested_at < DOUBLE_CLICK
        return newest if newest.is_open or fresh else None
    if not newest.is_open:
        return None
    if verb in possible_verbs(recording, newest):
        error = f"It never became clear whether the service did it; a {verb} was asked for next."
        moves.command(newest, CommandState.FAILED, settled_at=clock.now(), error=error)
        return None
    recording.refresh_from_db()
    raise Illegal(f"A {newest.verb} is under way. Wait until it is settled.", recording)


def _refuse_without_credentials(resource: Resource, recording: Recording | None) -> None:
    if not resource.has_credentials:
        raise Illegal(
            f"The settings no longer hold the access key of {resource.endpoint}, so nothing can be asked of it.",
            recording,
        )


def _why_not(recording: Recording, verb: CommandVerb) -> str:
    match RecordingState(recording.state):
        case RecordingState.REQUESTED:
            return "The recording has not begun yet."
        case RecordingState.PAUSED if verb == CommandVerb.PAUSE:
            return "The recording is paused already."
        case RecordingState.ACTIVE if verb == CommandVerb.RESUME:
            return "The recording is running already."
        case RecordingState.STOPPING:
            return "The recording is being stopped."
        case RecordingState.FAILED:
            return "The recording never began."
    return "The recording has ended."
