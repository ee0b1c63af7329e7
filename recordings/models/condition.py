"""What is wrong at the moment, beyond single files: the source of every banner and of every pause of a queue."""

from datetime import datetime

from django.db import IntegrityError, models, transaction
from django.db.models import Q

from recordings import clock
from recordings.models.resource import Resource


class ConditionQuerySet(models.QuerySet["Condition"]):
    def open(self) -> "ConditionQuerySet":
        return self.filter(cleared_at=None)

    def report(
        self,
        kind: "Condition.Kind",
        *,
        resource: Resource | None,
        detail: str,
        host: str = "",
        probe_at: datetime | None = None,
    ) -> None:
        """Opens the condition of that host, or refreshes its detail and next probe when it is open already."""
        now = clock.now()
        fresh = {"detail": detail, "last_seen_at": now, "probe_at": probe_at}
        if self.open().filter(kind=kind, resource=resource, host=host).update(**fresh):
            return
        try:
            with transaction.atomic():
                self.create(kind=kind, resource=resource, host=host, since=now, **fresh)
        except IntegrityError:  # another process opened it in between
            self.open().filter(kind=kind, resource=resource, host=host).update(**fresh)

    def clear(self, kind: "Condition.Kind", *, resource: Resource | None) -> bool:
        """Closes the condition, at whichever hosts it was seen; True when it was open."""
        return self.open().filter(kind=kind, resource=resource).update(cleared_at=clock.now()) > 0

    def of_hosts(self) -> "ConditionQuerySet":
        """Open conditions that hold the files at one host of a resource; one without a host holds all its files."""
        kinds = [Condition.Kind.UNREACHABLE, Condition.Kind.CREDENTIALS_REFUSED]
        return self.open().filter(kind__in=kinds).exclude(resource=None)

    def holding(self, resource: Resource, *, host: str) -> "ConditionQuerySet":
        """Conditions that pause what is to be done at `host` now (their next probe is not due yet)."""
        disk_full = self.open().filter(kind=Condition.Kind.DISK_FULL)
        at_host = self.of_hosts().filter(resource=resource, host__in=["", host])
        return (disk_full | at_host).filter(probe_at__gt=clock.now())


class Condition(models.Model):
    """One state of affairs with a beginning and, once mended, an end."""

    class Kind(models.TextChoices):
        UNREACHABLE = "unreachable", "The service cannot be reached"
        CREDENTIALS_REFUSED = (
            "credentials_refused",
            "The service refuses the access key",
        )
        DISK_FULL = "disk_full", "The disk is full"
        SOURCE_FAILING = "source_failing", "Notifications cannot be pulled"
        SOURCE_SILENT = "source_silent", "No successful pull for a while"

    kind = models.CharField(max_length=30, choices=Kind.choices)
    resource = models.ForeignKey(
        Resource,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="conditions",
    )
    since = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    probe_at = models.DateTimeField(null=True, blank=True, help_text="When work may be tried again.")
    cleared_at = models.DateTimeField(null=True, blank=True)
    detail = models.TextField(blank=True)
    host = models.CharField(max_length=300, blank=True, help_text="Where it was seen; an answer from there ends it.")

    objects = ConditionQuerySet.as_manager()

    class Meta:
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "resource", "host"],
                condition=Q(cleared_at=None),
                name="one_open_condition",
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(cleared_at=None, resource=None),
                name="one_open_general_condition",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
