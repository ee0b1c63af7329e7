"""Whether the installation works: the database answers, and workers and scheduler have been heard from lately."""

from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.processes import HEARTBEATS
from recordings import clock
from recordings.models import Heartbeat

SILENT_AFTER_SECONDS = 15.0
"""Five missed signs of life."""


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all is well, else 503; the body says what is not."""
    del request
    try:
        heard = dict(Heartbeat.objects.filter(name__in=HEARTBEATS).values_list("name", "beaten_at"))
    except DatabaseError:
        return JsonResponse({"status": "failing", "failing": ["database"], "database": "no answer"}, status=503)
    now = clock.now()
    processes = {name: _reading(heard.get(name), now=now) for name in HEARTBEATS}
    failing = [name for name, reading in processes.items() if reading["state"] != "alive"]
    body = {
        "status": "failing" if failing else "ok",
        "failing": failing,
        "database": "ok",
        "processes": processes,
    }
    return JsonResponse(body, status=503 if failing else 200)


def _reading(beaten_at: datetime | None, *, now: datetime) -> dict[str, str | float]:
    """What one heartbeat tells: its state, and how many seconds ago it was."""
    if beaten_at is None:
        return {"state": "never heard"}
    age = (now - beaten_at).total_seconds()
    return {"state": "alive" if age <= SILENT_AFTER_SECONDS else "silent", "seconds_ago": round(age, 1)}
