"""What every request passes: the viewer's zone, a sign-in that never lands inside a table, an id for each failure."""

import logging
import secrets
import zoneinfo
from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from recordings import clock

ZONE_COOKIE = "tapedeck_zone"
REFUSALS = (Http404, PermissionDenied, BadRequest, SuspiciousOperation)
"""Answers, not failures: they have pages of their own and nothing to look up in the log."""
logger = logging.getLogger(__name__)


class SignInRequired(LoginRequiredMiddleware):
    """As Django's; a fragment without a session sends the whole page to the sign-in, which returns to that page."""

    def handle_no_permission(  # type: ignore[override]  # the stubs know only the redirect
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        page = request.headers.get("HX-Current-URL", "/")
        path = "/" + page.split("://", 1)[-1].partition("/")[2]
        return HttpResponseClientRedirect(redirect_to_login(path, reverse("sign-in")).headers["Location"])


class CompressedPages(GZipMiddleware):
    """Compresses pages and fragments; media never, because its ranges speak of the bytes as they are."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)


class ViewerZone:
    """Times are written in the zone that the viewer's browser named in a cookie; without one, in UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone(request.COOKIES.get(ZONE_COOKIE, ""))):
            response = self.get_response(request)
        response.headers["Tapedeck-Now"] = str(round(clock.now().timestamp() * 1000))
        return response


class FailureId:
    """Gives a failed request an id that stands both on the page and in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, REFUSALS):
            return
        failure_id = secrets.token_hex(4)
        request.META["tapedeck.failure_id"] = failure_id
        logger.error("failure %s at %s %s", failure_id, request.method, request.path, exc_info=exception)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")
