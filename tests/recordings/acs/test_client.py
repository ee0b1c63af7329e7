"""What goes over the wire, and what is made of the answers."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from recordings.acs import errors
from recordings.acs.client import Answer, Client
from tests.misbehaving import Misbehaving, Reply, document, refusal
from tests.recordings.acs.connected import client, connect

pytestmark = pytest.mark.django_db

REQUEST_ID = uuid.UUID("11111111-2222-4333-8444-555555555555")
STARTED = document({"recordingId": "abc==", "recordingState": "active"})


def _start(acs: Client, **changes: object) -> Answer:
    defaults: dict[str, object] = {
        "locator": {"kind": "serverCallLocator", "serverCallId": "c2VydmVy"},
        "callback_uri": "",
        "content": "audioVideo",
        "channel": "mixed",
        "format": "mp4",
        "pause_on_start": False,
        "request_id": REQUEST_ID,
        "first_sent": datetime(2026, 6, 1, tzinfo=UTC),
    }
    return acs.start(**defaults | changes)


def test_a_start_names_the_call_and_the_kind_of_recording(settings):
    with Misbehaving(STARTED) as server:
        answer = _start(client(settings, server.endpoint), callback_uri="https://a.test/x", pause_on_start=True)
    assert answer == Answer(recording_id="abc==", state="active", http_status=200)
    assert json.loads(server.seen[0].body) == {
        "callLocator": {"kind": "serverCallLocator", "serverCallId": "c2VydmVy"},
        "recordingContentType": "audioVideo",
        "recordingChannelType": "mixed",
        "recordingFormatType": "mp4",
        "recordingStateCallbackUri": "https://a.test/x",
        "pauseOnStart": True,
    }


def test_a_start_says_nothing_it_was_not_told(settings):
    with Misbehaving(STARTED) as server:
        _start(client(settings, server.endpoint))
    assert not {"recordingStateCallbackUri", "pauseOnStart"} & set(json.loads(server.seen[0].body))


def test_a_start_can_be_repeated(settings):
    with Misbehaving(STARTED) as server:
        _start(client(settings, server.endpoint))
    headers = server.seen[0].headers
    assert headers["repeatability-request-id"] == str(REQUEST_ID)
    assert headers["repeatability-first-sent"] == "Mon, 01 Jun 2026 00:00:00 GMT"


@pytest.mark.parametrize(("said", "state"), [("Active", "active"), ("inactive", "inactive"), (None, ""), ("odd", "")])
def test_a_start_tells_the_state_when_the_answer_does(settings, said, state):
    reply = document({"recordingId": "abc", "recordingState": said}, status=202)
    with Misbehaving(reply) as server:
        assert _start(client(settings, server.endpoint)).state == state


@pytest.mark.parametrize("body", [b"{}", b'{"recordingId":" "}', b'{"recordingId":7}', b"[]", b"<html>", b""])
def test_a_start_without_a_recording_id_is_a_bad_answer(settings, body):
    with Misbehaving(Reply(body=body)) as server, pytest.raises(errors.BadAnswer):
        _start(client(settings, server.endpoint))


@pytest.mark.parametrize(
    ("verb", "method", "path"),
    [
        ("pause", "POST", "/calling/recordings/a%2Fb%2Bc==:pause"),
        ("resume", "POST", "/calling/recordings/a%2Fb%2Bc==:resume"),
        ("stop", "DELETE", "/calling/recordings/a%2Fb%2Bc=="),
    ],
)
def test_a_command_goes_to_its_recording(settings, verb, method, path):
    with Misbehaving(Reply(status=202)) as server:
        assert getattr(client(settings, server.endpoint), verb)("a/b+c==") == 202
    assert (server.seen[0].method, server.seen[0].path) == (method, f"{path}?api-version=2026-03-12")


def test_the_state_is_read(settings):
    with Misbehaving(document({"recordingId": "abc", "recordingState": "inactive"})) as server:
        assert client(settings, server.endpoint).state("abc") == "inactive"


@pytest.mark.parametrize("body", [b'{"recordingState":"none"}', b"{}", b"no", b""])
def test_a_state_that_is_none_is_a_bad_answer(settings, body):
    with Misbehaving(Reply(body=body)) as server, pytest.raises(errors.BadAnswer):
        client(settings, server.endpoint).state("abc")


def test_an_unknown_recording_is_not_found(settings):
    with Misbehaving(refusal(404, "8522")) as server, pytest.raises(errors.NotFound) as caught:
        client(settings, server.endpoint).state("abc")
    assert caught.value.proves_absence


def test_a_resource_without_credentials_says_so(settings):
    resource = connect(settings, "http://127.0.0.1:1")
    settings.ACS_ENDPOINT = "http://127.0.0.1:2"
    with pytest.raises(errors.CredentialsRefused, match="ACS_ENDPOINT and ACS_ACCESS_KEY"):
        Client(resource)


def test_the_addresses_of_2021_are_signed_as_in_2021(settings):
    with Misbehaving(Reply(body=b"x")) as server:
        acs = client(settings, server.endpoint)
        for url in (acs.legacy_media_url("0-eus-d1-a"), acs.legacy_metadata_url("0-eus-d1-a")):
            with acs.open_content(url, document_id="0-eus-d1-a") as content:
                assert b"".join(content) == b"x"
    path = "/recording/download/0-eus-d1-a"
    query = "?api-version=2021-04-15-preview1"
    assert [seen.path for seen in server.seen] == [f"{path}{query}", f"{path}/metadata{query}"]
    assert "SignedHeaders=date;" in server.seen[0].headers["authorization"]


def test_a_delete_goes_to_the_address_of_the_file(settings):
    with Misbehaving(Reply()) as server:
        client(settings, server.endpoint).delete_content(f"{server.endpoint}/v1/objects/a", document_id="a")
    assert (server.seen[0].method, server.seen[0].path) == ("DELETE", "/v1/objects/a")


@pytest.mark.parametrize(
    "path",
    ["/calling/recordings/abc", "/v1/objects/b", "/v1/objects/a/../../../calling/recordings/abc", "/v1/objects/ab"],
)
def test_nothing_is_signed_for_another_path_of_the_endpoint(settings, path):
    with Misbehaving(Reply()) as server:
        acs = client(settings, server.endpoint)
        with pytest.raises(errors.HostNotAllowed):
            acs.delete_content(server.endpoint + path, document_id="a")
        with pytest.raises(errors.HostNotAllowed), acs.open_content(server.endpoint + path, document_id="a"):
            pass
    assert server.seen == []


def test_another_host_is_told_whose_signature_it_gets(settings):
    with Misbehaving(Reply(body=b"x")) as storage:
        resource = connect(settings, "http://127.0.0.1:9")
        settings.ACS_CONTENT_HOSTS = (storage.endpoint.removeprefix("http://"),)
        with Client(resource).open_content(f"{storage.endpoint}/v1/objects/a", document_id="a") as content:
            list(content)
    assert storage.seen[0].headers["x-ms-host"] == "127.0.0.1"
