"""Chunks of a recording and their files on the way from temporary storage into the archive."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from recordings import clock, states
from recordings.models.notification import Notification
from recordings.models.recording import Recording
from recordings.models.resource import Resource
from recordings.states import AttemptOutcome, MediaState


class Chunk(models.Model):
    """One piece of a recording in temporary storage, recognised by its `documentId`."""

    class ExpiryBasis(models.TextChoices):
        RECORDING_END = (
            "recording_end",
            "recording start plus duration, plus the retention",
        )
        EVENT_TIME = "event_time", "time of the file event, plus the retention"
        ARRIVAL = "arrival", "arrival of a file event without a time of its own, plus the retention"

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="chunks")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="chunks")
    document_id = models.CharField(max_length=300)
    index = models.PositiveIntegerField()
    end_reason = models.CharField(max_length=100, blank=True)
    content_location = models.TextField(blank=True, help_text="As announced; empty in 2021-04 events.")
    metadata_location = models.TextField(blank=True)
    delete_location = models.TextField(blank=True)
    announced_at = models.DateTimeField(help_text="Time of the file event.")
    # Not a database constraint: the inbox is evidence, and the ledger names a chunk whose evidence has gone.
    announced_by = models.ForeignKey(
        Notification,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
    )
    expires_at = models.DateTimeField(help_text="Earliest plausible moment at which temporary storage drops it.")
    expires_basis = models.CharField(max_length=20, choices=ExpiryBasis.choices)
    start_time = models.DateTimeField(null=True, blank=True, help_text="From the metadata.")
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="From the metadata.")
    remote_deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="Deleted there by us, after verification."
    )

    class Meta:
        ordering = ["recording", "index"]
        constraints = [models.UniqueConstraint(fields=["resource", "document_id"], name="one_chunk_per_document_id")]
        indexes = [models.Index(fields=["recording", "index"], name="chunk_in_order")]

    def __str__(self) -> str:
        return f"chunk {self.index} {self.document_id}"


class MediaFileQuerySet(models.QuerySet["MediaFile"]):
    def due(self) -> "MediaFileQuerySet":
        """What may be claimed now, soonest expiry first: waiting files whose time has come, and lapsed claims.

        Files of a resource whose key the settings do not hold wait until they do: no try could bring anything.
        """
        waiting = Q(state__in=states.RETRIEVABLE) & (Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now()))
        lapsed = Q(state=MediaState.RETRIEVING, lease_until__lt=Now())
        keyed = Resource.objects.with_credentials()
        return self.filter(waiting | lapsed, chunk__resource__in=keyed).order_by("chunk__expires_at", "id")


class MediaFile(models.Model):
    """One file of a chunk: its media or its metadata."""

    class Artefact(models.TextChoices):
        MEDIA = "media", "Media"
        METADATA = "metadata", "Metadata"

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="files")
    artefact = models.CharField(max_length=8, choices=Artefact.choices)
    state = models.CharField(max_length=12, choices=states.choices(MediaState), default=MediaState.ANNOUNCED)
    attempt = models.PositiveIntegerField(default=0, help_text="Number of the newest attempt.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="While retrieving: the claim's deadline.")
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Empty: at once.")
    offered_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker was last told of it; told again soon if none claims it."
    )
    error_kind = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True, help_text="Why the last attempt failed, in words.")
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True, help_text="As measured in the file.")
    findings = models.JSONField(
        default=list,
        blank=True,
        help_text="What is odd about it, in words; never a refusal.",
    )
    spool_name = models.CharField(max_length=200, blank=True)
    archive_key = models.CharField(max_length=400, blank=True)
    retrieved_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the archived copy was last read back and hashed.",
    )
    decoded_at = models.DateTimeField(null=True, blank=True, help_text="When it was last decoded from end to end.")
    decodes_begun = models.PositiveSmallIntegerField(
        default=0, help_text="Full decodes begun and not brought to an end: their workers died."
    )

    objects = MediaFileQuerySet.as_manager()

    class Meta:
        ordering = ["chunk", "artefact"]
        constraints = [models.UniqueConstraint(fields=["chunk", "artefact"], name="one_file_per_artefact")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state__in=["announced", "failed", "quarantined"]),
                name="media_file_waiting",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state="retrieving"),
                name="media_file_claimed",
            ),
            models.Index(
                fields=["id"],
                condition=Q(state="retrieved"),
                name="media_file_retrieved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.artefact} of {self.chunk}"


class Attempt(models.Model):
    """One try to retrieve a file."""

    media_file = models.ForeignKey(MediaFile, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    outcome = models.CharField(
        max_length=12,
        choices=states.choices(AttemptOutcome),
        default=AttemptOutcome.RUNNING,
    )
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    resumed_from = models.PositiveBigIntegerField(default=0, help_text="Bytes taken over from an earlier attempt.")
    bytes_received = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True, help_text="Size of the file, as the service says.")
    validator = models.CharField(
        max_length=300,
        blank=True,
        help_text="The ETag or Last-Modified of the bytes: others may not be joined to them.",
    )
    interruptions = models.PositiveIntegerField(
        default=0, help_text="Times the transfer broke and went on within this attempt."
    )
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_kind = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["media_file", "number"]
        constraints = [models.UniqueConstraint(fields=["media_file", "number"], name="one_attempt_per_number")]

    def __str__(self) -> str:
        return f"attempt {self.number} ({self.outcome})"


class PauseInterval(models.Model):
    """A pause inside a chunk, as its metadata states it (`pauseResumeIntervals`)."""

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="pauses")
    started_at = models.DateTimeField()
    duration_ms = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["started_at"]
        constraints = [models.UniqueConstraint(fields=["chunk", "started_at"], name="one_pause_per_start")]

    def __str__(self) -> str:
        return f"{self.duration_ms} ms from {self.started_at:%H:%M:%S}"
