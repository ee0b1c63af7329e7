"""Where notifications are pulled from. The settings name one resource and at most one source; the rows remember all."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from recordings import clock
from recordings.models import EventSource, Resource
from recordings.sources import event_grid

_LONGEST_KEY = 110


def ensure_current() -> Resource:
    """Makes the rows that the settings name current and retires all others; returns the current resource.

    Cheap when nothing changed, so that it can run every few seconds. A retired row keeps its files and its history; it
    comes back when the settings name it again.
    """
    resource = Resource.objects.current()
    if resource is None:
        resource = _current_resource()
    if resource.retention_seconds != settings.ACS_RETENTION_SECONDS:
        Resource.objects.filter(pk=resource.pk).update(retention_seconds=settings.ACS_RETENTION_SECONDS)
        resource.refresh_from_db()
    _ensure_source(resource)
    return resource


def _current_resource() -> Resource:
    with transaction.atomic():
        resource, _ = Resource.objects.get_or_create(
            endpoint=settings.ACS_ENDPOINT,
            defaults={"key": _free_key(settings.ACS_ENDPOINT), "retention_seconds": settings.ACS_RETENTION_SECONDS},
        )
        Resource.objects.filter(pk=resource.pk).update(retired_at=None)
        Resource.objects.filter(retired_at=None).exclude(pk=resource.pk).update(retired_at=clock.now())
    resource.refresh_from_db()
    return resource


def _ensure_source(resource: Resource) -> None:
    address = event_grid.address()
    live = set(EventSource.objects.live().values_list("resource", "kind", "address"))
    wanted = {(resource.pk, event_grid.KIND, address)} if address else set()
    if live == wanted:
        return
    with transaction.atomic():
        EventSource.objects.live().exclude(resource=resource, kind=event_grid.KIND, address=address).update(
            retired_at=clock.now(), lease_owner="", lease_until=None
        )
        if address:
            source, _ = EventSource.objects.get_or_create(resource=resource, kind=event_grid.KIND, address=address)
            EventSource.objects.filter(pk=source.pk).update(retired_at=None)


def _free_key(endpoint: str) -> str:
    """The resource's folder in the archive: its host, readable, and unlike that of any other resource."""
    key = slugify(urlsplit(endpoint).netloc.replace(".", "-").replace(":", "-"))[:_LONGEST_KEY] or "resource"
    taken = set(Resource.objects.filter(key__startswith=key).values_list("key", flat=True))
    return next(
        name for number in range(1, len(taken) + 2) if (name := f"{key}-{number}" if number > 1 else key) not in taken
    )
