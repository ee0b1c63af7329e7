"""Every route under generated requests: documented errors, never a 500, never a hang."""

import base64
import json
import socket
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.embedded import LocalAcs
from tests.local_acs.recorded import client

RELAXED = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
DOCUMENTED = {200, 201, 202, 204, 206, 400, 401, 404, 405, 409, 413, 416}

SEGMENTS = st.one_of(
    st.sampled_from(
        ["x", "%00", "%2e%2e", "a%2fb", "%ff%fe", "é", "8:acs:x", ":pause", "%3Apause", "0-eus-d1-" + "0" * 32]
    ),
    st.text(alphabet="abcXYZ019-_.~:=", min_size=1, max_size=20),
)
PATHS = st.one_of(
    st.sampled_from(["/calling/recordings", "/local/calls", "/local/faults", "/local/state"]),
    st.builds("/calling/recordings/{}".format, SEGMENTS),
    st.builds("/calling/recordings/{}:{}".format, SEGMENTS, st.sampled_from(["pause", "resume", "stop"])),
    st.builds("/conversations/{}/Recordings".format, SEGMENTS),
    st.builds("/calling/conversations/{}/recordings/{}".format, SEGMENTS, SEGMENTS),
    st.builds("/recording/download/{}/metadata".format, SEGMENTS),
    st.builds("/v1/objects/{}/content/{}".format, SEGMENTS, SEGMENTS),
    st.builds("/v1/objects/{}".format, SEGMENTS),
    st.builds("/topics/{}:publish".format, st.sampled_from(["acs", "other"])),
    st.builds(
        "/topics/acs/eventsubscriptions/tapedeck:{}".format,
        st.sampled_from(["acknowledge", "release", "reject", "renewLock", "receive"]),
    ),
    st.builds("/local/calls/{}".format, SEGMENTS),
    st.builds("/local/calls/{}/participants/{}".format, SEGMENTS, SEGMENTS),
    st.builds("/local/faults/{}".format, SEGMENTS),
    st.builds("/{}".format, SEGMENTS),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([
    "callLocator", "callConnectionId", "kind", "serverCallId", "recordingStateCallbackUri", "recordingContentType",
    "recordingChannelType", "recordingFormatType", "pauseOnStart", "audioChannelParticipantOrdering", "channelAffinity",
    "externalStorage", "lockTokens", "participants", "displayName", "fault", "count", "for", "match", "roomId",
    "endsAfterSeconds", "specversion", "id", "source", "type",
])  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(FIELDS, JSON, max_size=5).map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"[" * 20_000, b'{"id":"\\ud800"}', b"NaN", b'{"a":' + b"9" * 5000 + b"}"]),
)
QUERIES = st.dictionaries(
    st.sampled_from(["api-version", "maxEvents", "maxWaitTime", "releaseDelayInSeconds"]),
    st.sampled_from(["1", "0", "-1", "10", "x", "", "9" * 30, "2025-06-15", "2021-09-15-preview", "%", "\x00"]),
)
HEADERS = st.dictionaries(
    st.sampled_from(["range", "if-range", "content-type", "repeatability-request-id", "ce-specversion", "x-ms-host"]),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
    | st.sampled_from(["application/cloudevents+json", "application/cloudevents-batch+json", "bytes=0-", "1.0"]),
)  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "PATCH", "OPTIONS"])


def documented(answer: httpx.Response) -> bool:
    if answer.status_code not in DOCUMENTED:
        return False
    if answer.status_code >= 400 and answer.content:
        return bool({"error", "code", "status"} & set(answer.json()))
    return True


def harmless(path: str, query: dict[str, str]) -> dict[str, str]:
    """A receive on an empty queue would wait for its ten seconds each time, which is no hang but long."""
    return {**query, "maxEvents": "x"} if path.endswith(":receive") else query


@RELAXED
@given(method=METHODS, path=PATHS, query=QUERIES, headers=HEADERS, body=BODIES)
def test_a_signed_request_is_answered_as_documented(
    *, acs: LocalAcs, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    answer = client(acs).request(method, path, params=harmless(path, query), headers=headers, content=body)
    assert documented(answer), (answer.status_code, answer.text)


@RELAXED
@given(method=METHODS, path=PATHS, query=QUERIES, headers=HEADERS, body=BODIES)
def test_a_request_with_a_shared_key_is_answered_as_documented(
    *, acs: LocalAcs, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    key = acs.management_key if path.startswith("/local") else acs.event_grid_key
    sent = {**headers, "Authorization": f"SharedAccessKey {key}"}
    answer = httpx.request(
        method, acs.endpoint + path, params=harmless(path, query), headers=sent, content=body, timeout=20
    )
    if path == "/local/faults":
        acs.management("DELETE", "/local/faults")
    assert documented(answer), (answer.status_code, answer.text)


@RELAXED
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=120).map(str.strip))
def test_a_strange_authorization_is_denied(acs: LocalAcs, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1"), "x-ms-content-sha256": base64.b64encode(b"x").decode()}
    http = client(acs)
    http.auth = None
    for method, path in (("GET", "/calling/recordings/x"), ("GET", "/local/calls"), ("DELETE", "/v1/objects/x")):
        answer = http.request(method, path, headers=headers)
        assert answer.status_code in (401, 400)


def test_a_body_that_is_too_large_is_refused(acs: LocalAcs) -> None:
    answer = client(acs).post("/calling/recordings?api-version=1", content=b"x" * (1024 * 1024 + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("host", ["[", "a b", "é", "x" * 5000, "127.0.0.1:99999999", ""])
def test_a_strange_host_is_denied(acs: LocalAcs, host: str) -> None:
    with socket.create_connection(("127.0.0.1", int(acs.endpoint.rpartition(":")[2])), timeout=10) as raw:
        raw.sendall(
            f"GET /v1/objects/x/content/video HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            "Authorization: HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=AAAA\r\n"
            "x-ms-content-sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n"
            f"x-ms-date: {format_datetime(datetime.now(UTC), usegmt=True)}\r\n\r\n".encode()
        )
        status = int(raw.recv(1000).split()[1])
    assert status in (400, 401)
