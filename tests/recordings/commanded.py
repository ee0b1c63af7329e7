"""A recording on a server of the test's own, and commands on it at any age."""

from datetime import timedelta

from django.db.models import F
from pytest_django.fixtures import Settings

from recordings import clock
from recordings.models import Command, Recording
from recordings.states import CommandState, CommandVerb, RecordingState
from tests import rows
from tests.misbehaving import Misbehaving, Reply, document
from tests.recordings.acs.connected import connect

ACTIVE = document({"recordingId": "rec==", "recordingState": "active"})
INACTIVE = document({"recordingId": "rec==", "recordingState": "inactive"})
ACCEPTED = Reply(status=202)
NO_CONTENT = Reply(status=204)
GONE = document({"error": {"code": "8522", "message": "Recording not found."}}, status=404)
FAULT = document({"error": {"code": "9999", "message": "Unknown internal server error."}}, status=500)
LOCATOR = {"kind": "serverCallLocator", "serverCallId": "c2VydmVy"}


def recording(
    settings: Settings, server: Misbehaving | str, state: RecordingState = RecordingState.ACTIVE, **columns: object
) -> Recording:
    """A recording of the resource that `server` (or its address) is."""
    endpoint = server if isinstance(server, str) else server.endpoint
    return rows.recording(state, resource=connect(settings, endpoint), **columns)


def command(
    on: Recording, verb: CommandVerb, state: CommandState = CommandState.ACKNOWLEDGED, **columns: object
) -> Command:
    """A command that was sent one second ago and, unless only requested, answered at once."""
    at = clock.now() - timedelta(seconds=1)
    defaults: dict[str, object] = {"requested_at": at, "sent_at": at, "sends": 1, "next_send_at": at}
    if state != CommandState.REQUESTED:
        defaults["acknowledged_at"] = at
    return Command.objects.create(resource=on.resource, recording=on, verb=verb, state=state, **defaults | columns)


def age(row: Command | Recording, seconds: float) -> None:
    """Moves every time of the row into the past."""
    names = [field.name for field in row._meta.fields if field.get_internal_type() == "DateTimeField"]
    by = timedelta(seconds=seconds)
    type(row).objects.filter(pk=row.pk).update(**{name: F(name) - by for name in names})
    row.refresh_from_db()
