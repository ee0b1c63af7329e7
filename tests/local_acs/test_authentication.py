"""Signatures: the published vectors, both header generations, and every way to be refused."""

import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from local_acs.authentication import Refusal, SignedRequest, refusal, sha256, signature
from tests.embedded import LocalAcs, new_key
from tests.local_acs.recorded import API_VERSION, client
from tests.local_acs.signing import HmacAuth

KEY = base64.b64encode(b"k" * 32).decode()
DATE = "Mon, 01 Jun 2026 00:00:00 GMT"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOST = "127.0.0.1:8080"
START = "/calling/recordings?api-version=2026-03-12"
START_BODY = b'{"callLocator":{"serverCallId":"c2VydmVy","kind":"serverCallLocator"}}'
CONTENT = "/v1/objects/0-eus-d1-0123456789abcdef0123456789abcdef/content/video"


def hashed(body: bytes) -> str:
    return base64.b64encode(sha256(body)).decode()


def signed(
    *,
    method: str = "GET",
    target: str = CONTENT,
    signed_target: str | None = None,
    host: str = HOST,
    signed_host: str | None = None,
    date: str = DATE,
    names: str = "x-ms-date;host;x-ms-content-sha256",
    body: bytes = b"",
    key: str = KEY,
    **headers: str,
) -> SignedRequest:
    values = {"x-ms-date": date, "date": date, "host": signed_host or host, "x-ms-content-sha256": hashed(body)}
    line = ";".join(values.get(name, "") for name in names.split(";"))
    made = base64.b64encode(signature(key, f"{method}\n{signed_target or target}\n{line}")).decode()
    sent = {
        **values,
        "host": host,
        "authorization": f"HMAC-SHA256 SignedHeaders={names}&Signature={made}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return SignedRequest(method, target, sent, sha256(body))


def verdict(request: SignedRequest, *, now: datetime = NOW, endpoint: str = f"http://{HOST}") -> Refusal | None:
    return refusal(request, access_key=KEY, endpoint=endpoint, now=now)


@pytest.mark.parametrize(
    ("method", "target", "body", "published"),
    [
        ("POST", START, START_BODY, "Etfa/H9IB13G+M69ARvHr5K6+vnRj6RsjQBOCNbk3N4="),
        ("GET", CONTENT, b"", "zc/8WzjECfbzXGa7SyoutNBEvfqjIwWz7F2R/3M6nHo="),
    ],
)
def test_the_published_vectors_verify(method: str, target: str, body: bytes, published: str) -> None:
    headers = {
        "x-ms-date": DATE,
        "host": HOST,
        "x-ms-content-sha256": hashed(body),
        "authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={published}",
    }
    assert verdict(SignedRequest(method, target, headers, sha256(body))) is None


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(signed(names="date;host;x-ms-content-sha256"), id="the Date header of 2021"),
        pytest.param(signed(signed_host=f"{HOST}/"), id="an endpoint with a trailing slash"),
        pytest.param(signed(host="storage.example", signed_host=HOST), id="content host apart, endpoint signed"),
        pytest.param(signed(signed_host=HOST, x_ms_host="127.0.0.1"), id="Python download: x-ms-host without port"),
        pytest.param(
            signed(host="127.0.0.1", signed_host="127.0.0.1:8080", x_ms_host="127.0.0.1"), id="port of the endpoint"
        ),
        pytest.param(signed(target=f"{CONTENT}?a=b", signed_target=CONTENT), id="JavaScript drops the query"),
        pytest.param(signed(target=f"{CONTENT}?a=b"), id="the query signed"),
        pytest.param(signed(host="localhost:9000"), id="another name of this machine"),
        pytest.param(signed(host="localhost", x_ms_host="localhost"), id="a host without a port"),
    ],
)
def test_every_form_an_official_client_signs_is_accepted(request_: SignedRequest) -> None:
    assert verdict(request_) is None


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (signed(key=base64.b64encode(b"other").decode()), Refusal.SIGNATURE),
        (signed(signed_host="evil.example", x_ms_host="evil.example"), Refusal.SIGNATURE),
        (signed(signed_target="/v1/objects/other"), Refusal.SIGNATURE),
        (signed(authorization=""), Refusal.MISSING),
        (signed(authorization="Bearer abc"), Refusal.MALFORMED),
        (signed(authorization="HMAC-SHA256 SignedHeaders=host&Signature=AAAA"), Refusal.MALFORMED),
        (signed(names="x-ms-date;host"), Refusal.MALFORMED),
        (signed(names="x-ms-date;host;host;x-ms-content-sha256"), Refusal.MALFORMED),
        (signed(names="x-ms-date;host;x-ms-content-sha256;accept"), Refusal.MALFORMED),
        (signed(date="yesterday"), Refusal.SKEWED),
        (signed(date="Mon, 01 Jun 2026 00:06:00 GMT"), Refusal.SKEWED),
        (signed(x_ms_content_sha256="***"), Refusal.BODY),
        (signed(x_ms_content_sha256=hashed(b"other")), Refusal.BODY),
        (signed(authorization=f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={'=' * 3}"),
         Refusal.SIGNATURE),
    ],
)  # fmt: skip
def test_what_is_not_signed_by_the_key_is_refused(request_: SignedRequest, reason: Refusal) -> None:
    assert verdict(request_) is reason


@pytest.mark.parametrize(("minutes", "accepted"), [(-5, True), (5, True), (-5.1, False), (5.1, False)])
def test_five_minutes_of_skew_are_allowed_either_way(minutes: float, *, accepted: bool) -> None:
    assert (verdict(signed(), now=NOW + timedelta(minutes=minutes)) is None) is accepted


def test_a_request_that_signs_both_dates_needs_both_to_be_recent() -> None:
    names = "x-ms-date;date;host;x-ms-content-sha256"
    assert verdict(signed(names=names)) is None
    assert verdict(signed(names=names, date="Mon, 01 Jun 2026 01:00:00 GMT")) is Refusal.SKEWED


@pytest.mark.parametrize("generation", ["x-ms-date", "date"])
def test_the_service_answers_a_request_signed_in_either_generation(acs: LocalAcs, generation: str) -> None:
    answer = client(acs, generation=generation).get("/calling/recordings/none", params={"api-version": API_VERSION})
    assert answer.status_code == 404


def test_a_wrong_key_is_denied_by_the_resource_provider(acs: LocalAcs) -> None:
    answer = httpx.get(f"{acs.endpoint}/calling/recordings/x?api-version=1", auth=HmacAuth(new_key()))
    assert answer.status_code == 401
    assert answer.json() == {"error": {"code": "Denied", "message": "Denied by the resource provider."}}


def test_a_skewed_clock_is_told_so(acs: LocalAcs) -> None:
    late = HmacAuth(acs.access_key, at=datetime.now(UTC) - timedelta(minutes=6))
    answer = httpx.get(f"{acs.endpoint}/calling/recordings/x?api-version=1", auth=late)
    assert answer.status_code == 401
    assert "allowed margin of 5 minutes" in answer.json()["error"]["message"]


def test_a_body_other_than_the_signed_one_fails_hmac_validation(acs: LocalAcs) -> None:
    request = httpx.Request("POST", f"{acs.endpoint}{START}", content=b"{}")
    signed_request = next(HmacAuth(acs.access_key).auth_flow(request))
    changed = httpx.post(str(request.url), headers=signed_request.headers, content=b"[]")
    assert (changed.status_code, changed.json()["error"]["code"]) == (401, "7509")


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/calling/recordings/x", {"error"}),
        ("/conversations/x/Recordings/y", {"code", "message", "target", "details"}),
        ("/recording/download/x", {"code", "message", "target", "details"}),
        (CONTENT, {"title", "status", "instance", "message", "traceId"}),
    ],
)
def test_an_unsigned_request_is_refused_in_the_shape_of_its_surface(acs: LocalAcs, path: str, shape: set[str]) -> None:
    answer = httpx.get(acs.endpoint + path)
    assert answer.status_code == 401
    assert set(answer.json()) == shape
