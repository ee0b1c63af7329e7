"""Commands: start, pause, resume, stop, watch. The domain decides; a page answers with what is true afterwards.

An illegal command is a 409 with its reason and the fresh rows, so that a stale page mends itself.
"""

import uuid
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import access, forms
from dashboard.access import OperatorRequest, Verb
from dashboard.views.live import live_context
from dashboard.views.recording import recording_context
from recordings import control, handover
from recordings.acs.errors import AcsError
from recordings.models import Call, Command, Recording, Resource
from recordings.states import CommandState, CommandVerb

REFUSED = 409
NOT_ACCEPTED = 422


@require_POST
def pause(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    return _command(request, pk, CommandVerb.PAUSE)


@require_POST
def resume(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    return _command(request, pk, CommandVerb.RESUME)


@require_POST
def stop(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    return _command(request, pk, CommandVerb.STOP)


@require_POST
def record(request: OperatorRequest, pk: uuid.UUID) -> HttpResponse:
    """One click on a live call: video and audio, as one MP4."""
    call = access.call(request.user, pk, verb=Verb.CONTROL)
    content, channel, form = forms.KINDS["video"]
    return _started(
        request,
        resource=call.resource,
        server_call_id=call.server_call_id,
        kind=(content, channel, form),
    )


@require_http_methods(["GET", "POST"])
@access.needs(Verb.CONTROL)
def start(request: OperatorRequest) -> HttpResponse:
    """The form with every choice; a call in the query is chosen already."""
    form = _start_form(request)
    if request.method != "POST":
        return render(request, "start/page.html", {"form": form, "watch": forms.WatchForm()})
    if not form.is_valid():
        return render(request, "start/page.html", {"form": form, "watch": forms.WatchForm()}, status=NOT_ACCEPTED)
    chosen = form.cleaned_data
    call: Call | None = chosen["call"]
    return _started(
        request,
        resource=call.resource if call else _current_resource(),
        server_call_id=call.server_call_id if call else chosen["server_call_id"],
        kind=forms.KINDS[chosen["kind"]],
        paused=chosen["paused"],
        reason=chosen["reason"],
    )


@require_POST
@access.needs(Verb.CONTROL)
def watch(request: OperatorRequest) -> HttpResponse:
    """Adopts a recording by its id, once the service has said that it knows it."""
    form = forms.WatchForm(request.POST)
    resource = _current_resource()
    if form.is_valid() and resource is not None:
        try:
            found = control.watch(resource=resource, recording_id=form.cleaned_data["recording_id"], by=request.user)
        except AcsError as error:
            form.add_error("recording_id", error.message)
        else:
            messages.success(request, _("The recording is watched from now on."))
            return redirect("recording", pk=found.pk)
    elif resource is None:
        form.add_error(None, _no_resource())
    return render(request, "start/page.html", {"form": _start_form(request), "watch": form}, status=NOT_ACCEPTED)


def _start_form(request: OperatorRequest) -> forms.StartForm:
    form = forms.StartForm(
        request.POST if request.method == "POST" and "kind" in request.POST else None,
        initial={"call": request.GET.get("call"), "kind": "video"},
    )
    calls = access.calls_visible_to(request.user).filter(ended_at=None, resource__retired_at=None)
    form.fields["call"].queryset = (  # type: ignore[attr-defined]
        calls.exclude(server_call_id="").prefetch_related("presences__participant").order_by("-started_at")
    )
    return form


def _command(request: OperatorRequest, pk: uuid.UUID, verb: CommandVerb) -> HttpResponse:
    row = access.recording(request.user, pk, verb=Verb.CONTROL)
    act = {CommandVerb.PAUSE: control.pause, CommandVerb.RESUME: control.resume, CommandVerb.STOP: control.stop}[verb]
    try:
        command = act(row, by=request.user, reason=request.POST.get("reason", "")[: forms.LONGEST_REASON])
    except control.Illegal as illegal:
        messages.error(request, str(illegal))
        return _answer(request, row, status=REFUSED)
    handover.given(command)
    _say(request, command)
    return _answer(request, row)


def _started(
    request: OperatorRequest,
    *,
    resource: Resource | None,
    server_call_id: str,
    kind: tuple[str, str, str],
    paused: bool = False,
    reason: str = "",
) -> HttpResponse:
    if resource is None:
        messages.error(request, _no_resource())
        return _answer(request, None, status=REFUSED)
    content, channel, form = kind
    try:
        command = control.start(
            resource=resource,
            locator={"kind": "serverCallLocator", "serverCallId": server_call_id},
            by=request.user,
            content=content,
            channel=channel,
            format=form,
            paused=paused,
            reason=reason,
        )
    except control.Illegal as illegal:
        messages.error(request, str(illegal))
        return _answer(request, None, status=REFUSED)
    _say(request, command)
    return _answer(request, None)


def _say(request: OperatorRequest, command: Command) -> None:
    """What came of a command that was refused. Success and silence are told by the row, for as long as they last."""
    if command.state == CommandState.FAILED:
        messages.error(
            request, _("%(verb)s was refused: %(error)s") % {"verb": command.get_verb_display(), "error": command.error}
        )


def _answer(request: OperatorRequest, row: Recording | None, *, status: int = 200) -> HttpResponse:
    """The fresh fragment for htmx; without it, back to the page, or that page with the status of the refusal."""
    on_recording = row is not None and _came_from(request) == "recording"
    if request.htmx or status == REFUSED:
        folder, name = ("recording", "_body.html") if on_recording else ("live", "_live.html")
        if row is not None and on_recording:
            context = recording_context(request, access.recording(request.user, row.pk))
        else:
            context = live_context(request)
        template = f"{folder}/{name if request.htmx else 'page.html'}"
        return render(request, template, {**context, "answering": True}, status=status)
    if row is not None and on_recording:
        return redirect("recording", pk=row.pk)
    return redirect("live")


def _came_from(request: OperatorRequest) -> str:
    """The name of the page the button stood on."""
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    try:
        return resolve(urlsplit(page).path or "/").url_name or ""
    except Resolver404:
        return ""


def _current_resource() -> Resource | None:
    return Resource.objects.current()


def _no_resource() -> str:
    return _("No resource is known yet. Its row is written once the workers run: see %(page)s.") % {
        "page": reverse("system")
    }
