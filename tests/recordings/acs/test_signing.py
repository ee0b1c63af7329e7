"""Signatures equal those of the official SDKs."""

import json
from datetime import UTC, datetime

import pytest

from recordings.acs.signing import host_of, signature_headers
from tests.recordings.acs.connected import KEY

AT = datetime(2026, 6, 1, tzinfo=UTC)


def _signature(headers):
    return headers["Authorization"].partition("&Signature=")[2]


def test_a_start_is_signed_as_the_official_python_sdk_signs_it():
    body = json.dumps(
        {"callLocator": {"serverCallId": "c2VydmVy", "kind": "serverCallLocator"}}, separators=(",", ":")
    ).encode()
    headers = signature_headers(
        method="POST",
        url="http://127.0.0.1:8080/calling/recordings?api-version=2026-03-12",
        body=body,
        access_key=KEY,
        at=AT,
    )
    assert headers["x-ms-date"] == "Mon, 01 Jun 2026 00:00:00 GMT"
    assert headers["x-ms-content-sha256"] == "6jeN4NiaYykRjTlwRtH4ow+2tWxPSJ9R/t2WamiC1rI="
    assert _signature(headers) == "Etfa/H9IB13G+M69ARvHr5K6+vnRj6RsjQBOCNbk3N4="


def test_content_is_signed_for_the_endpoint_and_not_for_the_host_that_keeps_it():
    headers = signature_headers(
        method="GET",
        url="https://us-storage.asm.skype.com/v1/objects/0-eus-d1-0123456789abcdef0123456789abcdef/content/video",
        body=b"",
        access_key=KEY,
        at=AT,
        signed_host="127.0.0.1:8080",
    )
    assert _signature(headers) == "zc/8WzjECfbzXGa7SyoutNBEvfqjIwWz7F2R/3M6nHo="


def test_a_request_of_2021_carries_its_date_in_the_date_header():
    headers = signature_headers(
        method="GET", url="https://a.test/x", body=b"", access_key=KEY, at=AT, date_header="Date"
    )
    assert headers["Date"] == "Mon, 01 Jun 2026 00:00:00 GMT"
    assert "SignedHeaders=date;host;x-ms-content-sha256&" in headers["Authorization"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Acs.Example.com/x", "acs.example.com"),
        ("https://acs.example.com:443/x", "acs.example.com"),
        ("https://acs.example.com:8443", "acs.example.com:8443"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("http://[::1]:8801/", "[::1]:8801"),
    ],
)
def test_the_signed_host_is_what_the_host_header_will_say(url, host):
    assert host_of(url) == host
