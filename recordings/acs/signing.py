"""Signs requests with the resource's access key (HMAC-SHA256).

    StringToSign = VERB \\n PATH_AND_QUERY \\n <date>;<host>;<base64 SHA-256 of the body>

Source: azure-docs, communication-services/tutorials/hmac-header-tutorial.md. Clients of 2021 wrote the date as `Date`
(botframework-telephony, telephony-recording-download-function); today's SDKs write `x-ms-date`.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from email.utils import format_datetime
from typing import Literal
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

DateHeader = Literal["x-ms-date", "Date"]


def signature_headers(
    *,
    method: str,
    url: str,
    body: bytes,
    access_key: str,
    at: datetime,
    signed_host: str | None = None,
    date_header: DateHeader = "x-ms-date",
) -> dict[str, str]:
    """The headers that authenticate one request.

    `url` is exactly what goes over the wire, `access_key` is base64 text, `at` is aware UTC. `signed_host` is the host
    to sign when it differs from the one of `url`: content is fetched from a storage host, but signed for the resource's
    own endpoint (azure-communication-callautomation, `_content_downloader`).
    """
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    date = format_datetime(at, usegmt=True)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = f"{method.upper()}\n{target}\n{date};{signed_host or host_of(url)};{digest}"
    mac = hmac.new(base64.b64decode(access_key), text.encode(), hashlib.sha256).digest()
    names = f"{date_header.lower()};host;x-ms-content-sha256"
    return {
        date_header: date,
        "x-ms-content-sha256": digest,
        "Authorization": f"HMAC-SHA256 SignedHeaders={names}&Signature={base64.b64encode(mac).decode()}",
    }


def host_of(url: str) -> str:
    """Host and port of `url` as the `Host` header writes them: lower case, the scheme's own port left out."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    if parts.port is None or parts.port == DEFAULT_PORTS.get(parts.scheme):
        return host
    return f"{host}:{parts.port}"
