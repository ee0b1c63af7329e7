"""Live: what is being recorded now, the calls that could be, and the ledger above them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import access, chrome, ledger_strip, status
from dashboard.access import OperatorRequest, Verb
from dashboard.views.library import in_order_of_joining, names_of
from recordings import clock, control
from recordings.models import Call, Command, Presence, Recording, RecordingParticipant
from recordings.states import CommandVerb, RecordingState

LONGEST_CALM_PAUSE = timedelta(minutes=5)
"""A pause longer than this is raised: somebody may have forgotten to resume."""
MOST_ROWS = 200
MOST_CALLS = 50
SHOWN_STATES = (RecordingState.REQUESTED, RecordingState.ACTIVE, RecordingState.PAUSED, RecordingState.STOPPING)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recording as Live shows it."""

    recording: Recording
    status: status.Status
    people: list[str]
    verbs: tuple[CommandVerb, ...]

    @property
    def counts_from(self) -> datetime | None:
        """The moment its recorded time goes on from; none while it stands still."""
        return self.recording.began_at if self.recording.state == RecordingState.ACTIVE else None

    @property
    def recorded_ms(self) -> int:
        """What to add to the time since `counts_from`; while paused, the time recorded before the pause."""
        recording = self.recording
        if self.counts_from:
            return -recording.paused_ms
        if recording.state == RecordingState.REQUESTED:
            return 0
        end = recording.paused_since or clock.now()
        return max(0, round((end - recording.began_at).total_seconds() * 1000) - recording.paused_ms)

    @property
    def pause_ends_calm_at(self) -> datetime | None:
        since = self.recording.paused_since
        return since + LONGEST_CALM_PAUSE if since else None

    @property
    def pause_is_long(self) -> bool:
        return self.pause_ends_calm_at is not None and self.pause_ends_calm_at <= clock.now()


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """A call that nobody records."""

    call: Call
    people: list[str]


@require_GET
@access.needs(Verb.VIEW)
def live(request: OperatorRequest) -> HttpResponse:
    """The page; for htmx its changing part, or 204 when the caller has seen the present version."""
    if not request.htmx:
        return page(request)
    context = live_context(request)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "live/_live.html", context)


def page(request: OperatorRequest, *, status_code: int = 200) -> HttpResponse:
    return render(request, "live/page.html", live_context(request), status=status_code)


def live_context(request: OperatorRequest) -> dict[str, object]:
    rows = [_row(recording) for recording in _recordings(request)[: MOST_ROWS + 1]]
    calls = [
        CallRow(call=call, people=names_of(call.present))  # type: ignore[attr-defined]
        for call in _calls(request)[:MOST_CALLS]
    ]
    strip = ledger_strip.read(long_pauses=sum(row.pause_is_long for row in rows))
    return {
        "rows": rows[:MOST_ROWS],
        "more": len(rows) > MOST_ROWS,
        "calls": calls,
        "strip": strip,
        "version": _version(request, rows, calls, strip),
    }


def _recordings(request: OperatorRequest) -> QuerySet[Recording]:
    return (
        access.recordings_visible_to(request.user)
        .filter(state__in=SHOWN_STATES)
        .select_related("call", "started_by")
        .prefetch_related(
            Prefetch("commands", Command.objects.order_by("-requested_at"), to_attr="newest_commands"),
            Prefetch("cast", RecordingParticipant.objects.select_related("participant"), to_attr="people"),
            Prefetch("call__presences", _present(), to_attr="present"),
        )
        .order_by("-requested_at", "-id")
    )


def _calls(request: OperatorRequest) -> QuerySet[Call]:
    taken = Recording.objects.filter(state__in=SHOWN_STATES, call__isnull=False).values("call")
    return (
        access.calls_visible_to(request.user)
        .filter(ended_at=None, resource__retired_at=None)
        .exclude(server_call_id="")
        .exclude(pk__in=taken)
        .prefetch_related(Prefetch("presences", _present(), to_attr="present"))
        .order_by("-started_at", "-id")
    )


def _present() -> QuerySet[Presence]:
    return in_order_of_joining().filter(left_at=None)


def _row(recording: Recording) -> Row:
    commands: list[Command] = recording.newest_commands  # type: ignore[attr-defined]
    command = commands[0] if commands else None
    present: list[Presence] = recording.call.present if recording.call else []  # type: ignore[attr-defined]
    cast: list[RecordingParticipant] = recording.people  # type: ignore[attr-defined]
    people = names_of(present or cast)
    return Row(
        recording=recording,
        status=status.of(recording, command),
        people=people,
        verbs=control.possible_verbs(recording, command),
    )


def _version(request: OperatorRequest, rows: list[Row], calls: list[CallRow], strip: ledger_strip.Shown) -> str:
    """Changes with whatever the fragment shows."""
    return chrome.version(
        request,
        [(row.recording.pk, row.recording.version, row.verbs, row.pause_is_long, tuple(row.people)) for row in rows],
        [(row.call.pk, tuple(row.people)) for row in calls],
        strip,
    )
