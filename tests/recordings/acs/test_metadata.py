"""The metadata document in all its generations."""

import json

import pytest

from recordings.acs import metadata
from recordings.acs.metadata import Member, NotMetadata, Pause
from tests.recordings.builders import at, stamp

REAL_2021_03 = {
    "resourceId": "29bd5ea9",
    "callId": "43563209",
    "chunkDocumentId": "0-eus-d11-05bf",
    "chunkIndex": 0,
    "chunkStartTime": stamp(0),
    "chunkDuration": 15000.0,
    "pauseResumeIntervals": [],
    "recordingInfo": {
        "contentType": "mixed",
        "channelType": "audioVideo",
        "format": "mp4",
        "audioConfiguration": {"sampleRate": "16000", "bitRate": 128000, "channels": 1},
        "videoConfiguration": {
            "longerSideLength": 1920,
            "shorterSideLength": 1080,
            "framerate": 8,
            "bitRate": 1000000,
        },
    },
    "participants": [{"participantId": "8:acs:a"}, {"participantId": "8:acs:b"}],
}


def parse(**changed):
    return metadata.parse(json.dumps(REAL_2021_03 | changed))


def test_a_document_of_2021_03():
    found = parse()
    assert (found.document_id, found.call_id, found.index) == ("0-eus-d11-05bf", "43563209", 0)
    assert (found.start_time, found.duration_ms) == (at(0), 15_000)
    assert (found.kinds.content_type, found.kinds.channel_type, found.kinds.format_type) == (
        "audioVideo",
        "mixed",
        "mp4",
    )
    assert (found.audio.sample_rate, found.audio.bit_rate, found.audio.channels) == (16_000, 128_000, 1)
    assert (found.video.longer_side, found.video.frame_rate) == (1_920, 8.0)
    assert found.participants == (Member("8:acs:a", None), Member("8:acs:b", None))


def test_a_document_of_2023_has_pauses_and_channels_and_no_video():
    found = parse(
        pauseResumeIntervals=[
            {"startTime": stamp(20), "duration": 5220.0},
            {"startTime": stamp(10), "duration": 1000},
            {"startTime": stamp(10), "duration": 900},
            {"startTime": "string", "duration": 0},
            {"startTime": stamp(30), "duration": -1},
        ],
        recordingInfo={"contentType": "audio", "channelType": "unmixed", "format": "wav", "audioConfiguration": {}},
        participants=[{"participantId": "8:acs:a", "channel": 0}, {"channel": 1}, "x"],
    )
    assert found.pauses == (Pause(at(10), 1_000), Pause(at(20), 5_220))
    assert found.participants == (Member("8:acs:a", 0),)
    assert (found.kinds.channel_type, found.audio, found.video) == ("unmixed", None, None)


def test_a_document_may_hold_nothing_but_its_own_id():
    found = metadata.parse(b'{"chunkDocumentId":"0-sa-d4"}')
    assert found.document_id == "0-sa-d4"
    assert (found.index, found.duration_ms, found.start_time, found.participants) == (None, None, None, ())


@pytest.mark.parametrize("index", [-1, 10**9, "x", None, [0]])
def test_an_absurd_index_is_not_believed(index):
    assert parse(chunkIndex=index).index is None


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        (b"[]", "none of the fields"),
        (b"{}", "none of the fields"),
        (b'{"error": {"code": "8522"}}', "none of the fields"),
        (b"[" * 100_000, "nested more deeply"),
    ],
)
def test_what_is_no_metadata_is_refused_with_a_sentence(document, sentence):
    with pytest.raises(NotMetadata, match=sentence):
        metadata.parse(document)
