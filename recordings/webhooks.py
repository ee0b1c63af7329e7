"""The front door for what the service sends by itself: state callbacks, and Event Grid events to a webhook.

What a sender is answered, and what it does then:

    200  stored; also for events that nothing will be done with. Event Grid drops for good what it gets a 400 for.
    400  the body is no JSON; it is stored too, but sending it again would not help.
    404  the secret in the address is not known. A guess learns nothing more.
    405  another method than POST (and OPTIONS, for the CloudEvents handshake).
    413  the body is larger than `LONGEST_BODY_BYTES`, more than Event Grid sends.
    500  the database did not take it: the sender keeps it and comes again.

The secret in the path is the only credential: neither Event Grid nor the recording service signs what it sends to a
plain webhook. Events are stored and answered; processing follows in a worker.

Sources: azure-docs, event-grid/end-point-validation-event-grid-events-schema.md (the validation code; the validation
address is never fetched, because anybody could name one) and CloudEvents HTTP 1.1 Web Hooks, section 4 (OPTIONS).
"""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from recordings import handover, sources
from recordings.acs import envelopes, messages
from recordings.acs.envelopes import Misunderstood
from recordings.models import Notification, Recording, Resource
from recordings.pipeline import notification

LONGEST_BODY_BYTES = 1024 * 1024
"""Event Grid's own limit for an event and for a batch (azure-docs, event-grid/delivery-and-retry.md)."""


def address() -> str:
    """Where other software may send its callbacks, and Event Grid its events; empty without TAPEDECK_PUBLIC_URL."""
    if not settings.TAPEDECK_PUBLIC_URL:
        return ""
    return f"{settings.TAPEDECK_PUBLIC_URL}{reverse('acs-events', args=[settings.TAPEDECK_WEBHOOK_SECRET])}"


@csrf_exempt  # the sender is a service without a session; the secret in the path stands for it
@login_not_required
@never_cache
@require_POST
def callback(request: HttpRequest, secret: str) -> HttpResponse:
    """State callbacks of one recording that was started here: its own secret is in the address."""
    recording = Recording.objects.select_related("resource").filter(callback_secret=secret).first()
    if recording is None or not constant_time_compare(recording.callback_secret, secret):
        raise Http404
    return _take(request, recording.resource, recording=recording)


@csrf_exempt  # as above
@login_not_required
@never_cache
@require_http_methods(["POST", "OPTIONS"])
def events(request: HttpRequest, secret: str) -> HttpResponse:
    """Event Grid deliveries, and callbacks of recordings that other software starts; with the installation's secret."""
    if not constant_time_compare(secret, settings.TAPEDECK_WEBHOOK_SECRET):
        raise Http404
    if request.method == "OPTIONS":
        return _cloud_events_handshake(request)
    return _take(request, sources.ensure_current())


def _take(request: HttpRequest, resource: Resource, *, recording: Recording | None = None) -> HttpResponse:
    body = _body(request)
    if body is None:
        return JsonResponse({"error": f"A body may have {LONGEST_BODY_BYTES} bytes at most."}, status=413)
    rows = notification.accept(body, resource=resource, recording=recording)
    handover.accepted(rows)
    try:
        envelopes.unpack(body)
    except Misunderstood as error:
        return JsonResponse({"error": str(error)}, status=400)
    code = next((code for row in rows if (code := _validation_code(row))), "")
    return JsonResponse({"validationResponse": code} if code else {"accepted": len(rows)})


def _body(request: HttpRequest) -> bytes | None:
    """The body, or none when it is too long; read no further than needed to know."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY_BYTES:
        return None
    # Django takes a chunked request, which states no length, to have no body.
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream = request.META["wsgi.input"] if chunked else request
    body: bytes = stream.read(LONGEST_BODY_BYTES + 1)
    return None if len(body) > LONGEST_BODY_BYTES else body


def _validation_code(row: Notification) -> str:
    if row.event_type.lower() != "microsoft.eventgrid.subscriptionvalidationevent":
        return ""
    message = messages.parse(envelopes.open_envelope(envelopes.read(row.body)))
    return message.code if isinstance(message, messages.SubscriptionValidation) else ""


def _cloud_events_handshake(request: HttpRequest) -> HttpResponse:
    """Lets the asking origin send as it likes. The address in `WebHook-Request-Callback` is never fetched."""
    answer = HttpResponse(headers={"Allow": "POST, OPTIONS"})
    if origin := request.headers.get("WebHook-Request-Origin", ""):
        answer["WebHook-Allowed-Origin"] = origin
        answer["WebHook-Allowed-Rate"] = "*"
    return answer
