"""The service as documented in April 2021: its control paths, its event, its two download addresses, its 48 hours.

Source: azure-docs, concepts/voice-video-calling/call-recording.md of 2021-04-13.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import sleep

import httpx
import pytest

from tests.decoding import assert_covers
from tests.flows.operator import Operator
from tests.local_acs.signing import HmacAuth
from tests.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("seed")]

TWO_DAYS = timedelta(hours=48)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environ = {
        "LOCAL_ACS_LIVE_CALLS": "0",
        "LOCAL_ACS_EVENT_DELAY_SECONDS": "0.2",
        "LOCAL_ACS_EVENT_PROFILE": "2021-04",
        "LOCAL_ACS_RETENTION_SECONDS": "172800",
    }
    with Stack(tmp_path_factory.mktemp("seed"), environ=environ) as running:
        yield running


@pytest.fixture
def software(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody's program of 2021: signs with the Date header and knows nothing of Tapedeck."""
    auth = HmacAuth(stack.access_key, generation="date")
    with httpx.Client(base_url=stack.local_acs_url, auth=auth, timeout=15, trust_env=False) as client:
        yield client


def test_what_a_program_of_2021_records_is_retrieved_through_the_addresses_of_2021(stack, software, tmp_path):
    recording = _record_with_a_pause(stack, software)
    with Operator(stack) as operator:
        shown = operator.await_page(
            "/library/", lambda page: page.soup.select("tr[id^=l-] .is-secured"), within=40, what="secured"
        )
        page = operator.open(shown.soup.select("a.row-link")[0]["href"])
        media = operator.fetch(str(page.soup.select("video[src]")[0]["src"]), tmp_path / "recording.mp4")
        assert operator.ledger()["balanced"] is True
    documents, start_time, duration_ms, expires_at = _stored(stack)
    assert expires_at == start_time + timedelta(milliseconds=duration_ms) + TWO_DAYS
    metadata = software.get(f"/recording/download/{documents[0]}/metadata").raise_for_status().json()
    began, interval = datetime.fromisoformat(metadata["chunkStartTime"]), metadata["pauseResumeIntervals"][0]
    paused = datetime.fromisoformat(interval["startTime"])
    pause = timedelta(milliseconds=interval["duration"])
    ended = began + timedelta(milliseconds=metadata["chunkDuration"]) + pause
    assert_covers(media, started=began, ended=ended, pauses=[(paused, paused + pause)])
    assert software.get(recording).status_code == 404


def _record_with_a_pause(stack: Stack, software: httpx.Client) -> str:
    call = stack.local("POST", "/local/calls", {"participants": ["Ada Byron", "Grace Hopper"]})
    conversation = f"/conversations/{call['serverCallId']}/Recordings"
    started = software.post(conversation, json={"operationContext": "seed"}).raise_for_status().json()
    recording = f"{conversation}/{started['recordingId']}"
    sleep(2)
    software.post(f"{recording}/Pause").raise_for_status()
    assert software.get(recording).raise_for_status().json() == {"recordingState": "inactive"}
    sleep(2)
    software.post(f"{recording}/Resume").raise_for_status()
    assert software.get(recording).raise_for_status().json() == {"recordingState": "active"}
    sleep(2)
    assert software.delete(recording).status_code == 200
    return recording


def _stored(stack: Stack) -> tuple[list[str], datetime, int, datetime]:
    """What the 2021 event brought: document ids, start, length in ms, and the expiry drawn from them."""
    events = [json.loads(body) for (body,) in stack.query("SELECT body FROM recordings_notification")]
    files = [event for event in events if "recordingStorageInfo" in event.get("data", {})]
    assert len(files) == 1
    data = files[0]["data"]
    chunks = data["recordingStorageInfo"]["recordingChunks"]
    assert {key for chunk in chunks for key in chunk} == {"documentId", "index", "endReason"}
    [(expires_at,)] = stack.query("SELECT expires_at FROM recordings_chunk")
    return (
        [chunk["documentId"] for chunk in chunks],
        datetime.fromisoformat(data["recordingStartTime"]),
        data["recordingDurationMs"],
        datetime.fromisoformat(f"{expires_at}+00:00"),
    )
