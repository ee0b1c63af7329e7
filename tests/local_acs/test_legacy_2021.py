"""The surface the documentation of April 2021 describes, from start to download."""

import base64
import time
from collections.abc import Callable

import pytest

from tests.embedded import LocalAcs
from tests.local_acs.recorded import Queue, Stored, client


@pytest.mark.parametrize(
    ("prefix", "recordings", "pausing", "resuming"),
    [
        ("/conversations", "Recordings", "Pause", "Resume"),
        ("/calling/conversations", "recordings", "pause", "resume"),
    ],
)
def test_a_recording_is_controlled_under_its_conversation(
    acs: LocalAcs, prefix: str, recordings: str, pausing: str, resuming: str
) -> None:
    http = client(acs, generation="date")
    conversation_url = base64.urlsafe_b64decode(str(acs.call()["serverCallId"]) + "===").decode()
    assert conversation_url.startswith("https://")
    conversation = base64.urlsafe_b64encode(conversation_url.encode()).decode()
    place = f"{prefix}/{conversation}/{recordings}"
    started = http.post(place, json={"operationContext": "x", "recordingStateCallbackUri": "http://127.0.0.1:9/"})
    assert (started.status_code, set(started.json())) == (200, {"recordingId"})
    one = f"{place}/{started.json()['recordingId']}"
    seen = [http.get(one).json()]
    for step in (pausing, resuming):
        assert http.post(f"{one}/{step}").status_code == 200
        seen.append(http.get(one).json())
    assert seen == [{"recordingState": state} for state in ("active", "inactive", "active")]
    assert http.delete(one).status_code == 200
    gone = http.delete(one)
    assert (gone.status_code, gone.json()["code"]) == (404, "404")


def test_an_unknown_conversation_is_a_flat_400(acs: LocalAcs) -> None:
    answer = client(acs, generation="date").post("/conversations/bm9uZQ/Recordings", json={})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "400",
        "message": "Invalid join identity, cannot join call.",
        "target": None,
        "details": [None],
    }


@pytest.mark.parametrize("body", [{"recordingStateCallbackUri": 5}, {"recordingStateCallbackUri": "relative"}, []])
def test_a_bad_body_is_a_flat_400(acs: LocalAcs, body: object) -> None:
    answer = client(acs).post(f"/conversations/{acs.call()['serverCallId']}/Recordings", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "400")


def test_media_and_metadata_are_downloaded_by_document_id(acs: LocalAcs, stored: Stored) -> None:
    http = client(acs, generation="date")
    place = f"/recording/download/{stored.document_id}"
    media = http.get(place, params={"api-version": "2021-04-15-preview1"}, headers={"Range": "bytes=0-99"})
    assert (media.status_code, media.content) == (206, stored.media_file.read_bytes()[:100])
    metadata = http.get(f"{place}/metadata")
    assert metadata.headers["content-type"].startswith("application/json")
    assert metadata.json()["chunkDocumentId"] == stored.document_id


def test_downloads_of_nothing_answer_flat_404_and_400(acs: LocalAcs) -> None:
    http = client(acs)
    gone = http.get("/recording/download/0-eus-d1-0123456789abcdef0123456789abcdef")
    assert (gone.status_code, gone.json()["code"]) == (404, "404")
    assert http.get("/recording/download/nonsense/metadata").status_code == 400


def test_the_document_runs_end_to_end_with_its_own_event(start_acs: Callable[..., LocalAcs]) -> None:
    acs = start_acs(LOCAL_ACS_EVENT_PROFILE="2021-04", LOCAL_ACS_RETENTION_SECONDS="172800")
    http, call = client(acs, generation="date"), acs.call("Ana Silva")
    place = f"/conversations/{call['serverCallId']}/Recordings"
    recording_id = http.post(place, json={}).json()["recordingId"]
    time.sleep(1)
    http.delete(f"{place}/{recording_id}")
    event = Queue(acs).drain("RecordingFileStatusUpdated")
    assert event["subject"] == f"/recording/call/{call['callId']}"
    assert set(event["data"]) == {
        "recordingStorageInfo", "recordingStartTime", "recordingDurationMs", "sessionEndReason"
    }  # fmt: skip
    (chunk,) = event["data"]["recordingStorageInfo"]["recordingChunks"]
    assert set(chunk) == {"documentId", "index", "endReason"}
    media = http.get(f"/recording/download/{chunk['documentId']}")
    assert (media.status_code, media.headers["content-type"]) == (200, "video/mp4")
    assert b"ftyp" in media.content[:16]
    assert http.get(f"/recording/download/{chunk['documentId']}/metadata").json()["callId"] == call["callId"]
