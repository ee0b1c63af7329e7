"""Applies what the service says about a recording to the recording and to the command that may have caused it.

Words come from callbacks, from answers and from asking; they may come late, twice and in any order. Each carries the
moment it was true; one that is older than the newest word already heard changes nothing. A call's end, a file event or
a 404 ends a recording for good, and an ended recording hears nothing any more.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from recordings import adoption, buckets, clock, moves
from recordings.acs.client import RemoteState
from recordings.models import Command, Notification, Recording
from recordings.states import CommandState, CommandVerb, RecordingState

PATIENCE = timedelta(seconds=10)
"""How long an acknowledged command may take to show; the service saying the opposite after that contradicts it."""
SKEW_WORTH_MINDING = timedelta(seconds=2)
"""The Date header counts whole seconds: a smaller difference between the two clocks may be none at all."""

_STATE_OF_WORD = {"active": RecordingState.ACTIVE, "inactive": RecordingState.PAUSED}


def observe(
    recording: Recording, remote_state: RemoteState, *, at: datetime, notification: Notification | None = None
) -> bool:
    """Applies one word of the service; True when it was news. The row is refreshed either way.

    `at` is when the word was true: the event's own time for a callback (given with its `notification`), the moment
    before the request for an answer. `inactive` means paused, unless the call or a stop says that it is over.
    """
    with transaction.atomic():
        moment = _on_our_clock(recording, at) if notification else at
        is_news = _note(recording, remote_state, moment)
        recording.refresh_from_db()
        if is_news:
            _apply(recording, remote_state, moment, notification)
    return is_news


def ended(recording: Recording, *, at: datetime, because: str, notification: Notification | None = None) -> bool:
    """The recording is over, as `because` says; True when that was news. Settles a command that was still open."""
    with transaction.atomic():
        moved = moves.recording(
            recording,
            RecordingState.ENDED,
            facts={"ended_at": at, **_pause_finished(recording, at)},
            because=because,
            notification=notification,
            happened_at=at,
        )
        if recording.state == RecordingState.ENDED:
            settle_commands(recording)
    return moved


def settle_commands(recording: Recording) -> None:
    """Settles what is open on a recording that is over: a stop is borne out by it, a pause or resume came too late."""
    for command in recording.commands.open():
        if command.verb in {CommandVerb.STOP, CommandVerb.START}:
            moves.command(command, CommandState.CONFIRMED, settled_at=clock.now(), error="")
        else:
            moves.command(command, CommandState.FAILED, settled_at=clock.now(), error="The recording had ended.")


def start_failed(
    recording: Recording, *, message: str, code: str = "", at: datetime, notification: Notification | None = None
) -> bool:
    """The service could not begin the recording after all, as `message` tells the operator; True when that was news."""
    with transaction.atomic():
        for command in recording.commands.open().filter(verb=CommandVerb.START):
            moves.command(command, CommandState.FAILED, settled_at=clock.now(), error=message, error_code=code[:60])
        return moves.recording(
            recording, RecordingState.FAILED, because=message[:500], notification=notification, happened_at=at
        )


def identify(recording: Recording, recording_id: str, *, server_call_id: str = "") -> Recording:
    """Gives a started recording the id that the service chose; the row that holds that id afterwards.

    That is another row when an event made the recording known before its start was answered; the two then become one.
    """
    with transaction.atomic():
        recording = adoption.name(recording, recording_id)
        recording.commands.filter(verb=CommandVerb.START).update(identity=recording.identity)
        adoption.place(recording, adoption.meet(recording.resource, server_call_id=server_call_id))
        _settle_overtaken_start(recording)
        buckets.settle(recording)
    recording.refresh_from_db()
    return recording


def _settle_overtaken_start(recording: Recording) -> None:
    """Confirms a start whose recording was seen running, or over, before its answer came."""
    if recording.state == RecordingState.ENDED:
        settle_commands(recording)
    for command in recording.commands.open().filter(verb=CommandVerb.START):
        word = wanted(command)
        if word and _STATE_OF_WORD[word] == recording.state:
            moves.command(command, CommandState.CONFIRMED, settled_at=clock.now(), error="")


def _note(recording: Recording, word: RemoteState, at: datetime) -> bool:
    """Remembers the word unless a newer one is known. Being the first write, it keeps other words waiting."""
    newest_yet = Q(confirmed_at=None) | Q(confirmed_at__lte=at)
    return (
        Recording.objects.filter(newest_yet, pk=recording.pk)
        .exclude(state=RecordingState.ENDED)
        .update(confirmed_at=at, remote_state=word)
        == 1
    )


def _apply(recording: Recording, word: RemoteState, at: datetime, notification: Notification | None) -> None:
    command = recording.commands.order_by("-requested_at").first()
    if command is None or not _concerns(command, at):
        _follow(recording, word, at, notification, command=None)
    elif command.verb == CommandVerb.STOP:
        _apply_to_stop(recording, command, word, at, notification)
    elif word == wanted(command):
        moves.command(command, CommandState.CONFIRMED, settled_at=clock.now(), error="")
        _follow(recording, word, at, notification, command=command)
    elif word == "active" and command.verb == CommandVerb.START:
        # It was to begin paused and did not: what is being recorded must show at once.
        _contradict(command)
        _follow(recording, word, at, notification, command=command)
    elif _had_its_time(command, at):
        _contradict(command)
        _follow(recording, word, at, notification, command=command)
    elif not command.is_open:
        _follow(recording, word, at, notification, command=None)


def _concerns(command: Command, at: datetime) -> bool:
    """Whether a word of that moment can be an answer to `command`: an open one, or one given up without a clear no."""
    if command.sent_at is None or at < command.sent_at:
        return False
    if command.state == CommandState.FAILED:
        never_answered = command.http_status is None and command.verb != CommandVerb.STOP
        return command.verb == CommandVerb.START or never_answered
    return command.is_open or command.state == CommandState.CONTRADICTED


def wanted(command: Command) -> RemoteState | None:
    """The word that bears `command` out; none for a stop, which is borne out by the recording being gone."""
    match command.verb:
        case CommandVerb.PAUSE:
            return "inactive"
        case CommandVerb.RESUME:
            return "active"
        case CommandVerb.START:
            return "inactive" if command.body.get("pauseOnStart") else "active"
    return None


def _apply_to_stop(
    recording: Recording, command: Command, word: RemoteState, at: datetime, notification: Notification | None
) -> None:
    stopping = recording.state == RecordingState.STOPPING
    if word == "inactive" and stopping and (notification or not _was_paused(recording)):
        ended(recording, at=at, because="The service reports it inactive after the stop.", notification=notification)
    elif command.state == CommandState.CONTRADICTED or _had_its_time(command, at):
        _contradict(command)
        _follow(recording, word, at, notification, command=command)


def _was_paused(recording: Recording) -> bool:
    """Whether it was paused when its stop was acknowledged: then `inactive` says nothing about the stop."""
    step = recording.changes.filter(media_file=None, new=RecordingState.STOPPING).order_by("-at", "-id").first()
    return step is not None and step.old == RecordingState.PAUSED


def _had_its_time(command: Command, at: datetime) -> bool:
    return command.acknowledged_at is not None and command.is_open and at >= command.acknowledged_at + PATIENCE


def _contradict(command: Command) -> None:
    moves.command(
        command,
        CommandState.CONTRADICTED,
        settled_at=clock.now(),
        error="The service acknowledged this and then reported the opposite.",
    )


def _follow(
    recording: Recording,
    word: RemoteState,
    at: datetime,
    notification: Notification | None,
    *,
    command: Command | None,
) -> None:
    """Moves the recording to where the word puts it."""
    to = _STATE_OF_WORD[word]
    if recording.state == to:
        return
    if to == RecordingState.PAUSED and recording.call and recording.call.ended_at:
        ended(recording, at=at, because="The call ended and the service reports inactive.", notification=notification)
        return
    since = command.acknowledged_at if command and command.acknowledged_at else at
    facts: dict[str, object] = _pause_finished(recording, since)
    if to == RecordingState.PAUSED:
        facts["paused_since"] = since
        # Nobody here asked for it, so it may as well be over: the next look should come soon.
        facts |= {} if command else {"asked_at": None}
    if recording.state == RecordingState.REQUESTED and recording.started_at is None:
        facts["started_at"] = since
    moves.recording(
        recording,
        to,
        facts=facts,
        because=_because(word, command, notification),
        by=command.requested_by if command else None,
        command=command,
        notification=notification,
        happened_at=at,
    )


def _because(word: RemoteState, command: Command | None, notification: Notification | None) -> str:
    how = "by callback" if notification else "when asked"
    if command is None:
        return f"The service says {word} ({how}); no command of ours asked for it."
    if command.state == CommandState.CONTRADICTED:
        return f"The service acknowledged the {command.verb} and says {word} ({how})."
    return f"The service bore out the {command.verb}: {word} ({how})."


def _pause_finished(recording: Recording, at: datetime) -> dict[str, object]:
    """Facts that close the running pause, if there is one."""
    if recording.paused_since is None:
        return {}
    lasted = max(at - recording.paused_since, timedelta(0))
    return {"paused_since": None, "paused_ms": F("paused_ms") + round(lasted.total_seconds() * 1000)}


def _on_our_clock(recording: Recording, at: datetime) -> datetime:
    """The moment `at` of the service's clock on ours; never in the future: one wild date would silence the others."""
    skew = timedelta(milliseconds=recording.resource.clock_skew_ms or 0)
    corrected = at - skew if abs(skew) >= SKEW_WORTH_MINDING else at
    return min(corrected, clock.now())
