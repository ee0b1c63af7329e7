"""Whether an installation that is starting is up: asked from outside, as a user would."""

import http.client
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection

from dashboard import installation
from dashboard.processes import Process
from recordings.acs import local

ANSWER_SECONDS = 2.0


def own_address() -> str:
    """Where this machine reaches the dashboard."""
    return installation.own_address(host=settings.TAPEDECK_HOST, port=settings.TAPEDECK_PORT)


def not_up_yet(processes: Iterable[Process], *, since: datetime) -> list[Process]:
    """The processes that have not been heard from since that moment."""
    heard = _heard(since)
    return [process for process in processes if not _is_up(process, heard=heard)]


def _is_up(process: Process, *, heard: set[str]) -> bool:
    if process.name == "web":
        return _web_answers()
    if process.name == "local_acs":
        return local.answers()
    return process.heartbeat in heard


def _heard(since: datetime) -> set[str]:
    from recordings.models import Heartbeat

    try:
        return set(Heartbeat.objects.filter(beaten_at__gte=since).values_list("name", flat=True))
    except DatabaseError:
        connection.close()
        return set()


def _web_answers() -> bool:
    """Whether the web server answers at all; the health it reports is that of a start under way."""
    parts = urlsplit(own_address())
    asked = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
