"""The pages for refusals and failures: what happened, and what to do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.views.decorators.csrf import requires_csrf_token

from dashboard.access import VerbMissing


@requires_csrf_token
def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, which says the missing verb when that is the reason."""
    reason = str(exception) if isinstance(exception, VerbMissing) else ""
    return render(request, "403.html", {"reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return render(request, "400.html", status=400)


def failed(request: HttpRequest) -> HttpResponse:
    """500. Touches neither database nor session, because either may be what failed."""
    context = {
        "failure_id": request.META.get("tapedeck.failure_id", ""),
        "theme": request.COOKIES.get("tapedeck_theme"),
    }
    return HttpResponse(loader.get_template("500.html").render(context), status=500)
