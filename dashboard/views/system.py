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
from recordings import clock, handover, webhooks
from recordings.acs import errors, local
from recordings.acs.client import Client
from recordings.models import Condition, EventSource, Heartbeat, MediaFile, Notification, Recording, Resource
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
class TestResult:
    """What a connection test found, and what to do about it."""

    resource: Resource
    passed: bool
    finding: str
    at: datetime


@require_GET
@access.needs(Verb.VIEW)
def system(request: OperatorRequest) -> HttpResponse:
    return _page(request)


@require_POST
def test_connection(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    """Asks the service for a recording that cannot exist: a plain “not found” proves address, key and clock."""
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
    calls, trouble = _local_calls()
    past = Condition.objects.exclude(cleared_at=None).select_related("resource").order_by("-cleared_at")
    context = {
        "pulses": _pulses(),
        "resources": Resource.objects.order_by("retired_at", "-created_at"),
        "sources": EventSource.objects.select_related("resource").order_by("retired_at", "address"),
        "past_conditions": past[:MOST_PAST],
        "waiting": chrome.unsecured().count(),
        "pending": Notification.objects.filter(state=NotificationState.PENDING).count(),
        "failed": Notification.objects.filter(state=NotificationState.FAILED)[:MOST_FAILED],
        "archived": _archived(),
        "disk": shutil.disk_usage(settings.TAPEDECK_DATA),
        "recorded_calls": set(Recording.objects.live().values_list("call__server_call_id", flat=True)),
        "local_calls": calls,
        "local_trouble": trouble,
        "result": result,
        "webhook_address": webhooks.address(),
    }
    return render(request, "system/page.html", context)


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
    try:
        Client(resource).state(UNKNOWN_RECORDING)
    except errors.NotFound as answer:
        return _result(
            resource,
            passed=answer.proves_absence,
            finding=_("The service answers and accepts the access key.")
            if answer.proves_absence
            else _("Something answers at this address, but not the recording service. Check the endpoint."),
        )
    except errors.AcsError as error:
        return _result(resource, passed=isinstance(error, errors.Refused), finding=error.message)
    return _result(resource, passed=True, finding=_("The service answers and accepts the access key."))


def _result(resource: Resource, *, passed: bool, finding: str) -> TestResult:
    return TestResult(resource=resource, passed=passed, finding=finding, at=clock.now())
