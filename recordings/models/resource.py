"""The remote side: an ACS resource, and the places its events are pulled from."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from recordings import clock

CLOCKS_AGREE_WITHIN_MS = 2000
"""A smaller difference is none: the Date header counts whole seconds, and answers take a while."""


class ResourceQuerySet(models.QuerySet["Resource"]):
    def with_credentials(self) -> "ResourceQuerySet":
        """Those for which `has_credentials` is true."""
        return self.filter(retired_at=None, endpoint=settings.ACS_ENDPOINT)

    def current(self) -> "Resource | None":
        """The resource that the settings name, once `ensure_current` has been run; otherwise none."""
        return self.with_credentials().first()


class Resource(models.Model):
    """One ACS resource. A changed endpoint is a new row; the old one is retired and keeps its pending files."""

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    endpoint = models.URLField(max_length=500, unique=True)
    key = models.SlugField(max_length=120, unique=True, help_text="The resource's folder in the archive.")
    retention_seconds = models.PositiveIntegerField(help_text="How long temporary storage keeps a finished file.")
    created_at = models.DateTimeField(default=clock.now)
    retired_at = models.DateTimeField(null=True, blank=True)
    last_contact_at = models.DateTimeField(null=True, blank=True)
    clock_skew_ms = models.IntegerField(
        null=True,
        blank=True,
        help_text="The service's clock minus ours, from its Date header.",
    )

    objects = ResourceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.endpoint

    @property
    def has_credentials(self) -> bool:
        """Whether the settings still hold the key of this resource."""
        return self.retired_at is None and self.endpoint == settings.ACS_ENDPOINT

    @property
    def clock_agrees(self) -> bool:
        """Whether the service's clock was compared with ours, and no difference worth the name was found."""
        return self.clock_skew_ms is not None and abs(self.clock_skew_ms) < CLOCKS_AGREE_WITHIN_MS


class EventSourceQuerySet(models.QuerySet["EventSource"]):
    def live(self) -> "EventSourceQuerySet":
        return self.filter(retired_at=None)

    def unpulled(self) -> "EventSourceQuerySet":
        """Live sources that no loop holds."""
        return self.live().filter(Q(lease_until=None) | Q(lease_until__lt=Now()))


class EventSource(models.Model):
    """One place that notifications are pulled from. The lease makes sure that one loop at a time pulls it."""

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="sources")
    kind = models.CharField(max_length=30)
    address = models.CharField(max_length=600, help_text="Where: endpoint, topic and subscription.")
    retired_at = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_pull_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a pull last succeeded, with or without events.",
    )
    last_notification_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    objects = EventSourceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource", "kind", "address"], name="one_source_per_address")]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"

    def claim(self, *, owner: str, seconds: float) -> bool:
        """Takes or renews the lease, on the database's clock; False when another owner holds it."""
        free = Q(lease_owner=owner) | Q(lease_until=None) | Q(lease_until__lt=Now())
        until = Now() + clock.seconds(seconds)
        return (
            EventSource.objects.filter(free, pk=self.pk, retired_at=None).update(lease_owner=owner, lease_until=until)
            == 1
        )

    def release(self, *, owner: str) -> None:
        EventSource.objects.filter(pk=self.pk, lease_owner=owner).update(lease_owner="", lease_until=None)
