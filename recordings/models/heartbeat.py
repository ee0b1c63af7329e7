"""Signs of life of the background processes."""

from django.db import models

from recordings import clock


class Heartbeat(models.Model):
    """When a process was last heard from. One row per process role, e.g. `worker:media` or `beat`."""

    name = models.CharField(max_length=60, primary_key=True)
    host = models.CharField(max_length=200, blank=True)
    pid = models.PositiveIntegerField(default=0)
    beaten_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str, *, host: str, pid: int) -> None:
        """Says that `name` is alive now."""
        cls.objects.update_or_create(name=name, defaults={"host": host, "pid": pid, "beaten_at": clock.now()})
