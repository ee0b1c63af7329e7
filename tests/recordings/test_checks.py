"""What is refused, what is doubted, and what is merely odd."""

import pytest

from recordings.pipeline import checks
from recordings.pipeline.checks import Expected, examine_media, examine_metadata, plausible
from tests.recordings import media

MAKERS = {"mp4": media.mp4, "mp3": media.mp3, "wav": media.wav}


@pytest.mark.parametrize("extension", MAKERS)
def test_a_whole_recording_passes(tmp_path, extension):
    path = MAKERS[extension](tmp_path / f"a.{extension}", seconds=4.0)
    verdict = examine_media(path, Expected(format=extension, durations_ms=[4000]))
    assert (verdict.refused, verdict.doubtful, verdict.extension) == ("", "", extension)
    assert plausible(verdict.duration_ms, 4000)


def test_media_types_say_what_the_bytes_are(tmp_path):
    kinds = {name: examine_media(make(tmp_path / f"a.{name}"), Expected()).media_type for name, make in MAKERS.items()}
    assert kinds == {"mp4": "video/mp4", "mp3": "audio/mpeg", "wav": "audio/wav"}


@pytest.mark.parametrize("body", [b"", b"<!doctype html><html>busy</html>", b'  {"status": 404}', b"\x01\x02" * 4000])
def test_what_cannot_be_a_recording_is_refused(tmp_path, body):
    path = tmp_path / "a.mp4"
    path.write_bytes(body)
    assert examine_media(path, Expected()).refused


def test_a_text_answer_is_quoted(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("<html>\n  Service   busy</html>")
    assert "<html> Service busy</html>" in examine_media(path, Expected()).refused


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_breaks_off_is_doubtful(tmp_path, share):
    path = media.mp4(tmp_path / "a.mp4", seconds=6.0)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    verdict = examine_media(path, Expected())
    assert verdict.doubtful or verdict.refused


def test_a_file_whose_last_picture_is_destroyed_is_doubtful(tmp_path):
    path = media.mp4(tmp_path / "a.mp4", sound="none", seconds=1.0)
    whole = bytearray(path.read_bytes())
    start = whole.index(b"mdat") + 4
    whole[start:] = b"\xff" * (len(whole) - start)
    path.write_bytes(whole)
    assert examine_media(path, Expected()).doubtful


def test_a_picture_without_sound_passes(tmp_path):
    verdict = examine_media(media.mp4(tmp_path / "a.mp4", sound="none"), Expected(format="mp4"))
    assert (verdict.refused, verdict.doubtful) == ("", "")


def test_another_duration_is_a_finding(tmp_path):
    verdict = examine_media(media.wav(tmp_path / "a.wav"), Expected(durations_ms=[60_000, 55_000]))
    assert "stated was 60.0 s or 55.0 s" in " ".join(verdict.findings)


def test_the_stated_duration_without_its_pauses_is_right_too(tmp_path):
    verdict = examine_media(media.wav(tmp_path / "a.wav", seconds=3.0), Expected(durations_ms=[60_000, 3_000]))
    assert not verdict.findings


def test_another_format_is_a_finding(tmp_path):
    verdict = examine_media(media.wav(tmp_path / "a.wav"), Expected(format="mp3"))
    assert verdict.findings == ["Announced as mp3, and is wav."]


def test_a_suspiciously_small_file_is_a_finding(tmp_path):
    verdict = examine_media(media.mp4(tmp_path / "a.mp4", picture="black", sound="silent", seconds=20.0), Expected())
    assert "small for its duration" in " ".join(verdict.findings)


def test_every_packet_is_progress(tmp_path):
    ticks = []
    examine_media(media.wav(tmp_path / "a.wav"), Expected(), tick=lambda: ticks.append(1))
    assert len(ticks) > 3


def test_metadata_passes(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(media.metadata("0-eus-d1-00"))
    verdict = examine_metadata(path, Expected(document_id="0-eus-d1-00"))
    assert (verdict.refused, list(verdict.findings), verdict.extension) == ("", [], "json")


def test_metadata_of_another_document_is_a_finding(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(media.metadata("0-eus-d1-00"))
    assert "another document" in examine_metadata(path, Expected(document_id="0-eus-d1-99")).findings[0]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": 401, "title": "Unauthorized"}'])
def test_what_is_no_metadata_is_refused(tmp_path, body):
    path = tmp_path / "a.json"
    path.write_bytes(body)
    assert examine_metadata(path, Expected()).refused


def test_metadata_of_an_absurd_size_is_refused(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(checks.LARGEST_METADATA_BYTES + 1)
    assert "larger" in examine_metadata(path, Expected()).refused


def test_a_container_without_sound_or_picture_is_refused(tmp_path):
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n\n2\n00:00:01,000 --> 00:00:02,000\nworld\n")
    assert "neither sound nor picture" in examine_media(path, Expected()).refused


def test_a_container_without_any_sample_is_refused(tmp_path):
    path = media.wav(tmp_path / "a.wav")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"data") + 4] + bytes(4))
    assert examine_media(path, Expected()).refused


def test_a_long_box_and_a_last_box_without_a_length_are_whole(tmp_path):
    path = media.mp4(tmp_path / "a.mp4")
    whole = path.read_bytes()
    free = (1).to_bytes(4, "big") + b"free" + (24).to_bytes(8, "big") + bytes(8)
    path.write_bytes(whole + free + (0).to_bytes(4, "big") + b"free" + bytes(9))
    assert examine_media(path, Expected()).doubtful == ""


def test_a_file_of_sound_alone_is_audio(tmp_path):
    path = tmp_path / "a.mp4"
    media.sound(path, codec="aac")
    assert examine_media(path, Expected()).media_type == "audio/mp4"
