"""Recordings made for a test: started, left running for a moment, stopped, announced."""

import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.embedded import LocalAcs, eventually
from tests.local_acs.signing import HmacAuth

API_VERSION = "2025-06-15"
SUBSCRIPTION = "/topics/acs/eventsubscriptions/tapedeck"
_ONE_REQUEST_EACH = httpx.Limits(max_keepalive_connections=0)
"""Connections close with their response, so that no test has to close a client."""


def client(acs: LocalAcs, **auth: str) -> httpx.Client:
    """An HTTP client whose requests are signed with the service's access key."""
    return httpx.Client(
        base_url=acs.endpoint,
        auth=HmacAuth(acs.access_key, **auth),
        timeout=30,
        trust_env=False,
        limits=_ONE_REQUEST_EACH,
    )


def start_body(server_call_id: object, **fields: object) -> dict[str, object]:
    return {"callLocator": {"kind": "serverCallLocator", "serverCallId": server_call_id}, **fields}


def audio(**fields: object) -> dict[str, object]:
    """Fields of the cheapest recording there is."""
    return {"recordingContentType": "audio", "recordingChannelType": "mixed", "recordingFormatType": "wav", **fields}


class Operator:
    """Starts, pauses, resumes and stops over HTTP."""

    def __init__(self, acs: LocalAcs) -> None:
        self.acs = acs
        self.http = client(acs)

    def start(self, server_call_id: object, **fields: object) -> httpx.Response:
        body = start_body(server_call_id, **(fields or audio()))
        return self.http.post("/calling/recordings", params={"api-version": API_VERSION}, json=body)

    def started(self, **fields: object) -> str:
        """The recording id of a new recording of a new call."""
        answer = self.start(self.acs.call("Ana Silva", "Bo Chen")["serverCallId"], **(fields or audio()))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["recordingId"])

    def state_of(self, call: dict[str, object]) -> str | None:
        """The embedded service's own word for the recording of a live call, None while there is none."""
        calls = self.acs.management("GET", "/local/calls").json()
        (found,) = [item for item in calls if item["callId"] == call["callId"]]
        return found["recording"] and str(found["recording"]["state"])

    def state(self, recording_id: str) -> httpx.Response:
        return self._on("GET", recording_id)

    def stop(self, recording_id: str) -> httpx.Response:
        return self._on("DELETE", recording_id)

    def pause(self, recording_id: str) -> httpx.Response:
        return self._on("POST", f"{recording_id}:pause")

    def resume(self, recording_id: str) -> httpx.Response:
        return self._on("POST", f"{recording_id}:resume")

    def _on(self, method: str, path: str) -> httpx.Response:
        return self.http.request(method, f"/calling/recordings/{path}", params={"api-version": API_VERSION})


@dataclass(frozen=True)
class Stored:
    """One announced chunk: its ids, its URLs' paths, and where its file lies."""

    recording_id: str
    document_id: str
    media: str
    metadata: str
    remove: str
    folder: Path

    @property
    def media_file(self) -> Path:
        return next(path for path in self.folder.glob("chunk-0.*") if not path.name.endswith(".json"))


def stored_recording(acs: LocalAcs, *, seconds: float = 1.0, **fields: object) -> Stored:
    """Record a new call for some seconds and wait for its file."""
    operator = Operator(acs)
    recording_id = operator.started(**fields)
    time.sleep(seconds)
    assert operator.stop(recording_id).status_code == 204
    return announced(acs, recording_id)


def announced(acs: LocalAcs, recording_id: str) -> Stored:
    entry = eventually(lambda: _announced_entry(acs, recording_id), seconds=60, what="the announcement of the file")
    document_id = entry["stored"][0]["documentId"]
    place = f"/v1/objects/{document_id}"
    return Stored(
        recording_id=recording_id,
        document_id=document_id,
        media=f"{place}/content/video",
        metadata=f"{place}/content/acsmetadata",
        remove=place,
        folder=acs.data / "recordings" / entry["folder"],
    )


def entry_of(acs: LocalAcs, recording_id: str) -> dict[str, object]:
    recordings = acs.state()["recordings"]
    assert isinstance(recordings, list)
    found: dict[str, object] = next(item for item in recordings if item["recordingId"] == recording_id)
    return found


def _announced_entry(acs: LocalAcs, recording_id: str) -> dict[str, object] | None:
    entry = entry_of(acs, recording_id)
    return entry if entry["state"] == "announced" else None


class Queue:
    """The pull side of the topic, over plain HTTP."""

    def __init__(self, acs: LocalAcs) -> None:
        self.http = httpx.Client(
            base_url=acs.endpoint,
            headers={"Authorization": f"SharedAccessKey {acs.event_grid_key}"},
            params={"api-version": "2024-06-01"},
            timeout=150,
            trust_env=False,
            limits=_ONE_REQUEST_EACH,
        )

    def receive(self, *, most: int = 100, wait: int = 10) -> list[dict[str, object]]:
        answer = self.http.post(f"{SUBSCRIPTION}:receive", params={"maxEvents": most, "maxWaitTime": wait})
        answer.raise_for_status()
        value: list[dict[str, object]] = answer.json()["value"]
        return value

    def settle(self, operation: str, *tokens: str, **params: int) -> dict[str, object]:
        answer = self.http.post(f"{SUBSCRIPTION}:{operation}", params=params, json={"lockTokens": list(tokens)})
        answer.raise_for_status()
        document: dict[str, object] = answer.json()
        return document

    def publish(self, *ids: str) -> None:
        events = [{"specversion": "1.0", "id": i, "source": "/test", "type": "test", "data": {"id": i}} for i in ids]
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        self.http.post("/topics/acs:publish", json=events, headers=headers).raise_for_status()

    def drain(self, kind: str, *, seconds: float = 30) -> dict[str, object]:
        """Acknowledge whatever comes until an event of `kind` (the end of its type) does; that event."""

        def look() -> dict[str, object] | None:
            for item in self.receive(most=1):
                self.settle("acknowledge", token(item))
                event: dict[str, object] = item["event"]
                if event["type"].endswith(kind):
                    return event
            return None

        return eventually(look, seconds=seconds, what=kind)


def token(item: dict[str, object]) -> str:
    return str(item["brokerProperties"]["lockToken"])
