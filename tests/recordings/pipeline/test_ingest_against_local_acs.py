"""What the embedded service really sends, taken in from its real queue."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

import httpx
import pytest

from recordings import calls, clock, control, sources
from recordings.models import Call, EventSource, MediaFile, Notification, Participant, Recording
from recordings.pipeline import ingest, notification
from recordings.sources.event_grid import EventGridSource
from recordings.states import Bucket, NotificationState, RecordingState
from tests.embedded import LocalAcs, eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with LocalAcs(tmp_path_factory.mktemp("acs") / "data") as running:
        yield running


@pytest.fixture
def source(service, settings) -> EventSource:
    for name, value in service.environment.items():
        if hasattr(settings, name) and name != "LOCAL_ACS_PORT":
            setattr(settings, name, value)
    settings.TAPEDECK_PUBLIC_URL = ""
    sources.ensure_current()
    return EventSource.objects.select_related("resource").get()


def take_in(source: EventSource) -> None:
    """One round of the pull loop, and the worker behind it."""
    remote = EventGridSource(source)
    for pulled in remote.pull():
        for row in notification.accept(pulled.event, resource=source.resource, source=source):
            ingest.ingest(row.pk)
        remote.acknowledge([pulled.lock_token])


def until(source: EventSource, look, what: str):
    def round_trip():
        take_in(source)
        return look()

    return eventually(round_trip, seconds=60, what=what)


def test_a_recording_made_here_is_known_from_its_start_to_its_files(service, source):
    call = service.call("Ada", "Grace")
    until(source, lambda: Participant.objects.count() >= 2, "both people")
    live = Call.objects.live().get()
    assert live.server_call_id == call["serverCallId"]
    recording = control.start(
        resource=source.resource,
        locator={"kind": "serverCallLocator", "serverCallId": live.server_call_id},
        by=None,
        content="audio",
        format="wav",
    ).recording
    service.management("DELETE", f"/local/calls/{live.server_call_id}")
    until(source, lambda: MediaFile.objects.count() >= 2, "the file")
    recording.refresh_from_db()
    assert (recording.state, recording.bucket) == (RecordingState.ENDED, Bucket.IN_TEMPORARY_STORAGE)
    assert (recording.call, len(calls.during(recording, live.presences.all()))) == (live, 2)
    assert (recording.content_type, recording.format_type) == ("audio", "wav")
    assert recording.chunks.get().expires_at > clock.now()
    live.refresh_from_db()
    assert live.ended_at is not None
    assert not Notification.objects.exclude(state=NotificationState.PROCESSED).exists()


def test_a_recording_of_the_seeds_own_surface_is_adopted(service, source):
    call = service.call("Ada")
    path = f"/conversations/{call['serverCallId']}/Recordings?api-version=2021-04-15-preview1"
    assert signed(service, "POST", path, b"{}").status_code == 200
    service.management("DELETE", f"/local/calls/{call['serverCallId']}")
    until(source, lambda: Recording.objects.filter(chunks__isnull=False).exists(), "the file")
    recording = Recording.objects.get(chunks__isnull=False)
    assert (recording.state, recording.origin) == (RecordingState.ENDED, Recording.Origin.FILE_EVENT)


def signed(service: LocalAcs, method: str, path: str, body: bytes) -> httpx.Response:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
    host = urlsplit(service.endpoint).netloc
    text = f"{method}\n{path}\n{date};{host};{digest}"
    key = base64.b64decode(service.access_key)
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-content-sha256": digest,
        "Content-Type": "application/json",
        "Authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}",
    }
    return httpx.request(method, service.endpoint + path, content=body, headers=headers, trust_env=False, timeout=30)
