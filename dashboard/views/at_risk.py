"""At risk: everything that only temporary storage holds, soonest expiry first, and below it what was lost and why."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dashboard import access, chrome, ledger_strip
from dashboard.access import OperatorRequest, Verb
from dashboard.views.library import in_order_of_joining, stays_in
from recordings import clock, handover
from recordings.models import Loss, MediaFile, Presence, Recording, RecordingParticipant
from recordings.states import Bucket

MOST_FILES = 200
MOST_AWAITED = 100
MOST_LOSSES = 100
LONGEST_CALM_WAIT = timedelta(minutes=10)
"""The service announces a file "typically 1-2 minutes" after the end (azure-docs call-recording.md, 2021-04-13)."""


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """A recording that has ended and whose file has not been announced."""

    recording: Recording

    @property
    def since(self) -> datetime:
        return self.recording.ended_at or self.recording.began_at

    @property
    def expires_at(self) -> datetime:
        """When temporary storage drops a file that was ready at the end."""
        return self.since + timedelta(seconds=self.recording.resource.retention_seconds)

    @property
    def is_overdue(self) -> bool:
        return clock.now() - self.since > LONGEST_CALM_WAIT


@require_GET
@access.needs(Verb.VIEW)
def at_risk(request: OperatorRequest) -> HttpResponse:
    """The page; for htmx its changing part, or 204 when the caller has seen the present version."""
    context = _context(request)
    if not request.htmx:
        return render(request, "at_risk/page.html", context)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "at_risk/_lists.html", context)


@require_POST
def retrieve_now(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    """Puts one file at the head of the queue, whatever pause its last failure earned it."""
    file = access.media_file(request.user, pk, verb=Verb.RETRIEVE)
    if handover.retrieve_now(file):
        messages.success(
            request, _("Chunk %(index)d is fetched as soon as a worker is free.") % {"index": file.chunk.index}
        )
    else:
        messages.info(request, _("There is nothing to do: the file is being fetched, or it is here already."))
    if request.htmx:
        return render(request, "at_risk/_lists.html", {**_context(request), "answering": True})
    return redirect("at-risk")


def _context(request: OperatorRequest) -> dict[str, object]:
    files = list(_files(request)[: MOST_FILES + 1])
    losses = list(_losses(request)[:MOST_LOSSES])
    awaited = [Awaited(recording=row) for row in _awaiting(request)[:MOST_AWAITED]]
    for row in [*(file.chunk.recording for file in files), *(each.recording for each in awaited)]:
        row.people = [*stays_in(row), *row.people]  # type: ignore[attr-defined]
    silent, _heard = ledger_strip.processes()
    version = chrome.version(
        request,
        silent,
        [(row.recording.pk, row.recording.version, row.is_overdue) for row in awaited],
        [(file.pk, file.state, file.attempt, file.next_attempt_at, file.error) for file in files],
        [(loss.pk, loss.recovered_at) for loss in losses],
    )
    return {
        "silent": silent,
        "files": files[:MOST_FILES],
        "more": len(files) > MOST_FILES,
        "awaited": awaited,
        "losses": losses,
        "any_lost": any(loss.recovered_at is None for loss in losses),
        "version": version,
    }


def _files(request: OperatorRequest) -> QuerySet[MediaFile]:
    return (
        chrome.unsecured()
        .filter(chunk__recording__in=access.recordings_visible_to(request.user))
        .select_related("chunk__recording__call", "chunk__resource")
        .prefetch_related(*_people("chunk__recording__"))
        .order_by("chunk__expires_at", "id")
    )


def _awaiting(request: OperatorRequest) -> QuerySet[Recording]:
    return (
        access.recordings_visible_to(request.user)
        .filter(bucket=Bucket.AWAITING_FILE)
        .select_related("call", "resource")
        .prefetch_related(*_people(""))
        .order_by("requested_at", "id")
    )


def _people(
    path: str,
) -> "tuple[Prefetch[str, QuerySet[RecordingParticipant], str], Prefetch[str, QuerySet[Presence], str]]":
    """Whom the metadata of the recording at `path` names, and who was in its call."""
    named = RecordingParticipant.objects.select_related("participant")
    return (
        Prefetch(f"{path}cast", named, to_attr="people"),
        Prefetch(f"{path}call__presences", in_order_of_joining(), to_attr="stays"),
    )


def _losses(request: OperatorRequest) -> QuerySet[Loss]:
    return (
        Loss.objects.filter(recording__in=access.recordings_visible_to(request.user))
        .select_related("recording__call", "media_file")
        .order_by("-declared_at")
    )
