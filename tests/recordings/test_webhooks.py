"""The front door: what a sender may send, what it is answered, and what is in the inbox afterwards."""

import io
import json

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from recordings.models import Notification, NotificationDelivery, Recording, Resource
from recordings.pipeline import ingest
from recordings.states import NotificationState, RecordingState
from tests.recordings import builders

pytestmark = pytest.mark.django_db

SECRET = "a-secret-of-one-recording"


@pytest.fixture
def own(settings):
    settings.ACS_ENDPOINT = builders.ENDPOINT
    return Recording.objects.create(
        resource=builders.resource(),
        origin=Recording.Origin.OPERATOR,
        state=RecordingState.REQUESTED,
        callback_secret=SECRET,
    )


@pytest.fixture
def sender() -> Client:
    """Somebody without a session, and with Django's CSRF checks switched on."""
    return Client(enforce_csrf_checks=True)


def callback_url(secret: str = SECRET) -> str:
    return reverse("acs-callback", args=[secret])


def events_url(secret: str | None = None) -> str:
    return reverse("acs-events", args=[secret or settings.TAPEDECK_WEBHOOK_SECRET])


def post(sender: Client, url: str, body: object, **more):
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return sender.post(url, text, content_type="application/json", **more)


def process() -> None:
    for row in ingest.pending(100):
        ingest.ingest(row.pk)


def test_a_callback_is_stored_and_answered_and_not_yet_processed(own, sender):
    answer = post(sender, callback_url(), [builders.state_callback()])
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    assert Notification.objects.get().state == NotificationState.PENDING
    own.refresh_from_db()
    assert own.state == RecordingState.REQUESTED


def test_a_callback_reaches_the_recording_whose_secret_it_carries(own, sender):
    post(sender, callback_url(), [builders.state_callback()])
    process()
    own.refresh_from_db()
    assert (own.state, own.recording_id) == (RecordingState.ACTIVE, "rec-1")


@pytest.mark.parametrize("secret", ["wrong", "", SECRET + "x", SECRET[:-1], "\x00", "é"])
def test_a_wrong_secret_learns_and_leaves_nothing(own, sender, secret):
    for url in (f"/webhooks/acs/callback/{secret}", f"/webhooks/acs/events/{secret}"):
        assert post(sender, url, [builders.state_callback()]).status_code == 404
    assert not Notification.objects.exists()


def test_recordings_without_a_secret_are_not_reached_by_an_empty_one(own, sender):
    Recording.objects.update(callback_secret="")
    assert post(sender, "/webhooks/acs/callback/", [builders.state_callback()]).status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_only_post_is_answered(own, sender, method):
    for url in (callback_url(), events_url()):
        assert getattr(sender, method)(url).status_code == 405


def test_a_callback_of_other_software_makes_its_recording_appear(own, sender):
    answer = post(sender, events_url(), [builders.state_callback(recording="theirs")])
    assert answer.status_code == 200
    process()
    assert Recording.objects.get(recording_id="theirs").origin == Recording.Origin.CALLBACK


def test_event_grid_events_come_in_either_schema(own, sender):
    for body in ([builders.file_event_in_grid_schema()], builders.file_event(), [builders.file_event()]):
        assert post(sender, events_url(), body).status_code == 200
    process()
    assert Recording.objects.get(recording_id="rec-1").chunks.count() == 1
    assert (Notification.objects.count(), NotificationDelivery.objects.count()) == (2, 3)


def test_event_grid_gets_its_validation_code_back(own, sender):
    answer = post(
        sender, events_url(), [builders.validation("512d")], headers={"aeg-event-type": "SubscriptionValidation"}
    )
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d"})
    process()
    assert Notification.objects.get().state == NotificationState.IGNORED


def test_the_cloud_events_handshake_is_answered(own, sender):
    answer = sender.options(events_url(), headers={"WebHook-Request-Origin": "eventgrid.azure.net"})
    assert answer.status_code == 200
    assert answer["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert answer["WebHook-Allowed-Rate"] == "*"
    assert "WebHook-Allowed-Origin" not in sender.options(events_url())
    assert sender.options(events_url("wrong")).status_code == 404


def test_an_unknown_type_is_taken_too(own, sender):
    answer = post(sender, events_url(), [{"id": "1", "type": "demo", "specversion": "1.0"}])
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff"])
def test_a_body_that_is_no_json_is_refused_and_kept_all_the_same(own, sender, body):
    answer = post(sender, callback_url(), body)
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["error"]
    process()
    assert Notification.objects.get().state == NotificationState.FAILED


def test_a_body_over_a_megabyte_is_refused(own, sender):
    answer = post(sender, callback_url(), b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert not Notification.objects.exists()
    assert post(sender, callback_url(), b"[{}]" + b" " * (1024 * 1024 - 4)).status_code == 200


def test_a_chunked_body_is_read(own, sender):
    body = io.BytesIO(json.dumps([builders.state_callback()]).encode())
    chunked = {"wsgi.input": body, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = post(sender, callback_url(), b"", **chunked)
    assert (answer.status_code, Notification.objects.count()) == (200, 1)


def test_the_first_event_makes_the_resource_known(settings, sender):
    settings.ACS_ENDPOINT = "https://new.communication.azure.com"
    assert post(sender, events_url(), [builders.call_started()]).status_code == 200
    assert Resource.objects.get().endpoint == "https://new.communication.azure.com"
