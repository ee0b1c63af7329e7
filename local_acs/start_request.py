"""StartCallRecordingRequest: what a client may ask for, checked.

Source: Azure REST API spec CallAutomation 2026-03-12, definition StartCallRecordingRequest; the table of supported
content, channel and format types in the call recording overview.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from local_acs import problems
from local_acs.documents import Json, JsonObject

UNMIXED_CHANNELS = 5
_LOCATORS = {
    "serverCallLocator": "serverCallId",
    "groupCallLocator": "groupCallId",
    "roomCallLocator": "roomId",
}
_FORMATS = {
    ("audioVideo", "mixed"): ("mp4",),
    ("audio", "mixed"): ("mp3", "wav"),
    ("audio", "unmixed"): ("wav",),
}


@dataclass(frozen=True, slots=True)
class CallReference:
    """`field` is serverCallId, groupCallId, roomId or callConnectionId."""

    field: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StartRequest:
    """`channel_order` holds participant ids by channel number; an empty text is a channel left to whoever is next."""

    call: CallReference
    callback_uri: str | None = None
    content: str = "audioVideo"
    channel: str = "mixed"
    format: str = "mp4"
    pause_on_start: bool = False
    channel_order: tuple[str, ...] = ()


def parse_start(document: JsonObject) -> StartRequest:
    """Raises Problem with the documented status and sub-code for whatever cannot be started."""
    call = _call(document)
    callback_uri = checked_callback(_text(document, "recordingStateCallbackUri"))
    content, channel, file_format = _media(document)
    _check_storage(document.get("externalStorage"))
    pause_on_start = document.get("pauseOnStart")
    if pause_on_start is not None and not isinstance(pause_on_start, bool):
        raise problems.invalid_argument("pauseOnStart must be true or false")
    return StartRequest(
        call=call,
        callback_uri=callback_uri,
        content=content,
        channel=channel,
        format=file_format,
        pause_on_start=bool(pause_on_start),
        channel_order=_channel_order(document, channel),
    )


def checked_callback(uri: str | None) -> str | None:
    """The URI when it is absolute; the live service answers a relative one with BadRequest and an empty message."""
    if uri is None:
        return None
    try:
        parts = urlsplit(uri)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise problems.relative_callback()
    return uri


def _call(document: JsonObject) -> CallReference:
    locator, connection = document.get("callLocator"), _text(document, "callConnectionId")
    if (locator is None) == (connection is None):
        raise problems.invalid_argument("exactly one of callLocator and callConnectionId is required")
    if connection is not None:
        return CallReference("callConnectionId", connection)
    if not isinstance(locator, dict):
        raise problems.invalid_argument("callLocator must be an object")
    kind = _text(locator, "kind")
    if kind is not None and kind not in _LOCATORS:
        raise problems.invalid_argument(f"callLocator.kind must be one of {', '.join(_LOCATORS)}")
    fields = [_LOCATORS[kind]] if kind else [field for field in _LOCATORS.values() if locator.get(field)]
    value = _text(locator, fields[0]) if len(fields) == 1 else None
    if not value:
        raise problems.invalid_argument("callLocator must name one call by the field its kind asks for")
    return CallReference(fields[0], value)


def _media(document: JsonObject) -> tuple[str, str, str]:
    """Nothing asked for means mixed audioVideo mp4; a part asked for completes itself to a supported whole."""
    content = _word(document, "recordingContentType", ("audio", "audioVideo"))
    channel = _word(document, "recordingChannelType", ("mixed", "unmixed")) or "mixed"
    file_format = _word(document, "recordingFormatType", ("wav", "mp3", "mp4"))
    content = content or ("audio" if file_format in ("wav", "mp3") or channel == "unmixed" else "audioVideo")
    allowed = _FORMATS.get((content, channel))
    if allowed is None:
        raise problems.wrong_mode()
    file_format = file_format or allowed[0]
    if file_format not in allowed:
        raise problems.wrong_format()
    return content, channel, file_format


def _check_storage(storage: Json) -> None:
    if storage is None:
        return
    kind = _text(storage, "recordingStorageKind") if isinstance(storage, dict) else None
    if not isinstance(storage, dict) or kind not in ("azureCommunicationServices", "azureBlobStorage"):
        raise problems.invalid_argument("externalStorage.recordingStorageKind is not a known kind")
    if kind == "azureBlobStorage" and not _text(storage, "recordingDestinationContainerUrl"):
        raise problems.invalid_argument("azureBlobStorage needs recordingDestinationContainerUrl")


def _channel_order(document: JsonObject, channel: str) -> tuple[str, ...]:
    ordered = [_participant(item) for item in _list(document, "audioChannelParticipantOrdering")]
    pinned = dict(_pinned(item) for item in _list(document, "channelAffinity"))
    if pinned and channel != "unmixed":
        raise problems.invalid_argument("channelAffinity is for unmixed recordings")
    queue = [who for who in ordered if who not in pinned.values()]
    order = [
        pinned[number] if number in pinned else queue.pop(0) if queue else "" for number in range(UNMIXED_CHANNELS)
    ]
    while order and not order[-1]:
        order.pop()
    return tuple(order)


def _pinned(item: Json) -> tuple[int, str]:
    number = item.get("channel") if isinstance(item, dict) else None
    if not isinstance(item, dict) or isinstance(number, bool) or not isinstance(number, int):
        raise problems.invalid_argument("channelAffinity needs a channel number and a participant")
    if not 0 <= number < UNMIXED_CHANNELS:
        raise problems.invalid_argument(f"a channel is a number from 0 to {UNMIXED_CHANNELS - 1}")
    return number, _participant(item.get("participant"))


def _participant(item: Json) -> str:
    """The raw id of a CommunicationIdentifierModel; Python's SDK omits `kind`, JavaScript's sends it."""
    if not isinstance(item, dict):
        raise problems.invalid_argument("a participant must be a communication identifier")
    candidates: list[Json] = [item.get("rawId")]
    for name, field in (("communicationUser", "id"), ("phoneNumber", "value"), ("microsoftTeamsUser", "userId")):
        inner = item.get(name)
        candidates.append(inner.get(field) if isinstance(inner, dict) else None)
    for candidate in candidates:
        if isinstance(candidate, str) and candidate:
            return candidate
    raise problems.invalid_argument("a communication identifier needs a rawId or an id of its kind")


def _list(document: JsonObject, field: str) -> list[Json]:
    value = document.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise problems.invalid_argument(f"{field} must be a list")
    return value


def _text(document: JsonObject, field: str) -> str | None:
    value = document.get(field)
    if value is not None and not isinstance(value, str):
        raise problems.invalid_argument(f"{field} must be text")
    return value


def _word(document: JsonObject, field: str, allowed: tuple[str, ...]) -> str | None:
    """Enum words compare without case: SDK releases have differed in it (rest-api-specs pull request 15618)."""
    value = _text(document, field)
    if value is None:
        return None
    for word in allowed:
        if word.lower() == value.lower():
            return word
    raise problems.invalid_argument(f"{field} must be one of {', '.join(allowed)}")
