"""Refusals a client sees, with the documented sub-codes.

Sources: azure-docs communication-services/includes/codes/call-automation-sdk.md (codes), recorded live answers in
azure-sdk-for-js communication-calling-server (8522, 8527, BadRequest), azure-sdk-for-java issue 32963 (9999).
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType


class Problem(Exception):
    """`status` is the HTTP status, `code` the service's own sub-code, `message` the text a person reads."""

    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def invalid_argument(message: str) -> Problem:
    return Problem(400, "8523", f"Invalid argument: {message}.")


def missing_api_version() -> Problem:
    return Problem(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required.")


def relative_callback() -> Problem:
    return Problem(400, "BadRequest", "")


def unknown_call() -> Problem:
    return Problem(400, "8527", "Invalid join identity, cannot join call.")


def call_ended() -> Problem:
    return Problem(400, "8528", "Call has already been terminated.")


def already_recording() -> Problem:
    return Problem(400, "8559", "Recording is already in progress, one recording can be active at one time.")


def wrong_format() -> Problem:
    return Problem(400, "8557", "Wrong format type for this content and channel type.")


def wrong_mode() -> Problem:
    return Problem(400, "8562", "Recording mode not supported: audioVideo can only be recorded mixed.")


def recording_not_found() -> Problem:
    return Problem(404, "8522", "Recording not found.")


def method_not_allowed_in_state(status: int) -> Problem:
    """Pausing what is paused or resuming what is active; which pair the real service answers is not documented."""
    if status == HTTPStatus.CONFLICT:
        return Problem(409, "8571", "Recording operation conflict.")
    return Problem(400, "8573", "Pause or resume method not allowed in the current state.")


def unsupported_method() -> Problem:
    return Problem(405, "8520", "Method not allowed.")


def no_such_resource() -> Problem:
    return Problem(404, "NotFound", "The requested resource does not exist.")


def denied() -> Problem:
    return Problem(401, "Denied", "Denied by the resource provider.")


def body_hash_mismatch() -> Problem:
    return Problem(401, "7509", "Hmac Validation Error.")


def clock_skew() -> Problem:
    return Problem(
        401,
        "Denied",
        "The time difference between the originating client and the server is greater than the allowed margin of"
        " 5 minutes.",
    )


def too_large(limit: int) -> Problem:
    return Problem(413, "RequestEntityTooLarge", f"The request body is larger than {limit} bytes.")


def unknown_internal_error() -> Problem:
    return Problem(500, "9999", "Unknown internal server error.")


def unavailable() -> Problem:
    return Problem(503, "ServiceUnavailable", "The service is temporarily unavailable.")
