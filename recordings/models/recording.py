"""One recording: what it is, what it is doing, and which bucket of the ledger it stands in."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from recordings import clock, states
from recordings.models.call import Call
from recordings.models.resource import Resource
from recordings.states import Bucket, CommandVerb, RecordingState


class RecordingQuerySet(models.QuerySet["Recording"]):
    def live(self) -> "RecordingQuerySet":
        return self.filter(state__in=states.LIVE)

    def counted(self) -> "RecordingQuerySet":
        """Recordings that the ledger counts: all but starts that were never acknowledged."""
        return self.exclude(bucket="")


class Recording(models.Model):
    """One recording, however it came to be known. Born by a start command, a callback, a file event or a pasted id."""

    class Origin(models.TextChoices):
        OPERATOR = "operator", "Started here"
        CALLBACK = "callback", "Started by other software, seen by its callback"
        FILE_EVENT = "file_event", "Started by other software, seen by its file"
        WATCHED = "watched", "Recording id pasted by an operator"
        REBUILT = "rebuilt", "Rebuilt from the archive"

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="recordings")
    call = models.ForeignKey(Call, on_delete=models.PROTECT, null=True, blank=True, related_name="recordings")
    recording_id = models.CharField(max_length=600, null=True, blank=True, help_text="Without base64 padding.")
    recording_id_sent = models.CharField(max_length=600, blank=True, help_text="As the service writes it.")
    remote_call_id = models.CharField(
        max_length=200,
        blank=True,
        help_text="The service's `callId`, from subjects and metadata; not the serverCallId.",
    )
    identity = models.CharField(max_length=700, blank=True)
    former_identity = models.CharField(max_length=700, blank=True, help_text="Before the real recordingId was learnt.")
    origin = models.CharField(max_length=12, choices=Origin.choices)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    callback_secret = models.CharField(max_length=64, blank=True)

    state = models.CharField(max_length=10, choices=states.choices(RecordingState))
    bucket = models.CharField(
        max_length=20,
        choices=states.choices(Bucket),
        blank=True,
        help_text="Kept by buckets.settle.",
    )
    version = models.PositiveBigIntegerField(default=0, help_text="Grows with every change an operator can see.")
    manifest_version = models.PositiveBigIntegerField(
        default=0, help_text="The version that the newest manifest in the archive describes."
    )
    joined_folders = models.JSONField(
        default=list, blank=True, help_text="Folders of the archive that belonged to entries joined with this one."
    )
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the service last said anything about it."
    )
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the service was last asked.")
    remote_state = models.CharField(
        max_length=20,
        blank=True,
        help_text="The service's last word: active or inactive.",
    )

    content_type = models.CharField(max_length=20, blank=True)
    channel_type = models.CharField(max_length=20, blank=True)
    format_type = models.CharField(max_length=10, blank=True)
    requested_at = models.DateTimeField(default=clock.now, help_text="When it became known here.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="As the file event states it.")
    session_end_reason = models.CharField(max_length=100, blank=True)
    paused_since = models.DateTimeField(null=True, blank=True)
    paused_ms = models.PositiveBigIntegerField(default=0, help_text="Finished pauses, as far as seen here.")

    objects = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "recording_id"],
                condition=Q(recording_id__isnull=False),
                name="one_row_per_recording_id",
            ),
            models.UniqueConstraint(
                fields=["resource", "identity"],
                condition=~Q(identity=""),
                name="one_row_per_identity",
            ),
            models.CheckConstraint(condition=~Q(recording_id=""), name="recording_id_is_null_or_real"),
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="recording_newest"),
            models.Index(
                fields=["bucket", "-requested_at", "-id"],
                name="recording_bucket_newest",
            ),
            models.Index(
                fields=["state"],
                condition=Q(state__in=["requested", "active", "paused", "stopping"]),
                name="recording_live",
            ),
            models.Index(
                fields=["resource", "former_identity"],
                condition=~Q(former_identity=""),
                name="recording_former_identity",
            ),
            models.Index(
                fields=["id"], condition=Q(manifest_version__lt=models.F("version")), name="recording_manifest_old"
            ),
            models.Index(
                fields=["remote_call_id"],
                condition=~Q(remote_call_id=""),
                name="recording_call_id",
            ),
            models.Index(
                fields=["callback_secret"], condition=~Q(callback_secret=""), name="recording_callback_secret"
            ),
        ]
        permissions = [
            ("play_recording", "Can play recordings"),
            ("download_recording", "Can download recordings"),
            ("control_recording", "Can start, pause, resume and stop recordings"),
            ("retrieve_recording", "Can retrieve files now and replay notifications"),
            ("configure_recording", "Can test and change connections"),
        ]

    def __str__(self) -> str:
        return self.recording_id or self.identity or str(self.id)

    @property
    def legal_verbs(self) -> tuple[CommandVerb, ...]:
        """What an operator may ask of it now."""
        return states.LEGAL_VERBS[RecordingState(self.state)]

    @property
    def is_live(self) -> bool:
        return self.state in states.LIVE

    @property
    def began_at(self) -> datetime:
        """When it started; until that is known, when it became known here."""
        return self.started_at or self.requested_at


class Adoption(models.Model):
    """A recording that became known by another way than an event or a start command of ours."""

    class How(models.TextChoices):
        WATCHED = "watched", "Recording id pasted by an operator"
        REBUILT = "rebuilt", "Rebuilt from the archive"

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="adoptions")
    identity = models.CharField(max_length=700)
    how = models.CharField(max_length=10, choices=How.choices)
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource", "identity", "how"], name="one_adoption_each")]

    def __str__(self) -> str:
        return f"{self.how} {self.identity}"
