"""One arrival on a data folder of its own, in a process that the environment may tell to die on the way.

`python -m tests.recordings.pipeline.arriving accept|sweep|migrate`; what is there afterwards is printed as JSON.
"""

import json
import os
import sys

import django


def migrate() -> None:
    call_command("migrate", verbosity=0)
    sources.ensure_current()


def accept() -> None:
    """What a pull does with one event before it acknowledges it, and the worker that is told of it."""
    for row in notification.accept(builders.file_event(), resource=sources.ensure_current()):
        ingest.ingest(row.pk)


def sweep() -> None:
    for row in ingest.pending(10):
        ingest.ingest(row.pk)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()

    from django.conf import settings
    from django.core.management import call_command

    from recordings import sources
    from recordings.models import Chunk, MediaFile, Notification, NotificationDelivery, Recording
    from recordings.pipeline import ingest, notification
    from tests.recordings import builders

    {act.__name__: act for act in (migrate, accept, sweep)}[sys.argv[1]]()
    found = {
        "inbox": list(Notification.objects.values_list("state", flat=True)),
        "deliveries": NotificationDelivery.objects.count(),
        "rows": [model.objects.count() for model in (Recording, Chunk, MediaFile)],
        "crashed": sorted(mark.name for mark in settings.TAPEDECK_DATA.glob("crashed/*")),
    }
    sys.stdout.write(json.dumps(found))
