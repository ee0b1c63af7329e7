"""Verifies ACS HMAC-SHA256 signatures, written from the public specification.

    StringToSign = VERB \\n PATH_AND_QUERY \\n date;host;content-hash

Source: azure-docs "Sign an HTTP request" (communication-services/tutorials/hmac-header-tutorial.md). The third line
follows the list in SignedHeaders, so both header generations verify: x-ms-date today, Date in 2021. What the official
SDKs put into path and host differs by operation and language; `_hosts` and `_paths` list every accepted form.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from urllib.parse import urlsplit

ALLOWED_SKEW = timedelta(minutes=5)
_AUTHORIZATION = re.compile(r"HMAC-SHA256 +SignedHeaders=([^&]+)&Signature=([A-Za-z0-9+/=]+)", re.ASCII)
_DATE_HEADERS = ("x-ms-date", "date")
_HASH_HEADER = "x-ms-content-sha256"
_SIGNABLE = {*_DATE_HEADERS, _HASH_HEADER, "host"}


class Refusal(Enum):
    MISSING = "missing"
    MALFORMED = "malformed"
    SKEWED = "skewed"
    BODY = "body"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """`target` is the path and query as sent, `headers` have lower-case names."""

    method: str
    target: str
    headers: Mapping[str, str]
    body_sha256: bytes


def refusal(request: SignedRequest, *, access_key: str, endpoint: str, now: datetime) -> Refusal | None:
    """Why `request` is not signed with `access_key` (base64 text), or None when it is."""
    authorization = request.headers.get("authorization", "")
    if not authorization:
        return Refusal.MISSING
    parsed = _AUTHORIZATION.fullmatch(authorization.strip())
    if parsed is None:
        return Refusal.MALFORMED
    names = [name.strip().lower() for name in parsed[1].split(";")]
    if not _is_complete(names, request.headers):
        return Refusal.MALFORMED
    if not _is_recent(names, request.headers, now):
        return Refusal.SKEWED
    if not hmac.compare_digest(_octets(request.headers[_HASH_HEADER]), request.body_sha256):
        return Refusal.BODY
    return None if _matches(request, names, _octets(parsed[2]), access_key, endpoint) else Refusal.SIGNATURE


def signature(access_key: str, string_to_sign: str) -> bytes:
    return hmac.digest(base64.b64decode(access_key), string_to_sign.encode(), "sha256")


def _is_complete(names: list[str], headers: Mapping[str, str]) -> bool:
    dated = sum(name in names for name in _DATE_HEADERS)
    return (
        len(set(names)) == len(names)
        and set(names) <= _SIGNABLE
        and dated >= 1
        and {"host", _HASH_HEADER} <= set(names)
        and all(name in headers for name in names)
    )


def _is_recent(names: list[str], headers: Mapping[str, str], now: datetime) -> bool:
    for name in (name for name in _DATE_HEADERS if name in names):
        try:
            moment = parsedate_to_datetime(headers[name])
        except (ValueError, TypeError, OverflowError):
            return False
        if abs((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now) > ALLOWED_SKEW:
            return False
    return True


def _matches(request: SignedRequest, names: list[str], given: bytes, access_key: str, endpoint: str) -> bool:
    matched = False
    for path in _paths(request.target):
        for host in _hosts(request.headers, endpoint):
            values = ";".join(host if name == "host" else request.headers[name] for name in names)
            expected = signature(access_key, f"{request.method}\n{path}\n{values}")
            # No early exit: the time taken must not tell which form came close.
            matched |= hmac.compare_digest(expected, given)
    return matched


def _paths(target: str) -> Iterator[str]:
    yield target
    # The JavaScript SDK drops the query of a content URL before it signs.
    if "?" in target:
        yield target.partition("?")[0]


def _hosts(headers: Mapping[str, str], endpoint: str) -> Iterator[str]:
    """Every host a client of this resource may have signed, itself and with the slash of a trailing-slash endpoint.

    Only names of this resource count (its endpoint, and the host the request was sent to); x-ms-host, which the SDKs
    add to downloads, must be one of them, so that a signature made for another resource is worth nothing here.
    """
    own = urlsplit(endpoint)
    host = headers.get("host", "")
    named = {own.netloc, own.hostname or "", host, host.rpartition(":")[0] or host}
    candidates = [own.netloc, own.hostname or "", host]
    sent = headers.get("x-ms-host", "").rstrip("/")
    if sent in named:
        candidates += [sent, f"{sent}:{own.port}" if own.port else sent]
        _, colon, port = host.rpartition(":")
        candidates += [f"{sent}:{port}"] if colon else []
    for candidate in dict.fromkeys(filter(None, candidates)):
        yield candidate
        yield candidate + "/"


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def sha256(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
