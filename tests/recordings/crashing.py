"""One act on a data folder of its own: `python -m tests.recordings.crashing start <serverCallId>`.

A process that the environment may tell to kill itself at a crash point; what is there afterwards is printed as JSON.
"""

import json
import os
import sys

import django


def start(server_call_id: str) -> None:
    control.start(
        resource=_resource(),
        locator={"kind": "serverCallLocator", "serverCallId": server_call_id},
        by=None,
        content="audio",
        format="wav",
    )


def pause(*_: str) -> None:
    control.pause(Recording.objects.get(), by=None)


def watch(recording_id: str) -> None:
    control.watch(resource=_resource(), recording_id=recording_id, by=None)


def sweep(*_: str) -> None:
    """What the workers do, without waiting for their times to come."""
    Command.objects.open().update(next_send_at=clock.now())
    for recording in Recording.objects.all():
        reconcile.ask(recording)


def migrate(*_: str) -> None:
    call_command("migrate", verbosity=0)
    Resource.objects.create(endpoint=settings.ACS_ENDPOINT, key="crashing", retention_seconds=60)


def _resource():
    return Resource.objects.get()


def _found() -> dict[str, object]:
    return {
        "recordings": list(Recording.objects.values_list("state", flat=True)),
        "commands": list(Command.objects.order_by("requested_at").values_list("verb", "state")),
        "adoptions": Adoption.objects.count(),
        "crashed": sorted(mark.name for mark in settings.TAPEDECK_DATA.glob("crashed/*")),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()

    from django.conf import settings
    from django.core.management import call_command

    from recordings import clock, control, reconcile
    from recordings.models import Adoption, Command, Recording, Resource

    {act.__name__: act for act in (start, pause, watch, sweep, migrate)}[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(json.dumps(_found()))
