"""The event that announces files, and what it says of them."""

import shutil
import time
from collections.abc import Callable

import pytest

from local_acs.identifiers import document_id
from tests.embedded import LocalAcs
from tests.local_acs.recorded import Operator, Queue, audio, client, entry_of, stored_recording

Start = Callable[..., LocalAcs]


def test_a_long_recording_is_announced_once_with_all_its_chunks(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_CHUNK_SECONDS="1")
    operator = Operator(acs)
    recording_id = operator.started()
    time.sleep(3.3)
    operator.stop(recording_id)
    event = Queue(acs).drain("RecordingFileStatusUpdated")
    chunks = event["data"]["recordingStorageInfo"]["recordingChunks"]
    assert len(chunks) >= 3
    assert [chunk["index"] for chunk in chunks] == list(range(len(chunks)))
    assert [chunk["documentId"] for chunk in chunks] == [document_id(recording_id, chunk["index"]) for chunk in chunks]
    assert chunks[-1]["endReason"] == "SessionEnded"
    assert "SessionEnded" not in [chunk["endReason"] for chunk in chunks[:-1]]
    for chunk in chunks:
        assert client(acs).get(chunk["contentLocation"]).status_code == 200
        assert client(acs).get(chunk["metadataLocation"]).json()["chunkIndex"] == chunk["index"]


def test_deleting_one_chunk_leaves_the_others(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_CHUNK_SECONDS="1")
    stored = stored_recording(acs, seconds=2.3)
    first, second, *_ = entry_of(acs, stored.recording_id)["stored"]
    assert client(acs).delete(f"/v1/objects/{first['documentId']}").status_code == 200
    assert client(acs).get(f"/v1/objects/{first['documentId']}/content/video").status_code == 404
    assert client(acs).get(f"/v1/objects/{second['documentId']}/content/video").status_code == 200


def test_the_event_has_the_current_shape(start_acs: Start) -> None:
    acs = start_acs()
    operator, call = Operator(acs), acs.call("Ana Silva", "Bo Chen")
    recording_id = operator.start(call["serverCallId"], **audio(recordingFormatType="mp3")).json()["recordingId"]
    time.sleep(0.5)
    operator.stop(recording_id)
    event = Queue(acs).drain("RecordingFileStatusUpdated")
    assert event["subject"] == (
        f"/recording/call/{call['callId']}/serverCallId/{call['serverCallId']}/recordingId/{recording_id}"
    )
    data = event["data"]
    assert (data["recordingContentType"], data["recordingChannelType"], data["recordingFormatType"]) == (
        "Audio",
        "Mixed",
        "Mp3",
    )
    (chunk,) = data["recordingStorageInfo"]["recordingChunks"]
    place = f"{acs.endpoint}/v1/objects/{chunk['documentId']}"
    assert chunk == {
        "documentId": chunk["documentId"],
        "index": 0,
        "endReason": "SessionEnded",
        "contentLocation": f"{place}/content/video",
        "metadataLocation": f"{place}/content/acsmetadata",
        "deleteLocation": place,
    }


def test_the_event_waits_for_its_delay(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_EVENT_DELAY_SECONDS="2")
    queue, operator = Queue(acs), Operator(acs)
    recording_id = operator.started()
    time.sleep(0.3)
    stopped = time.monotonic()
    operator.stop(recording_id)
    queue.drain("RecordingFileStatusUpdated")
    assert time.monotonic() - stopped > 2


@pytest.mark.parametrize("start_again", [False, True])
def test_a_recorder_that_cannot_start_is_an_unknown_internal_error(start_acs: Start, *, start_again: bool) -> None:
    acs = start_acs()
    operator, server_call_id = Operator(acs), acs.call()["serverCallId"]
    folder = acs.data / "recordings"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    answer = operator.start(server_call_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "9999")
    if start_again:
        folder.unlink()
        recording_id = operator.start(server_call_id).json()["recordingId"]
        assert operator.stop(recording_id).status_code == 204
