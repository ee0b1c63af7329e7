"""Signs requests the way ACS clients do, for tests that look at the wire themselves."""

import base64
import hashlib
import hmac
from collections.abc import Generator
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx


class HmacAuth(httpx.Auth):
    """`generation` is "x-ms-date" for today's header or "date" for that of 2021."""

    requires_request_body = True

    def __init__(self, access_key: str, *, generation: str = "x-ms-date", at: datetime | None = None) -> None:
        self._key = base64.b64decode(access_key)
        self._generation = generation
        self._at = at

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        date = format_datetime(self._at or datetime.now(UTC), usegmt=True)
        digest = base64.b64encode(hashlib.sha256(request.content).digest()).decode()
        target = request.url.raw_path.decode()
        text = f"{request.method}\n{target}\n{date};{request.headers['host']};{digest}"
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()
        request.headers[self._generation] = date
        request.headers["x-ms-content-sha256"] = digest
        request.headers["Authorization"] = (
            f"HMAC-SHA256 SignedHeaders={self._generation};host;x-ms-content-sha256&Signature={signature}"
        )
        yield request
