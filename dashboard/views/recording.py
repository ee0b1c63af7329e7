"""Recording: the player, the wall-clock timeline, and everything that is known about one recording."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from dashboard import access, chrome, pauses, status
from dashboard import timeline as timelines
from dashboard.access import OperatorRequest, Verb
from dashboard.views.library import Row, in_order_of_joining, names_of
from dashboard.views.live import Row as LiveRow
from recordings import calls, control
from recordings.models import (
    Attempt,
    Chunk,
    Command,
    MediaFile,
    Presence,
    Recording,
    RecordingParticipant,
    StateChange,
)
from recordings.states import MediaState

MOST_HISTORY = 400
MOST_NOTIFICATIONS = 100


@dataclass(frozen=True, kw_only=True)
class Person:
    """A participant with the stays that are known, and the channel in unmixed audio."""

    name: str
    raw_id: str
    channel: int | None
    stays: tuple[Presence, ...]


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One line of the history: a step that happened, or a command with how far it came."""

    at: datetime
    change: StateChange | None = None
    command: Command | None = None


@require_GET
def recording(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    """The page; for htmx its changing part, or 204 when the caller has seen the present version."""
    row = access.recording(request.user, pk)
    context = recording_context(request, row)
    if not request.htmx:
        return render(request, "recording/page.html", context)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "recording/_body.html", context)


def recording_context(request: OperatorRequest, row: Recording) -> dict[str, object]:
    chunks = _chunks(row)
    commands = list(row.commands.select_related("requested_by").order_by("-requested_at"))
    presences = _presences(row)
    cast = list(row.cast.select_related("participant"))
    placed = timelines.pieces(row, chunks)
    newest = commands[0] if commands else None
    verbs = control.possible_verbs(row, newest)
    shown = LiveRow(recording=row, status=status.of(row, newest), people=[], verbs=verbs)
    summary = Row(recording=row, people=names_of([*presences, *cast]), chunks=chunks)
    playable = [piece for piece in placed if piece.media and piece.media.state == MediaState.ARCHIVED]
    return {
        "recording": row,
        "live": shown,
        "summary": summary,
        "chunks": chunks,
        "people": _people(cast, presences),
        "timeline": timelines.draw(placed, presences=presences, commands=commands),
        "playlist": _playlist(playable) if access.may(request.user, Verb.PLAY) else "",
        "playable": [piece.media for piece in playable],
        "is_video": bool(playable and playable[0].media and playable[0].media.media_type.startswith("video")),
        "pauses": pauses.of(row, chunks),
        "losses": list(row.losses.all()),
        "history": _history(row, commands),
        "notifications": list(row.notifications.prefetch_related("deliveries")[:MOST_NOTIFICATIONS]),
        "version": _version(request, shown, chunks),
    }


def _chunks(row: Recording) -> list[Chunk]:
    attempts = Prefetch("attempts", Attempt.objects.order_by("-number"), to_attr="tries")
    files = Prefetch("files", MediaFile.objects.order_by("artefact").prefetch_related(attempts))
    return list(row.chunks.order_by("index").select_related("resource").prefetch_related(files, "pauses"))


def _presences(row: Recording) -> list[Presence]:
    if row.call is None:
        return []
    return calls.during(row, in_order_of_joining().filter(call=row.call))


def _people(cast: Sequence[RecordingParticipant], presences: Sequence[Presence]) -> list[Person]:
    known = {each.participant: each.channel for each in cast}
    everybody = dict.fromkeys([*known, *(stay.participant for stay in presences)])
    return [
        Person(
            name=who.display_name,
            raw_id=who.raw_id,
            channel=known.get(who),
            stays=tuple(stay for stay in presences if stay.participant == who),
        )
        for who in everybody
    ]


def _playlist(playable: Sequence[timelines.Piece]) -> str:
    """What `static/js/player.js` needs, as JSON: for each chunk its address, its length and its place on the wall."""
    items = [
        {
            "src": reverse("play", args=[piece.media.pk]),
            "index": piece.chunk.index,
            "wall": round(piece.starts.timestamp() * 1000),
            "media": piece.media_ms,
            "pauses": [[round(pause.started_at.timestamp() * 1000), pause.duration_ms] for pause in piece.pauses],
        }
        for piece in playable
        if piece.media
    ]
    return json.dumps(items) if items else ""


def _history(row: Recording, commands: Sequence[Command]) -> list[HistoryEntry]:
    changes = row.changes.select_related("by", "media_file__chunk").order_by("-at", "-id")[:MOST_HISTORY]
    entries = [HistoryEntry(at=change.at, change=change) for change in changes]
    entries += [HistoryEntry(at=command.requested_at, command=command) for command in commands]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _version(request: OperatorRequest, shown: LiveRow, chunks: Sequence[Chunk]) -> str:
    """Changes with whatever the fragment shows, the bytes of a running transfer included."""
    row = shown.recording
    transfers = [
        (attempt.pk, attempt.outcome, attempt.bytes_received)
        for chunk in chunks
        for file in chunk.files.all()
        for attempt in file.tries  # type: ignore[attr-defined]
    ]
    return chrome.version(request, row.version, row.state, shown.verbs, transfers, row.notifications.count())
