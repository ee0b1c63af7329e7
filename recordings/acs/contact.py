"""Keeps what is known about reaching a resource: last contact, clock skew, and the conditions that become banners."""

import contextlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db.models import Q

from recordings import clock
from recordings.acs import errors
from recordings.models import Condition, Resource

CONTACT_EVERY = timedelta(seconds=10)
"""How fine `last_contact_at` is kept; finer would be one write per request."""
UNREACHABLE_PROBE_SECONDS = 5.0
CREDENTIALS_PROBE_SECONDS = 15.0


class ResourceContact:
    """Hears how the requests to one resource go.

    A condition remembers the host it was seen at and is cleared by an answer from that host only: the endpoint may
    answer while the content host does not. Each host has a condition of its own, so that one holds up no other.
    """

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def answered(self, host: str, *, date: str, error: errors.AcsError | None) -> None:
        mended = [Condition.Kind.UNREACHABLE]
        if isinstance(error, errors.CredentialsRefused):
            self._report(Condition.Kind.CREDENTIALS_REFUSED, host, error, CREDENTIALS_PROBE_SECONDS)
        elif error is None or isinstance(error, errors.Refused) or _is_own_404(error):
            mended.append(Condition.Kind.CREDENTIALS_REFUSED)
        self._clear(mended, host)
        self._note_contact(date)

    def silent(self, host: str, error: errors.Unreachable) -> None:
        self._report(Condition.Kind.UNREACHABLE, host, error, UNREACHABLE_PROBE_SECONDS)

    def _report(self, kind: Condition.Kind, host: str, error: errors.AcsError, seconds: float) -> None:
        Condition.objects.report(
            kind,
            resource=self._resource,
            detail=error.message,
            host=host,
            probe_at=clock.now() + clock.seconds(seconds),
        )

    def _clear(self, kinds: list[Condition.Kind], host: str) -> None:
        seen_here = Q(host=host) | Q(host="")
        open_here = Condition.objects.open().filter(seen_here, resource=self._resource, kind__in=kinds)
        if open_here.exists():  # reading first spares a write lock on every single answer
            open_here.update(cleared_at=clock.now())

    def _note_contact(self, date: str) -> None:
        now = clock.now()
        last = self._resource.last_contact_at
        if last is not None and now - last < CONTACT_EVERY:
            return
        facts: dict[str, object] = {"last_contact_at": now}
        with contextlib.suppress(ValueError):
            facts["clock_skew_ms"] = _skew_ms(date, now)
        still_old = Q(last_contact_at=None) | Q(last_contact_at__lt=now - CONTACT_EVERY / 2)
        Resource.objects.filter(still_old, pk=self._resource.pk).update(**facts)
        self._resource.last_contact_at = now


def _is_own_404(error: errors.AcsError) -> bool:
    return isinstance(error, errors.NotFound) and error.proves_absence


def _skew_ms(date: str, now: datetime) -> int:
    """The service's clock minus ours. The header counts whole seconds, so half a second is added on average."""
    said = parsedate_to_datetime(date).replace(tzinfo=UTC)
    skew = said + timedelta(milliseconds=500) - now
    return round(skew.total_seconds() * 1000)
