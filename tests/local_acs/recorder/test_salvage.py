"""What a kill may leave, byte by byte, becomes a valid file or none."""

import shutil

import av
import pytest

from local_acs.recorder.salvage import make_final
from tests.decoding import decoded_sound, decoded_video_clock
from tests.local_acs.recorder.recorders import Take, finish_all


def torn(tmp_path, media: str, keep: float, **spec: object):
    """Make a recording of 4 s whose part file ends somewhere, as it may after a kill."""
    take = Take(tmp_path, media=media, **spec)
    take.recording.stop(take.at(4), "the test ends")
    take.journal.close()
    part = tmp_path / f"chunk-0.part.{media}"
    size = int(part.stat().st_size * keep)
    with part.open("r+b") as file:
        file.truncate(size)
    return tmp_path


@pytest.mark.parametrize("keep", [0.4, 0.55, 0.7, 0.85, 0.99])
def test_a_torn_mp4_plays_up_to_its_last_whole_fragment(tmp_path, keep):
    [chunk] = finish_all(torn(tmp_path, "mp4", keep))
    assert 0 < chunk.duration_ms <= 4000
    assert len(decoded_video_clock(chunk.media_path)) == pytest.approx(chunk.duration_ms / 125, abs=1)


@pytest.mark.parametrize("media", ["mp3", "wav"])
def test_torn_sound_plays_up_to_its_last_whole_frame(tmp_path, media):
    [chunk] = finish_all(torn(tmp_path, media, 0.503))
    sound, _ = decoded_sound(chunk.media_path)
    assert sound.shape[1] / 16 == pytest.approx(2000, abs=80)


@pytest.mark.parametrize("media", ["mp4", "mp3", "wav"])
def test_a_file_torn_at_its_head_holds_no_media(tmp_path, media):
    assert finish_all(torn(tmp_path, media, 0.0001)) == []


def test_a_finish_that_was_killed_is_repeated(tmp_path):
    torn(tmp_path, "mp4", 1)
    (tmp_path / "chunk-0.part.ready.mp4").write_bytes(b"half a file")
    [chunk] = finish_all(tmp_path)
    with av.open(str(chunk.media_path)) as container:
        assert container.streams.video


def test_a_part_left_beside_its_final_file_goes_away(tmp_path):
    torn(tmp_path, "wav", 1)
    shutil.copy(tmp_path / "chunk-0.part.wav", tmp_path / "kept")
    [chunk] = finish_all(tmp_path)
    shutil.copy(tmp_path / "kept", tmp_path / "chunk-0.part.wav")
    assert finish_all(tmp_path) == [chunk]
    assert not (tmp_path / "chunk-0.part.wav").exists()


def test_a_journal_line_cut_short_is_left_out(tmp_path):
    torn(tmp_path, "wav", 1)
    journal = tmp_path / "journal.jsonl"
    journal.write_text("\n".join(journal.read_text().splitlines()[:-2]) + '\n{"fact": "chunk_clo')
    [chunk] = finish_all(tmp_path)
    assert (chunk.duration_ms, chunk.wall_duration_ms) == (4000, 4000)


def test_after_a_kill_the_wall_clock_of_the_end_skips_the_pauses(tmp_path):
    take = Take(tmp_path, media="wav")
    take.recording.pause(take.at(2))
    take.recording.resume(take.at(5))
    take.recording.advance(take.at(7))
    take.dies()
    [chunk] = finish_all(tmp_path)
    assert (chunk.duration_ms, chunk.wall_duration_ms) == (4000, 7000)


def test_unused_channels_are_left_out(tmp_path):
    [chunk] = finish_all(torn(tmp_path, "wav", 1, channel="unmixed", people=("8:acs:alone",)))
    assert decoded_sound(chunk.media_path)[0].shape == (1, 64_000)


def test_no_directory_entry_appears_for_an_empty_part(tmp_path):
    (tmp_path / "chunk-0.part.mp4").touch()
    assert not make_final(tmp_path / "chunk-0.part.mp4", tmp_path / "chunk-0.mp4", channels=1)
    assert list(tmp_path.glob("chunk*")) == []
