"""What a recorder is told to record: `spec.json`, written by the service before it starts the recorder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_acs import clock

SPEC_FILE = "spec.json"
_ALLOWED = {
    ("audioVideo", "mixed", "mp4"),
    ("audio", "mixed", "mp3"),
    ("audio", "mixed", "wav"),
    ("audio", "unmixed", "wav"),
}


class BadSpecError(ValueError):
    """`spec.json` or a command cannot be followed; the message names the field and what is expected."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody in the call; times in ms since 1970, `left_ms` None while they are in it."""

    participant_id: str
    display_name: str
    joined_ms: int
    left_ms: int | None = None

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> "Participant":
        """Read {"participantId", "displayName", "joinedAt", "leftAt"}; times are ISO 8601 with an offset."""
        left = document.get("leftAt")
        return cls(
            participant_id=_text(document, "participantId"),
            display_name=str(document.get("displayName") or ""),
            joined_ms=milliseconds(_text(document, "joinedAt")),
            left_ms=None if left is None else milliseconds(str(left)),
        )


@dataclass(frozen=True, slots=True)
class Spec:
    """One recording. `format` is mp4, mp3 or wav; `channel` mixed or unmixed; sizes in bytes and seconds of media."""

    recording_id: str
    call_id: str
    resource_id: str
    content: str
    channel: str
    format: str
    pause_on_start: bool
    chunk_bytes: int
    chunk_seconds: float
    media_dir: Path | None
    channel_order: tuple[str, ...]
    participants: tuple[Participant, ...]

    @classmethod
    def read(cls, directory: Path) -> "Spec":
        """Read `spec.json`; raises BadSpecError, or OSError when there is no such file."""
        try:
            document = json.loads((directory / SPEC_FILE).read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise BadSpecError(f"{directory / SPEC_FILE} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise BadSpecError(f"{directory / SPEC_FILE} is not a JSON object")
        return cls._parse(document)

    @classmethod
    def _parse(cls, document: Mapping[str, object]) -> "Spec":
        kind = (_text(document, "content"), _text(document, "channel"), _text(document, "format"))
        if kind not in _ALLOWED:
            raise BadSpecError(f"content, channel and format are {kind}; allowed are {sorted(_ALLOWED)}")
        media_dir = document.get("mediaDir")
        return cls(
            recording_id=_text(document, "recordingId"),
            call_id=_text(document, "callId"),
            resource_id=_text(document, "resourceId"),
            content=kind[0],
            channel=kind[1],
            format=kind[2],
            pause_on_start=bool(document.get("pauseOnStart", False)),
            chunk_bytes=int(_positive(document, "chunkBytes")),
            chunk_seconds=_positive(document, "chunkSeconds"),
            media_dir=Path(str(media_dir)) if media_dir else None,
            channel_order=tuple(str(one) for one in _list(document, "channelOrder")),
            participants=tuple(
                Participant.parse(one) for one in _list(document, "participants") if isinstance(one, dict)
            ),
        )


def milliseconds(text: str) -> int:
    """Turn ISO 8601 with an offset into whole ms since 1970; raises BadSpecError."""
    try:
        return round(clock.parse(text).timestamp() * 1000)
    except ValueError as error:
        raise BadSpecError(f"{text!r} is not a time with an offset, such as 2021-03-24T18:52:14.132Z") from error


def moment(wall_ms: int) -> datetime:
    """Turn ms since 1970 into an aware datetime."""
    return datetime.fromtimestamp(wall_ms // 1000, UTC).replace(microsecond=wall_ms % 1000 * 1000)


def _text(document: Mapping[str, object], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise BadSpecError(f"{field} is {value!r}; expected is a text that is not empty")
    return value


def _positive(document: Mapping[str, object], field: str) -> float:
    value = document.get(field)
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise BadSpecError(f"{field} is {value!r}; expected is a number above 0")
    return value


def _list(document: Mapping[str, object], field: str) -> list[object]:
    value = document.get(field) or []
    if not isinstance(value, list):
        raise BadSpecError(f"{field} is {value!r}; expected is a list")
    return value
