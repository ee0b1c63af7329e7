"""Every moment outside pauses is recorded once, in each format, however the recording is cut."""

import pytest

from tests.decoding import assert_covers, decoded_audio_clock, decoded_sound, decoded_video_clock
from tests.local_acs.recorder.recorders import ADA, GRACE, LINUS, LONG_AGO, Take, metadata, participant


@pytest.mark.parametrize("media", ["mp4", "mp3", "wav"])
def test_a_pause_is_cut_out_of_picture_and_sound(tmp_path, media):
    take = Take(tmp_path, media=media)
    take.recording.pause(take.at(3.333))
    take.recording.resume(take.at(7.777))
    [chunk] = take.stop(11.234)
    pauses = [(take.time(3.333), take.time(7.777))]
    assert_covers(chunk.media_path, started=take.time(0), ended=take.time(11.234), pauses=pauses)
    assert chunk.pauses == ((take.time(3.333), 4444),)
    assert (chunk.duration_ms, chunk.wall_duration_ms) == (pytest.approx(6790, abs=36), 11234)


def test_a_coverage_check_notices_a_second_that_is_missing(tmp_path):
    take = Take(tmp_path, media="wav")
    take.recording.pause(take.at(3))
    take.recording.resume(take.at(4))
    [chunk] = take.stop(7)
    with pytest.raises(AssertionError, match="sound holds"):
        assert_covers(chunk.media_path, started=take.time(0), ended=take.time(7))


def test_many_pauses_leave_picture_and_sound_in_step(tmp_path):
    take = Take(tmp_path)
    pauses = [(take.time(start), take.time(start + 0.71)) for start in (2.61, 5.93, 9.047)]
    for start in (2.61, 5.93, 9.047):
        take.recording.pause(take.at(start))
        take.recording.resume(take.at(start + 0.71))
    [chunk] = take.stop(12.5)
    assert_covers(chunk.media_path, started=take.time(0), ended=take.time(12.5), pauses=pauses)


def test_what_a_stalled_machine_missed_is_made_up(tmp_path):
    take = Take(tmp_path)
    take.recording.advance(take.at(0.5))
    take.recording.advance(take.at(6))
    [chunk] = take.stop(6)
    assert_covers(chunk.media_path, started=take.time(0), ended=take.time(6))
    assert len(decoded_video_clock(chunk.media_path)) == 48


@pytest.mark.parametrize("media", ["mp4", "mp3", "wav"])
def test_a_long_recording_is_split_by_duration(tmp_path, media):
    take = Take(tmp_path, media=media, chunkSeconds=3)
    chunks = take.stop(8)
    assert [chunk.end_reason for chunk in chunks] == ["ChunkMaximumTimeExceeded"] * 2 + ["SessionEnded"]
    assert [chunk.wall_duration_ms for chunk in chunks] == [3000, 3000, 2000]
    assert [metadata(chunk)["chunkDocumentId"] for chunk in chunks] == ["document-0", "document-1", "document-2"]
    assert_covers([chunk.media_path for chunk in chunks], started=take.time(0), ended=take.time(8))


@pytest.mark.parametrize(("media", "size"), [("mp4", 500_000), ("mp3", 18_000), ("wav", 100_000)])
def test_a_large_recording_is_split_by_size(tmp_path, media, size):
    take = Take(tmp_path, media=media, chunkBytes=size)
    chunks = take.stop(9)
    assert len(chunks) > 1
    assert {chunk.end_reason for chunk in chunks[:-1]} == {"ChunkMaximumSizeExceeded"}
    assert max(chunk.bytes for chunk in chunks) <= size
    assert sum(chunk.wall_duration_ms for chunk in chunks) == 9000


def test_a_pause_belongs_to_the_chunk_it_cuts(tmp_path):
    take = Take(tmp_path, media="wav", chunkSeconds=3)
    take.recording.pause(take.at(4))
    take.recording.resume(take.at(6))
    chunks = take.stop(9)
    assert [len(chunk.pauses) for chunk in chunks] == [0, 1, 0]
    assert [chunk.wall_duration_ms for chunk in chunks] == [3000, 5000, 1000]


def test_a_recording_that_ends_while_paused_ends_where_it_was_cut(tmp_path):
    take = Take(tmp_path, media="wav")
    take.recording.pause(take.at(3))
    [chunk] = take.stop(5)
    assert chunk.duration_ms == 3000
    assert chunk.pauses == ((take.time(3), 2000),)


def test_a_recording_paused_from_start_to_end_has_no_file(tmp_path):
    take = Take(tmp_path, pauseOnStart=True)
    assert take.stop(5) == []


def test_a_recording_paused_on_start_begins_with_its_first_resume(tmp_path):
    take = Take(tmp_path, media="wav", pauseOnStart=True)
    take.recording.resume(take.at(2))
    [chunk] = take.stop(5)
    assert (chunk.start_time, chunk.duration_ms, chunk.pauses) == (take.time(2), 3000, ())


def test_a_second_pause_and_a_second_resume_change_nothing(tmp_path):
    take = Take(tmp_path, media="wav")
    take.recording.pause(take.at(2))
    take.recording.pause(take.at(3))
    take.recording.resume(take.at(4))
    take.recording.resume(take.at(5))
    [chunk] = take.stop(6)
    assert (chunk.duration_ms, chunk.pauses) == (4000, ((take.time(2), 2000),))


def test_a_pause_that_comes_late_cuts_where_the_media_has_got_to(tmp_path):
    take = Take(tmp_path, media="wav")
    take.recording.advance(take.at(2))
    assert take.recording.pause(take.at(1.9)) == take.at(2)
    assert take.recording.resume(take.at(1.95)) == take.at(2)
    take.recording.pause(take.at(2))
    assert take.stop(3)[0].duration_ms == 2000


@pytest.mark.parametrize("media", ["mp4", "mp3", "wav"])
def test_an_impatient_operator_breaks_nothing(tmp_path, media):
    take = Take(tmp_path, media=media)
    for press in range(1, 41):
        (take.recording.pause if press % 2 else take.recording.resume)(take.at(1 + press * 0.017))
    [chunk] = take.stop(4)
    assert chunk.duration_ms == pytest.approx(4000 - 20 * 17, abs=36)
    assert len(metadata(chunk)["pauseResumeIntervals"]) == 20


def test_people_who_come_and_go_change_the_grid(tmp_path):
    take = Take(tmp_path, people=(ADA,))
    take.join(GRACE, 2)
    take.join(LINUS, 3)
    take.leave(ADA, 4)
    [chunk] = take.stop(6)
    assert_covers(chunk.media_path, started=take.time(0), ended=take.time(6))
    assert dict(chunk.participants).keys() == {ADA, GRACE, LINUS}


def test_somebody_who_comes_back_is_there_once(tmp_path):
    take = Take(tmp_path, media="wav", people=(ADA, GRACE))
    take.leave(GRACE, 1)
    take.join(GRACE, 2)
    take.join(GRACE, 3)
    [chunk] = take.stop(5)
    assert sorted(dict(chunk.participants)) == [ADA, GRACE]


def test_who_left_before_the_start_takes_no_channel(tmp_path):
    people = [participant(ADA, left=LONG_AGO), participant(GRACE)]
    take = Take(tmp_path, media="wav", channel="unmixed", participants=people)
    assert take.stop(1)[0].participants == ((GRACE, 0),)


def test_ids_and_names_of_any_letters_are_recorded(tmp_path):
    take = Take(tmp_path, people=("8:acs:\ud800_李\n小龍",))
    [chunk] = take.stop(1)
    assert metadata(chunk)["participants"] == [{"participantId": "8:acs:\ud800_李\n小龍"}]


def test_an_empty_call_is_recorded_all_the_same(tmp_path):
    take = Take(tmp_path, people=())
    [chunk] = take.stop(2)
    assert chunk.duration_ms == 2000
    assert decoded_video_clock(chunk.media_path) == []


def test_unmixed_sound_has_a_channel_for_each_as_ordered(tmp_path):
    take = Take(tmp_path, media="wav", channel="unmixed", people=(ADA, GRACE), channelOrder=[GRACE])
    take.join(LINUS, 2)
    [chunk] = take.stop(6)
    assert dict(chunk.participants) == {GRACE: 0, ADA: 1, LINUS: 2}
    sound, _ = decoded_sound(chunk.media_path)
    assert sound.shape == (3, 96_000)
    assert_covers(chunk.media_path, started=take.time(0), ended=take.time(6), channel=1)
    assert decoded_audio_clock(chunk.media_path, channel=2)[0][0] == pytest.approx(2000, abs=50)


def test_a_sixth_voice_has_no_channel_of_its_own(tmp_path):
    people = tuple(f"8:acs:resource_{number}" for number in range(6))
    take = Take(tmp_path, media="wav", channel="unmixed", people=people)
    [chunk] = take.stop(2)
    assert list(dict(chunk.participants).values()) == [0, 1, 2, 3, 4]
    assert decoded_sound(chunk.media_path)[0].shape[0] == 5
