"""The metadata document has the documented fields and says what is in the file."""

import av
import pytest

from tests.local_acs.recorder.recorders import ADA, GRACE, Take, metadata


def test_it_states_what_is_in_an_mp4(tmp_path):
    [chunk] = Take(tmp_path).stop(3)
    document = metadata(chunk)
    with av.open(str(chunk.media_path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert document["recordingInfo"] == {
            "contentType": "audioVideo",
            "channelType": "mixed",
            "format": "mp4",
            "audioConfiguration": {"sampleRate": 16000, "bitRate": audio.bit_rate, "channels": 1},
            "videoConfiguration": {
                "longerSideLength": video.width,
                "shorterSideLength": video.height,
                "framerate": 8.0,
                "bitRate": video.bit_rate,
            },
        }
        assert (video.width, video.height, video.codec_context.name) == (1920, 1080, "h264")


@pytest.mark.parametrize(("media", "bit_rate"), [("mp3", 48_000), ("wav", 256_000)])
def test_a_sound_file_has_no_video_configuration(tmp_path, media, bit_rate):
    info = metadata(*Take(tmp_path, media=media).stop(2))["recordingInfo"]
    assert info["audioConfiguration"] == {"sampleRate": 16000, "bitRate": bit_rate, "channels": 1}
    assert "videoConfiguration" not in info


def test_it_names_the_call_the_chunk_and_its_times(tmp_path):
    take = Take(tmp_path, media="wav")
    take.recording.pause(take.at(1))
    take.recording.resume(take.at(2.5))
    document = metadata(*take.stop(4))
    start = take.time(0).strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert document["chunkStartTime"] == f"{start}0Z"
    assert document["pauseResumeIntervals"] == [
        {"startTime": take.time(1).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z", "duration": 1500}
    ]
    assert document["participants"] == [{"participantId": ADA}, {"participantId": GRACE}]
    named = ["resourceId", "callId", "chunkDocumentId", "chunkIndex", "chunkDuration"]
    assert [document[name] for name in named] == ["resource", "call", "document-0", 0, 2500]


def test_a_channel_is_named_in_unmixed_sound(tmp_path):
    document = metadata(*Take(tmp_path, media="wav", channel="unmixed").stop(2))
    assert document["participants"] == [{"participantId": ADA, "channel": 0}, {"participantId": GRACE, "channel": 1}]
    assert document["recordingInfo"]["audioConfiguration"] == {"sampleRate": 16000, "bitRate": 512_000, "channels": 2}


def test_who_left_before_the_chunk_is_not_in_it(tmp_path):
    take = Take(tmp_path, media="wav", chunkSeconds=2)
    take.leave(GRACE, 1)
    first, second = take.stop(4)
    assert metadata(first)["participants"] == [{"participantId": GRACE}, {"participantId": ADA}]
    assert metadata(second)["participants"] == [{"participantId": ADA}]
