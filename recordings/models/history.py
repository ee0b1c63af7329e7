"""Append-only rows: each change of state with its reason, and each loss with its cause."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recordings import clock, states
from recordings.models.command import Command
from recordings.models.media import MediaFile
from recordings.models.notification import Notification
from recordings.models.recording import Recording
from recordings.states import LossCause


class StateChange(models.Model):
    """One step of a recording, or of one of its files."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="changes")
    media_file = models.ForeignKey(
        MediaFile,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="changes",
    )
    at = models.DateTimeField(default=clock.now)
    happened_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the service says it happened, if it says so.",
    )
    old = models.CharField(max_length=12, blank=True)
    new = models.CharField(max_length=12)
    because = models.CharField(max_length=500, help_text="In one sentence.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    command = models.ForeignKey(
        Command,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="changes",
    )
    notification = models.ForeignKey(
        Notification,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["recording", "at"], name="change_of_recording")]

    def __str__(self) -> str:
        return f"{self.old or 'nothing'} to {self.new}"


class Loss(models.Model):
    """Says that something known can no longer be had, and why. A late event or a found file recovers it."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="losses")
    chunk_index = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: the whole recording.")
    media_file = models.ForeignKey(
        MediaFile,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="losses",
    )
    cause = models.CharField(max_length=20, choices=states.choices(LossCause))
    evidence = models.TextField(help_text="What was seen, with times and answers.")
    declared_at = models.DateTimeField(default=clock.now)
    recovered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "losses"
        ordering = ["-declared_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["recording", "chunk_index"],
                condition=Q(recovered_at=None),
                name="one_open_loss_per_chunk",
            ),
            models.UniqueConstraint(
                fields=["recording"],
                condition=Q(recovered_at=None, chunk_index=None),
                name="one_open_loss_of_the_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()} ({self.recording_id})"
