"""The only user of the embedded service's own management surface, `/local/`, which Azure does not have."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from django.conf import settings

from recordings.acs import errors
from recordings.acs.http import Door
from recordings.acs.signing import host_of


@dataclass(frozen=True, kw_only=True)
class LocalParticipant:
    """Somebody in a call of the embedded service; `raw_id` is an ACS-style id."""

    raw_id: str
    display_name: str
    joined_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class LocalCall:
    """A live call of the embedded service."""

    server_call_id: str
    started_at: datetime | None
    participants: tuple[LocalParticipant, ...]


def answers() -> bool:
    """Whether the service is up."""
    try:
        _send("GET", "/local/health")
    except errors.AcsError:
        return False
    return True


def calls() -> list[LocalCall]:
    """The live calls, oldest first as the service lists them."""
    return [_call(entry) for entry in _objects(_send("GET", "/local/calls"))]


def start_call(*, names: tuple[str, ...] = ()) -> LocalCall:
    """Starts a call between people of these names; the service chooses them when none are given."""
    body: dict[str, object] = {"participants": list(names)} if names else {}
    return _call(_send("POST", "/local/calls", body=body))


def end_call(server_call_id: str) -> None:
    """Ends a call; raises NotFound when it has ended already."""
    _send("DELETE", f"/local/calls/{quote(server_call_id, safe='')}")


def _send(method: str, path: str, *, body: dict[str, object] | None = None) -> object:
    """The JSON of the answer, None when it has no body."""
    if not settings.TAPEDECK_EMBEDDED:
        raise errors.HostNotAllowed("Only the embedded service has this; a real resource is connected.")
    door = Door(hosts=(host_of(settings.LOCAL_ACS_ENDPOINT),), authorise=_authorise)
    headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {})
    data = b"" if body is None else json.dumps(body).encode()
    response = door.send(method, settings.LOCAL_ACS_ENDPOINT + path, body=data, headers=headers)
    return response.json() if response.body else None


def _authorise(method: str, url: str, body: bytes) -> dict[str, str]:  # noqa: ARG001 - this key signs nothing
    return {"Authorization": f"SharedAccessKey {settings.LOCAL_ACS_MANAGEMENT_KEY}"}


def _objects(document: object) -> list[object]:
    if not isinstance(document, list):
        raise errors.BadAnswer("The embedded service answered with JSON of another shape.")
    return document


def _call(entry: object) -> LocalCall:
    fields = _fields(entry)
    people = fields.get("participants")
    return LocalCall(
        server_call_id=_text(fields, "serverCallId"),
        started_at=_time(fields.get("startedAt")),
        participants=tuple(_participant(person) for person in people) if isinstance(people, list) else (),
    )


def _participant(entry: object) -> LocalParticipant:
    fields = _fields(entry)
    return LocalParticipant(
        raw_id=_text(fields, "participantId"),
        display_name=str(fields.get("displayName") or ""),
        joined_at=_time(fields.get("joinedAt")),
    )


def _fields(entry: object) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise errors.BadAnswer("The embedded service answered with JSON of another shape.")
    return entry


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise errors.BadAnswer(f"The embedded service left out {name}.")
    return value


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
