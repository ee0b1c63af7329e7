"""System: processes, sources, resources, storage, past troubles; embedded: the live calls, to start and end one."""

import shutil
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dashboard import access, chrome
from dashboard.access import OperatorRequest, Verb
from dashboard.ledger_strip import SILENT_AFTER
from dashboard.processes import HEARTBEATS
from dashboard.templatetags.wording import size
from recordings import clock, handover, webhooks
from recordings.acs import errors, local
from recordings.acs.client import Client
from recordings.models import Condition, EventSource, Heartbeat, MediaFile, Notification, Recording, Resource
from recordings.sources.event_grid import EventGridSource
from recordings.states import MediaState, NotificationState

UNKNOWN_RECORDING = "eyJUYXBlZGVjayI6ImNvbm5lY3Rpb24gdGVzdCJ9"
"""An id that no service has given out: asking for it proves address and key without touching a recording."""
MOST_FAILED = 20
MOST_PAST = 10


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """One background process and when it was last heard from."""

    name: str
    beaten_at: datetime | None
    host: str = ""
    pid: int = 0

    @property
    def alive(self) -> bool:
        return self.beaten_at is not None and clock.now() - self.beaten_at < SILENT_AFTER


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a connection test found, and what to do about it."""

    passed: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """What a connection test of a resource and its event sources found."""

    resource: Resource
    findings: tuple[Finding, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The room on the disk of the data folder, as it is written."""

    free: str
    total: str


@require_GET
@access.needs(Verb.VIEW)
def system(request: OperatorRequest) -> HttpResponse:
    """The page; for htmx its changing part, or 204 when the caller has seen the present version."""
    if not request.htmx:
        return _page(request)
    context = _context(request)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return render(request, "system/_body.html", context)


@require_POST
def test_connection(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    """Asks the service for a recording that cannot exist, and the event source to renew a lock that nobody holds.

    A plain “not found” of the one and any answer of the other prove address, key and clock, and change nothing.
    """
    resource = access.resource(request.user, pk, verb=Verb.CONFIGURE)
    result = _tested(resource)
    if request.htmx:
        return render(request, "system/_resource.html", {"resource": resource, "result": result})
    return _page(request, result=result)


@require_POST
@access.needs(Verb.CONFIGURE)
def start_call(request: OperatorRequest) -> HttpResponse:
    """Starts a call of the embedded service."""
    try:
        local.start_call()
        messages.success(request, _("A call was started. It appears on Live once its event has been pulled."))
    except errors.AcsError as error:
        messages.error(request, error.message)
    return redirect("system")


@require_POST
@access.needs(Verb.CONFIGURE)
def end_call(request: OperatorRequest) -> HttpResponse:
    """Ends a call of the embedded service, and with it its recordings."""
    try:
        local.end_call(request.POST.get("server_call_id", ""))
        messages.success(request, _("The call was ended; its recordings end with it."))
    except errors.AcsError as error:
        messages.error(request, error.message)
    return redirect("system")


@require_POST
def replay(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    """Processes a stored event again."""
    notification = access.notification(request.user, pk, verb=Verb.RETRIEVE)
    handover.replay(notification)
    messages.success(request, _("The notification is processed again."))
    return redirect("system")


def _page(request: OperatorRequest, *, result: TestResult | None = None) -> HttpResponse:
    return render(request, "system/page.html", {**_context(request), "result": result})


def _context(request: OperatorRequest) -> dict[str, object]:
    calls, trouble = _local_calls()
    resources = list(Resource.objects.order_by("retired_at", "-created_at"))
    sources = list(EventSource.objects.select_related("resource").order_by("retired_at", "address"))
    past = Condition.objects.exclude(cleared_at=None).select_related("resource").order_by("-cleared_at")[:MOST_PAST]
    failed = list(Notification.objects.filter(state=NotificationState.FAILED)[:MOST_FAILED])
    shown = {
        "pulses": _pulses(),
        "waiting": chrome.unsecured().count(),
        "pending": Notification.objects.filter(state=NotificationState.PENDING).count(),
        "archived": _archived(),
        "disk": _disk(),
        "recorded_calls": sorted(set(Recording.objects.live().values_list("call__server_call_id", flat=True))),
        "local_calls": calls,
        "local_trouble": trouble,
        "webhook_address": webhooks.address(),
    }
    version = chrome.version(
        request,
        shown,
        [(row.pk, row.retired_at, row.retention_seconds, row.last_contact_at, row.clock_skew_ms) for row in resources],
        [(row.pk, row.retired_at, row.last_pull_at, row.last_notification_at, row.last_error_at) for row in sources],
        [(row.pk, row.cleared_at) for row in past],
        [(row.pk, row.error) for row in failed],
    )
    rows = {"resources": resources, "sources": sources, "past_conditions": past, "failed": failed}
    return {**shown, **rows, "version": version}


def _disk() -> Disk:
    usage = shutil.disk_usage(settings.TAPEDECK_DATA)
    return Disk(free=size(usage.free), total=size(usage.total))


def _archived() -> dict[str, int | None]:
    return MediaFile.objects.filter(state=MediaState.ARCHIVED).aggregate(files=Count("pk"), bytes=Sum("size"))


def _pulses() -> list[Pulse]:
    """The processes that should be heard from, and whatever else was."""
    rows = {row.name: row for row in Heartbeat.objects.all()}
    names = [*HEARTBEATS, *(name for name in rows if name not in HEARTBEATS)]
    return [
        Pulse(name=name, beaten_at=rows[name].beaten_at, host=rows[name].host, pid=rows[name].pid)
        if name in rows
        else Pulse(name=name, beaten_at=None)
        for name in names
    ]


def _local_calls() -> tuple[list[local.LocalCall], str]:
    """The embedded service's calls; when it does not answer, none and the reason."""
    if not settings.TAPEDECK_EMBEDDED:
        return [], ""
    try:
        return local.calls(), ""
    except errors.AcsError as error:
        return [], error.message


def _tested(resource: Resource) -> TestResult:
    sources = EventSource.objects.live().filter(resource=resource).order_by("address")
    findings = (_service_finding(resource), *(_source_finding(source) for source in sources))
    return TestResult(resource=resource, findings=findings, at=clock.now())


def _service_finding(resource: Resource) -> Finding:
    accepted = Finding(passed=True, text=_("The service answers and accepts the access key."))
    try:
        Client(resource).state(UNKNOWN_RECORDING)
    except errors.NotFound as answer:
        if answer.proves_absence:
            return accepted
        text = _("Something answers at this address, but not the recording service. Check the endpoint.")
        return Finding(passed=False, text=text)
    except errors.AcsError as error:
        return Finding(passed=isinstance(error, errors.Refused), text=error.message)
    return accepted


def _source_finding(source: EventSource) -> Finding:
    try:
        EventGridSource(source).probe()
    except errors.NotFound:
        text = _("The event source answers, but knows no such topic and subscription. Check their names.")
        return Finding(passed=False, text=text)
    except errors.AcsError as error:
        return Finding(passed=False, text=_("Event source: %(error)s") % {"error": error.message})
    return Finding(passed=True, text=_("The event source answers and accepts its key."))
