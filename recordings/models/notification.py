"""The inbox: every event exactly as it arrived, before anything is believed."""

from django.db import models
from django.db.models import Q

from recordings import clock
from recordings.models.resource import EventSource, Resource
from recordings.states import NotificationState, choices


class Notification(models.Model):
    """One distinct event: (resource, event id, hash of its body). Arrivals are `NotificationDelivery` rows."""

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="notifications")
    source = models.ForeignKey(
        EventSource,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="notifications",
    )
    event_id = models.CharField(max_length=300)
    body_hash = models.CharField(
        max_length=64,
        help_text="SHA-256 of the event's JSON in canonical form, hexadecimal.",
    )
    body = models.TextField(help_text="The event as it arrived; secrets that must not be kept are blanked.")
    schema = models.CharField(max_length=20, help_text="cloudevents, eventgrid or unknown.")
    event_type = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=2000, blank=True)
    event_time = models.DateTimeField(null=True, blank=True, help_text="When the service says it happened.")
    received_at = models.DateTimeField(default=clock.now, help_text="When it first arrived here.")
    state = models.CharField(
        max_length=12,
        choices=choices(NotificationState),
        default=NotificationState.PENDING,
    )
    processed_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=300, blank=True, help_text="In one sentence: what it changed.")
    error = models.TextField(blank=True)
    identity = models.CharField(
        max_length=700,
        blank=True,
        help_text="The recording it speaks of (see identities.py).",
    )
    recording = models.ForeignKey(
        "recordings.Recording",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="notifications",
    )

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["resource", "event_id", "body_hash"], name="one_row_per_event"),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state="pending"),
                name="notification_pending",
            ),
            models.Index(fields=["-received_at", "-id"], name="notification_newest"),
            models.Index(
                fields=["resource", "identity"],
                condition=~Q(identity=""),
                name="notification_identity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type.rpartition('.')[2] or 'unknown'} {self.event_id}"

    @property
    def lag_seconds(self) -> float | None:
        """Seconds between the event and its arrival; none when the event has no time."""
        return (self.received_at - self.event_time).total_seconds() if self.event_time else None


class NotificationDelivery(models.Model):
    """One arrival of an event. More than one per notification is normal."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    source = models.ForeignKey(EventSource, on_delete=models.PROTECT, null=True, blank=True)
    received_at = models.DateTimeField(default=clock.now)
    delivery_count = models.PositiveIntegerField(default=1, help_text="As the sender counts.")

    class Meta:
        verbose_name_plural = "notification deliveries"

    def __str__(self) -> str:
        return f"{self.notification_id} at {self.received_at:%Y-%m-%d %H:%M:%S}"
