"""What operators asked for, and how much is known about each request."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from recordings import clock, states
from recordings.models.recording import Recording
from recordings.models.resource import Resource
from recordings.states import CommandState, CommandVerb


class CommandQuerySet(models.QuerySet["Command"]):
    def open(self) -> "CommandQuerySet":
        return self.filter(state__in=states.OPEN_COMMAND)


class Command(models.Model):
    """One request to the service. Its id is the `Repeatability-Request-ID` that goes over the wire."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="commands")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="commands")
    verb = models.CharField(max_length=6, choices=states.choices(CommandVerb))
    state = models.CharField(
        max_length=12,
        choices=states.choices(CommandState),
        default=CommandState.REQUESTED,
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    reason = models.CharField(max_length=200, blank=True, help_text="Why, in the operator's words.")
    body = models.JSONField(default=dict, help_text="For start: the request as sent (secrets left out).")
    target = models.CharField(
        max_length=700,
        blank=True,
        help_text="For start: the call and the kind of recording in one word; equal starts share it.",
    )
    identity = models.CharField(
        max_length=700,
        blank=True,
        help_text="For an acknowledged start: the recording it made.",
    )
    requested_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveIntegerField(default=0)
    next_send_at = models.DateTimeField(
        default=clock.now, help_text="While requested: not sent again before this moment."
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When confirmed, contradicted or failed.")
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)

    objects = CommandQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["recording"],
                condition=Q(state__in=["requested", "acknowledged"]),
                name="one_open_command_per_recording",
            ),
            models.UniqueConstraint(
                fields=["resource", "target"],
                condition=Q(state__in=["requested", "acknowledged"]) & ~Q(target=""),
                name="one_open_start_per_target",
            ),
        ]
        indexes = [
            models.Index(
                fields=["resource", "identity"],
                condition=~Q(identity=""),
                name="command_identity",
            ),
            models.Index(
                fields=["requested_at"],
                condition=Q(state__in=["requested", "acknowledged"]),
                name="command_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} ({self.state})"

    @property
    def is_open(self) -> bool:
        return self.state in states.OPEN_COMMAND
