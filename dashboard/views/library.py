"""Library: every recording that is known, newest first, filtered by what stands in the address."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard import access, chrome, status
from dashboard.access import OperatorRequest, Verb
from recordings import calls
from recordings.models import Chunk, MediaFile, Presence, Recording, RecordingParticipant
from recordings.states import Bucket, MediaState, RecordingState

PAGE = 50
SEPARATOR = "_"


class Filters(forms.Form):
    """The filters of the list. An unknown value filters nothing and is said beside its field."""

    state = forms.ChoiceField(
        required=False,
        label=_("State"),
        choices=lambda: [("", _("Any state")), *((b.value, word) for b, word in status.bucket_words().items())],
    )
    since = forms.DateField(required=False, label=_("From"), widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(required=False, label=_("To"), widget=forms.DateInput({"type": "date"}))
    participant = forms.CharField(
        required=False, max_length=300, label=_("Participant"), widget=forms.TextInput({"placeholder": _("Name or id")})
    )
    call = forms.CharField(
        required=False,
        max_length=600,
        label=_("Call or recording"),
        widget=forms.TextInput({"placeholder": _("Call id or recording id")}),
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recording as the list shows it."""

    recording: Recording
    people: list[str]
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Where it stands in the ledger; while it lives, what it is doing: a paused recording is not recording."""
        return self.recording.state if self.recording.is_live else self.recording.bucket or self.recording.state

    @property
    def word(self) -> str:
        if self.recording.is_live or not self.recording.bucket:
            return status.state_words()[RecordingState(self.recording.state)]
        return status.bucket_words()[Bucket(self.recording.bucket)]

    @property
    def icon(self) -> str:
        return status.ICONS[self.kind]

    @property
    def files(self) -> list[MediaFile]:
        return [file for chunk in self.chunks for file in chunk.files.all() if file.artefact == "media"]

    @property
    def size(self) -> int | None:
        return sum(file.size or 0 for file in self.files) or None

    @property
    def duration_ms(self) -> int | None:
        """As measured in the files; until they are here, as the event states it."""
        measured = [file.duration_ms for file in self.files if file.duration_ms]
        complete = self.files and len(measured) == len(self.files)
        return sum(measured) if complete else self.recording.duration_ms

    @property
    def pauses(self) -> int:
        return sum(len(chunk.pauses.all()) for chunk in self.chunks)

    @property
    def expires_at(self) -> datetime | None:
        """When the first file that is not secured leaves temporary storage."""
        waiting = (
            chunk.expires_at
            for chunk in self.chunks
            if any(MediaState(file.state) in chrome.UNSECURED for file in chunk.files.all())
        )
        return min(waiting, default=None)

    @property
    def findings(self) -> list[str]:
        return [str(finding) for file in self.files for finding in file.findings]

    @property
    def shown(self) -> tuple[object, ...]:
        """Everything that the row says; what is not in it can change without the list being sent again."""
        recording = self.recording
        ids = (recording.pk, recording.remote_call_id, recording.call.server_call_id if recording.call else "")
        sizes = (self.duration_ms, self.pauses, len(self.chunks), self.size)
        return (*ids, self.kind, recording.began_at, self.people, *sizes, self.expires_at, self.findings)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of the list. A mark is the place in the order from which a neighbouring page goes on."""

    rows: list[Row]
    newer: str = ""
    older: str = ""


@require_GET
@access.needs(Verb.VIEW)
def library(request: OperatorRequest) -> HttpResponse:
    """The page; for htmx its rows, or 204 when the caller has seen their present version."""
    filters = Filters(request.GET)
    filters.is_valid()
    page = _page(_filtered(access.recordings_visible_to(request.user), filters.cleaned_data), request)
    version = chrome.version(request, [row.shown for row in page.rows], page.newer, page.older)
    if request.htmx and request.GET.get("seen") == version:
        return HttpResponse(status=204)
    context = {
        "filters": filters,
        "filtered": any(filters.cleaned_data.values()),
        "page": page,
        "query": _query_without(request, "newer", "older", "seen"),
        "own_query": _query_without(request, "seen"),
        "version": version,
    }
    return render(request, "library/_rows.html" if request.htmx else "library/page.html", context)


def _filtered(rows: QuerySet[Recording], wanted: dict[str, object]) -> QuerySet[Recording]:
    state, since, until = wanted.get("state"), wanted.get("since"), wanted.get("until")
    rows = rows.filter(bucket=state) if state else rows.exclude(bucket="", state="requested")
    if isinstance(since, date):
        rows = rows.filter(requested_at__gte=_midnight(since))
    if isinstance(until, date):
        rows = rows.filter(requested_at__lt=_midnight(until + timedelta(days=1)))
    if participant := str(wanted.get("participant") or "").strip():
        named = Q(participant__display_name__icontains=participant) | Q(participant__raw_id=participant)
        in_metadata = RecordingParticipant.objects.filter(named, recording=OuterRef("pk"))
        in_call = Presence.objects.filter(named, calls.during_outer_recording())
        rows = rows.filter(Exists(in_metadata) | Exists(in_call))
    if call := str(wanted.get("call") or "").strip():
        ids = Q(remote_call_id=call) | Q(call__server_call_id=call) | Q(call__remote_call_id=call)
        rows = rows.filter(ids | Q(recording_id=call.rstrip("=")) | _public_id(call))
    return rows


def _public_id(text: str) -> Q:
    try:
        return Q(pk=uuid.UUID(text))
    except ValueError:
        return Q(pk__in=())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def _page(rows: QuerySet[Recording], request: HttpRequest) -> Page:
    """Keyset pages on (-requested_at, -id): as quick at the end of a million rows as at the beginning."""
    before, after = _mark(request.GET.get("newer", "")), _mark(request.GET.get("older", ""))
    rows = _prefetched(rows)
    if before:
        at, pk = before
        newer_rows = rows.filter(Q(requested_at__gt=at) | Q(requested_at=at, id__gt=pk))
        found = list(newer_rows.order_by("requested_at", "id")[: PAGE + 1])
        more_newer, more_older = len(found) > PAGE, True
        found = found[:PAGE][::-1]
    else:
        if after:
            at, pk = after
            rows = rows.filter(Q(requested_at__lt=at) | Q(requested_at=at, id__lt=pk))
        found = list(rows.order_by("-requested_at", "-id")[: PAGE + 1])
        more_newer, more_older = after is not None, len(found) > PAGE
        found = found[:PAGE]
    return Page(
        rows=[_row(recording) for recording in found],
        newer=_written_mark(found[0]) if found and more_newer else "",
        older=_written_mark(found[-1]) if found and more_older else "",
    )


def _prefetched(rows: QuerySet[Recording]) -> QuerySet[Recording]:
    return rows.select_related("call", "resource").prefetch_related(
        Prefetch("cast", RecordingParticipant.objects.select_related("participant"), to_attr="people"),
        Prefetch("call__presences", in_order_of_joining(), to_attr="stays"),
        Prefetch("chunks", Chunk.objects.order_by("index").prefetch_related("files", "pauses"), to_attr="in_order"),
    )


def _row(recording: Recording) -> Row:
    cast: list[RecordingParticipant] = recording.people  # type: ignore[attr-defined]
    chunks: list[Chunk] = recording.in_order  # type: ignore[attr-defined]
    return Row(recording=recording, people=names_of([*stays_in(recording), *cast]), chunks=chunks)


def stays_in(recording: Recording) -> list[Presence]:
    """Who was there, of a recording whose call was fetched with its `stays`."""
    stays: list[Presence] = recording.call.stays if recording.call else []  # type: ignore[attr-defined]
    return calls.during(recording, stays)


def in_order_of_joining() -> QuerySet[Presence]:
    return Presence.objects.select_related("participant").order_by("joined_at", "participant__display_name", "id")


def names_of(people: Iterable[Presence | RecordingParticipant]) -> list[str]:
    """Each name once, in the order given. Calls know who came; metadata, which follows, who was recorded."""
    return list(dict.fromkeys(str(each.participant) for each in people))


def _written_mark(recording: Recording) -> str:
    return f"{recording.requested_at.astimezone(UTC).isoformat()}{SEPARATOR}{recording.pk}"


def _mark(text: str) -> tuple[datetime, uuid.UUID] | None:
    """The place that a mark names; none when it is no mark, which shows the first page."""
    at, _sign, pk = text.replace(" ", "+").partition(SEPARATOR)
    try:
        moment = datetime.fromisoformat(at)
        return (moment, uuid.UUID(pk)) if moment.tzinfo else None
    except ValueError:
        return None


def _query_without(request: HttpRequest, *names: str) -> str:
    """The query of this address, for another one."""
    kept = request.GET.copy()
    for name in names:
        kept.pop(name, None)
    return kept.urlencode()
