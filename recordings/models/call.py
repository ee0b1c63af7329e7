"""Calls and the people in them."""

from django.db import models
from django.db.models import Q

from recordings import clock
from recordings.models.resource import Resource


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> "CallQuerySet":
        """Calls that began and are not known to have ended."""
        return self.filter(ended_at=None).exclude(server_call_id="")


class Call(models.Model):
    """One call. `serverCallId` joins calls to recordings; `callId` is another id and is never compared with it."""

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="calls")
    server_call_id = models.CharField(max_length=600, blank=True)
    remote_call_id = models.CharField(max_length=200, blank=True, help_text="The service's `callId`.")
    correlation_id = models.CharField(max_length=200, blank=True)
    started_by = models.CharField(max_length=300, blank=True, help_text="A participant's raw id.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)
    first_seen_at = models.DateTimeField(default=clock.now)

    objects = CallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "server_call_id"],
                condition=~Q(server_call_id=""),
                name="one_call_per_server_call_id",
            ),
            models.UniqueConstraint(
                fields=["resource", "remote_call_id"],
                condition=Q(server_call_id=""),
                name="one_call_per_remote_call_id",
            ),
        ]
        indexes = [
            models.Index(
                fields=["resource", "started_at"],
                condition=Q(ended_at=None),
                name="call_live",
            )
        ]

    def __str__(self) -> str:
        return self.server_call_id or self.remote_call_id


class Participant(models.Model):
    """One person or number, by the raw id the service uses for it."""

    id = models.UUIDField(primary_key=True, default=clock.new_id, editable=False)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="participants")
    raw_id = models.CharField(max_length=300)
    display_name = models.CharField(max_length=300, blank=True, help_text="The newest name heard.")
    named_at = models.DateTimeField(null=True, blank=True, help_text="When that name was in use.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource", "raw_id"], name="one_participant_per_raw_id")]
        indexes = [models.Index(fields=["display_name"], name="participant_name")]

    def __str__(self) -> str:
        return self.display_name or self.raw_id


class Presence(models.Model):
    """One stay of a participant in a call. Either end may be unknown when its event never came."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="presences")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="presences")
    joined_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["call", "participant"], name="presence_who")]

    def __str__(self) -> str:
        return f"{self.participant} in {self.call}"


class RecordingParticipant(models.Model):
    """A participant that a recording's metadata names. Who else was there is told by the stays in its call."""

    recording = models.ForeignKey("recordings.Recording", on_delete=models.CASCADE, related_name="cast")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="appearances")
    channel = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Unmixed audio only.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "participant"], name="one_appearance_each")]

    def __str__(self) -> str:
        return f"{self.participant} in {self.recording_id}"
