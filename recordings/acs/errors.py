"""What can go wrong between Tapedeck and the service, in one tree.

    AcsError                  every one of them; `retryable` says whether the same request may succeed later
     +- Unreachable           no answer: no connection, a timeout, or a connection that broke (`sent` tells which)
     +- CredentialsRefused    401 or 403: the access key, its rights, or this machine's clock
     +- NotFound              404; `code` is empty when the answer does not come from the recording service itself
     +- Refused               400, 405, 409, 412 and other 4xx: the service understood and said no
     |   +- RangeRefused      416: the bytes asked for lie beyond the end; `total` is the real size
     +- Throttled             429; `retry_after` seconds when the service says so
     +- ServiceFault          5xx: proves nothing about the recording
     +- HostNotAllowed        the address is outside the allowed hosts; nothing was sent
     +- BadAnswer             an answer that cannot be what was asked for: HTML, no JSON, no bytes, a redirect

A message is a sentence or two for an operator: what happened, and what to do.
Codes and their meaning: azure-docs, includes/codes/call-automation-sdk.md.
"""

_SENTENCES = {
    "8501": "The call is not established yet. Start again once people are in it.",
    "8506": "Recording of this call is not authorised by its compliance settings.",
    "8519": "Another request for this recording is under way. Try again in a moment.",
    "8522": "The service no longer knows this recording: it has ended.",
    "8523": "The service finds an argument of the request invalid.",
    "8524": "Recording of this Teams call is not authorised.",
    "8525": "Recording of this Teams call is not authorised.",
    "8527": "The service does not know this call. Check the server call id; the call may have ended.",
    "8528": "The call has ended already.",
    "8553": "This call is being recorded already.",
    "8557": "The service does not make this file format of this kind of recording.",
    "8559": "This call is being recorded already.",
    "8562": "The service does not support this kind of recording.",
    "8571": "Another operation on this recording is under way. Try again in a moment.",
    "8573": "The recording is not in a state in which it can be paused or resumed.",
    "8583": "The recording changed in the meantime. Look at its state and try again.",
    "8589": "The service is limiting how many recordings may start. Try again in a moment.",
    "7504": "The access key lacks the right to this call.",
    "7507": "The access key lacks the right to this resource's calls.",
    "7605": "Recording of this Teams call is not authorised.",
}


class AcsError(Exception):
    """A request to the service that did not bring what was asked for."""

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retryable: bool,
        http_status: int | None = None,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.retryable = retryable
        self.http_status = http_status
        self.code = code
        self.retry_after = retry_after


class Unreachable(AcsError):
    """No whole answer came. With `sent`, the request may have been carried out all the same."""

    def __init__(self, message: str, *, sent: bool, kind: str = "unreachable") -> None:
        super().__init__(message, kind=kind, retryable=True)
        self.sent = sent


class CredentialsRefused(AcsError):
    """The service does not accept the access key, or the settings hold none."""

    def __init__(self, message: str, *, http_status: int | None = None, code: str = "") -> None:
        super().__init__(message, kind="credentials_refused", retryable=False, http_status=http_status, code=code)


class NotFound(AcsError):
    """The service does not know what was asked for."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message, kind="not_found", retryable=False, http_status=404, code=code)

    @property
    def proves_absence(self) -> bool:
        """Whether the recording service itself said so, rather than a proxy or a wrong path."""
        return bool(self.code)


class Refused(AcsError):
    """The service understood the request and will not do it."""

    def __init__(self, message: str, *, http_status: int, code: str = "") -> None:
        super().__init__(message, kind="refused", retryable=False, http_status=http_status, code=code)


class RangeRefused(Refused):
    """The asked range begins at or after the end. `total` is the size in bytes, when the service states it."""

    def __init__(self, message: str, *, total: int | None) -> None:
        super().__init__(message, http_status=416)
        self.total = total


class Throttled(AcsError):
    """Too many requests; `retry_after` is in seconds."""

    def __init__(self, message: str, *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, kind="throttled", retryable=True, http_status=429, code=code, retry_after=retry_after)


class ServiceFault(AcsError):
    """The service failed on its side. Whether the request was carried out is unknown."""

    def __init__(self, message: str, *, http_status: int, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(
            message,
            kind="service_fault",
            retryable=True,
            http_status=http_status,
            code=code,
            retry_after=retry_after,
        )


class HostNotAllowed(AcsError):
    """The address is not one that the access key may be used with. Nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="host_not_allowed", retryable=False)


class BadAnswer(AcsError):
    """Something answered, but not as the recording service does."""

    def __init__(self, message: str, *, http_status: int | None = None, retryable: bool = True) -> None:
        super().__init__(message, kind="bad_answer", retryable=retryable, http_status=http_status)


def sentence(code: str, *, told: str = "") -> str:
    """What error `code` means for an operator; `told` is the service's own text, kept for unknown codes."""
    if known := _SENTENCES.get(code):
        return known
    said = " ".join(part for part in (told.strip(), f"(code {code})" if code else "") if part)
    return f"The service refused: {said}" if said else "The service refused and gave no reason."
