"""Reads an answer's status and error body into one of `errors`.

Three shapes of error bodies are in use: nested `{"error": {"code", "message"}}` since 2021-09, flat
`{"code", "message"}` before (Azure REST API specs, CallAutomation and CallingServer), and
`{"title", "status", "message"}` of the content host. Some answers carry HTML or nothing at all (azure-sdk-for-js,
issue 33764).
"""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus

from recordings.acs import errors

_RIGHTS_ON_ONE_CALL = frozenset({"7504", "7507", "7605", "8506", "8524", "8525"})
"""Codes that come with 403 and speak of one call, not of the access key as such."""


def of(status: int, headers: Mapping[str, str], body: bytes) -> errors.AcsError | None:
    """What an answer amounts to; None for a 2xx."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    code, told = _said(body)
    if status < HTTPStatus.BAD_REQUEST:
        return errors.BadAnswer(
            f"The service answered with status {status} and would lead elsewhere; the access key is not sent there."
            " Check that the endpoint is written exactly as Azure shows it.",
            http_status=status,
            retryable=False,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        said = ": ".join(part for part in (code, told) if part)
        detail = f" ({said})" if said else ""
        return errors.ServiceFault(
            f"The service failed with status {status}{detail}. It is tried again.",
            http_status=status,
            code=code,
            retry_after=_retry_after(headers),
        )
    return _client_error(status, headers, code, told, is_json=bool(code or told) or not body.strip())


def _client_error(status: int, headers: Mapping[str, str], code: str, told: str, *, is_json: bool) -> errors.AcsError:
    error: errors.AcsError
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN if code not in _RIGHTS_ON_ONE_CALL:
            error = errors.CredentialsRefused(_why_refused(told, code), http_status=status, code=code)
        case HTTPStatus.NOT_FOUND:
            known = errors.sentence(code) if code == "8522" else "The service does not have what was asked for (404)."
            error = errors.NotFound(known, code=code)
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            total = _total(headers.get("Content-Range", ""))
            error = errors.RangeRefused("The service has no bytes at that position.", total=total)
        case HTTPStatus.TOO_MANY_REQUESTS:
            message = "The service limits the number of requests. It is tried again."
            error = errors.Throttled(message, code=code, retry_after=_retry_after(headers))
        case HTTPStatus.REQUEST_TIMEOUT:
            error = errors.ServiceFault("The service gave up waiting (408). It is tried again.", http_status=status)
        case _ if not is_json:
            message = f"The service answered {status} with a page instead of a reason."
            error = errors.BadAnswer(message, http_status=status)
        case _:
            error = errors.Refused(errors.sentence(code, told=told), http_status=status, code=code)
    return error


def _why_refused(told: str, code: str) -> str:
    detail = f" It says: {told}" if told else ""
    if "time difference" in told.lower():
        return f"The service refuses the signature because this machine's clock is off. Set the clock.{detail}"
    shown = f" ({code})" if code and not told else ""
    return f"The service refuses the access key{shown}. Check ACS_ENDPOINT and ACS_ACCESS_KEY.{detail}"


def _said(body: bytes) -> tuple[str, str]:
    """Code and message of an error body; empty texts when it has none."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        document = document["error"]
    if not isinstance(document, dict):
        return "", ""
    return _text(document.get("code")), _text(document.get("message") or document.get("title"))


def _text(value: object) -> str:
    return str(value)[:500] if isinstance(value, str | int) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, when the header gives a plausible number of them; its date form is not used by the service."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _total(content_range: str) -> int | None:
    total = content_range.rpartition("/")[2].strip()
    return int(total) if total.isdecimal() else None
