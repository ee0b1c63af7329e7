"""Every table of the domain, to look things up in. Facts are read-only: they change through the steps that own them.

The actions do exactly what the operator pages do.
"""

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from recordings import handover
from recordings.models import (
    Adoption,
    Attempt,
    Call,
    Chunk,
    Command,
    Condition,
    EventSource,
    Heartbeat,
    Loss,
    MediaFile,
    Notification,
    NotificationDelivery,
    Participant,
    PauseInterval,
    Presence,
    Recording,
    RecordingParticipant,
    Resource,
    StateChange,
)

admin.site.site_header = "Tapedeck"
admin.site.site_title = "Tapedeck"
admin.site.index_title = _("Administration")
admin.site.empty_value_display = "–"


class Facts(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no such class at run time
    """A table that is looked at, never edited. Counting all rows of a large one would cost more than the page."""

    show_full_result_count = False
    list_per_page = 50
    actions_on_bottom = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, object]:  # type: ignore[override]
        """The actions need the verb, because nobody holds the right to change these tables."""
        actions = super().get_actions(request)
        return dict(actions) if request.user.has_perm("recordings.retrieve_recording") else {}


class FactRows(admin.TabularInline):  # type: ignore[type-arg]  # as above
    extra = 0
    show_change_link = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def page_link(recording: Recording | None) -> SafeString | str:
    """A link to the operator's page of a recording."""
    if recording is None:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse("recording", args=[recording.pk]), _("Open page"))


class ChunkRows(FactRows):
    model = Chunk
    fields = ("index", "document_id", "end_reason", "announced_at", "expires_at", "duration_ms")


class CommandRows(FactRows):
    model = Command
    fields = ("verb", "state", "requested_by", "requested_at", "acknowledged_at", "settled_at", "error")


class ChangeRows(FactRows):
    model = StateChange
    fields = ("at", "old", "new", "because", "by", "media_file")


class CastRows(FactRows):
    model = RecordingParticipant
    fields = ("participant", "channel")


class FileRows(FactRows):
    model = MediaFile
    fields = ("artefact", "state", "attempt", "size", "sha256", "verified_at", "error")


class AttemptRows(FactRows):
    model = Attempt
    fields = ("number", "outcome", "worker", "started_at", "finished_at", "bytes_received", "http_status", "error")


class PresenceRows(FactRows):
    model = Presence
    fields = ("participant", "joined_at", "left_at")


class DeliveryRows(FactRows):
    model = NotificationDelivery
    fields = ("received_at", "source", "delivery_count")


@admin.register(Recording)
class RecordingAdmin(Facts):
    list_display = ("began", "state", "bucket", "origin", "started_by", "short_id", "page")
    list_filter = ("state", "bucket", "origin", "content_type", "format_type", "resource")
    list_select_related = ("started_by",)
    search_fields = ("=id", "=recording_id", "=remote_call_id", "=call__server_call_id", "identity__startswith")
    ordering = ("-requested_at", "-id")
    exclude = ("callback_secret",)
    inlines = (ChunkRows, CastRows, CommandRows, ChangeRows)

    @admin.display(description=_("Began"), ordering="-requested_at")
    def began(self, recording: Recording) -> str:
        return f"{recording.began_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("Recording id"))
    def short_id(self, recording: Recording) -> str:
        return f"…{recording.recording_id[-12:]}" if recording.recording_id else "–"

    @admin.display(description=_("Page"))
    def page(self, recording: Recording) -> SafeString | str:
        return page_link(recording)


@admin.register(Chunk)
class ChunkAdmin(Facts):
    list_display = ("document_id", "index", "end_reason", "announced_at", "expires_at", "page")
    list_filter = ("end_reason", "expires_basis", "resource")
    list_select_related = ("recording",)
    search_fields = ("=document_id", "=recording__recording_id")
    inlines = (FileRows,)

    @admin.display(description=_("Page"))
    def page(self, chunk: Chunk) -> SafeString | str:
        return page_link(chunk.recording)


@admin.register(MediaFile)
class MediaFileAdmin(Facts):
    list_display = ("chunk", "artefact", "state", "attempt", "size", "next_attempt_at", "verified_at", "page")
    list_filter = ("state", "artefact", "error_kind", "media_type")
    list_select_related = ("chunk__recording",)
    search_fields = ("=chunk__document_id", "=sha256", "=archive_key")
    inlines = (AttemptRows,)
    actions = ("retrieve_now",)

    @admin.display(description=_("Page"))
    def page(self, file: MediaFile) -> SafeString | str:
        return page_link(file.chunk.recording)

    @admin.action(description=_("Retrieve now"))
    def retrieve_now(self, request: HttpRequest, files: QuerySet[MediaFile]) -> None:
        for file in files:
            handover.retrieve_now(file)
        count = files.count()
        text = ngettext("Retrieval of %(n)d file was asked for.", "Retrieval of %(n)d files was asked for.", count)
        messages.success(request, text % {"n": count})


@admin.register(Notification)
class NotificationAdmin(Facts):
    list_display = ("received_at", "event_type", "state", "outcome", "lag", "tries", "page")
    list_filter = ("state", "schema", "event_type", "resource")
    list_select_related = ("recording",)
    search_fields = ("=event_id", "identity__startswith")
    inlines = (DeliveryRows,)
    actions = ("replay",)

    @admin.display(description=_("Lag"))
    def lag(self, notification: Notification) -> str:
        return "–" if notification.lag_seconds is None else f"{notification.lag_seconds:.0f} s"

    @admin.display(description=_("Page"))
    def page(self, notification: Notification) -> SafeString | str:
        return page_link(notification.recording)

    @admin.action(description=_("Process again"))
    def replay(self, request: HttpRequest, notifications: QuerySet[Notification]) -> None:
        for notification in notifications:
            handover.replay(notification)
        count = notifications.count()
        text = ngettext("%(n)d notification is processed again.", "%(n)d notifications are processed again.", count)
        messages.success(request, text % {"n": count})


@admin.register(Call)
class CallAdmin(Facts):
    list_display = ("started_at", "ended_at", "server_call_id", "remote_call_id", "end_reason")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "resource")
    search_fields = ("=server_call_id", "=remote_call_id", "=correlation_id")
    inlines = (PresenceRows,)


@admin.register(Participant)
class ParticipantAdmin(Facts):
    list_display = ("display_name", "raw_id", "resource")
    list_filter = ("resource",)
    list_select_related = ("resource",)
    search_fields = ("=raw_id", "display_name__istartswith")


@admin.register(Command)
class CommandAdmin(Facts):
    list_display = ("requested_at", "verb", "state", "requested_by", "http_status", "error_code", "reason", "page")
    list_filter = ("verb", "state", "error_code", "requested_by")
    list_select_related = ("requested_by", "recording")
    search_fields = ("=id", "identity__startswith")

    @admin.display(description=_("Page"))
    def page(self, command: Command) -> SafeString | str:
        return page_link(command.recording)


@admin.register(Loss)
class LossAdmin(Facts):
    list_display = ("declared_at", "cause", "chunk_index", "recovered_at", "page")
    list_filter = ("cause", ("recovered_at", admin.EmptyFieldListFilter))
    list_select_related = ("recording",)

    @admin.display(description=_("Page"))
    def page(self, loss: Loss) -> SafeString | str:
        return page_link(loss.recording)


@admin.register(StateChange)
class StateChangeAdmin(Facts):
    list_display = ("at", "old", "new", "because", "by", "page")
    list_filter = ("new", ("media_file", admin.EmptyFieldListFilter), "by")
    list_select_related = ("recording", "by")

    @admin.display(description=_("Page"))
    def page(self, change: StateChange) -> SafeString | str:
        return page_link(change.recording)


@admin.register(Attempt)
class AttemptAdmin(Facts):
    list_display = ("started_at", "media_file", "number", "outcome", "bytes_received", "http_status", "worker", "error")
    list_filter = ("outcome", "error_kind", "http_status")
    list_select_related = ("media_file__chunk",)


@admin.register(Condition)
class ConditionAdmin(Facts):
    list_display = ("since", "kind", "resource", "cleared_at", "last_seen_at", "detail")
    list_filter = ("kind", ("cleared_at", admin.EmptyFieldListFilter), "resource")
    list_select_related = ("resource",)


@admin.register(Resource)
class ResourceAdmin(Facts):
    list_display = ("endpoint", "key", "retention_seconds", "last_contact_at", "retired_at")
    fields = (
        "endpoint",
        "key",
        "retention_seconds",
        "created_at",
        "retired_at",
        "last_contact_at",
        "clock_skew_ms",
    )
    list_filter = (("retired_at", admin.EmptyFieldListFilter),)


@admin.register(EventSource)
class EventSourceAdmin(Facts):
    list_display = ("kind", "address", "last_pull_at", "last_notification_at", "last_error_at", "retired_at")
    list_filter = ("kind", ("retired_at", admin.EmptyFieldListFilter))


@admin.register(Heartbeat)
class HeartbeatAdmin(Facts):
    list_display = ("name", "host", "pid", "beaten_at")


@admin.register(Adoption)
class AdoptionAdmin(Facts):
    list_display = ("at", "how", "identity", "by")
    list_filter = ("how", "resource")
    list_select_related = ("by",)
    search_fields = ("identity__startswith",)


@admin.register(Presence)
class PresenceAdmin(Facts):
    list_display = ("participant", "call", "joined_at", "left_at")
    list_select_related = ("participant", "call")
    search_fields = ("=participant__raw_id", "=call__server_call_id")


@admin.register(RecordingParticipant)
class RecordingParticipantAdmin(Facts):
    list_display = ("participant", "recording", "channel")
    list_select_related = ("participant", "recording")
    search_fields = ("=participant__raw_id", "=recording__recording_id")


@admin.register(PauseInterval)
class PauseIntervalAdmin(Facts):
    list_display = ("started_at", "duration_ms", "chunk")
    list_select_related = ("chunk",)


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(Facts):
    list_display = ("received_at", "notification", "source", "delivery_count")
    list_select_related = ("notification", "source")
