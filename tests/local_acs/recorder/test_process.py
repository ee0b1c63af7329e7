"""The recorder process: orders, events, ends of all kinds."""

import signal
import time
from datetime import UTC, datetime

import av
import pytest

from local_acs.recorder import StillRecordingError, finish
from local_acs.recorder.lock import sole_use
from tests.decoding import assert_covers
from tests.local_acs.recorder.recorders import (
    LINUS,
    Recorder,
    fact_times,
    finish_all,
    participant,
    wall_end,
    write_spec,
)


def moment_of(event: dict[str, str]) -> datetime:
    return datetime.fromisoformat(event["at"])


@pytest.mark.parametrize("media", ["mp4", "mp3", "wav"])
def test_it_records_pauses_resumes_and_stops_in_real_time(tmp_path, media):
    with Recorder(write_spec(tmp_path, media=media)) as recorder:
        started = recorder.event("started")
        recorder.runs_for(2.5)
        recorder.order("pause")
        paused = recorder.event("paused")
        recorder.runs_for(0.6)
        recorder.order("resume")
        resumed = recorder.event("resumed")
        recorder.order("join", participant=participant(LINUS, joined=datetime.now(UTC)))
        recorder.runs_for(2.5)
        recorder.order("stop", reason="enough")
        stopped = recorder.event("stopped")
        assert recorder.process.wait(timeout=5) == 0
    [chunk] = finish_all(tmp_path)
    pauses = [(moment_of(paused), moment_of(resumed))]
    assert_covers(chunk.media_path, started=moment_of(started), ended=moment_of(stopped), pauses=pauses)
    assert LINUS in dict(chunk.participants)


@pytest.mark.parametrize("media", ["mp4", "mp3", "wav"])
def test_a_kill_loses_at_most_two_seconds(tmp_path, media):
    with Recorder(write_spec(tmp_path, media=media)) as recorder:
        recorder.event("started")
        recorder.runs_for(4.5)
        recorder.process.kill()
        killed = datetime.now(UTC)
    [chunk] = finish_all(tmp_path)
    assert (killed - wall_end(chunk)).total_seconds() < 2
    assert_covers(chunk.media_path, started=fact_times(tmp_path, "started")[0], ended=wall_end(chunk), edge_ms=100)
    assert chunk.end_reason == "SessionEnded"


def test_a_killed_mp4_is_made_ready_for_the_web_without_encoding(tmp_path):
    with Recorder(write_spec(tmp_path)) as recorder:
        recorder.part_holds(150_000)
        recorder.process.kill()
    [chunk] = finish_all(tmp_path)
    head = chunk.media_path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    assert finish_all(tmp_path) == [chunk]
    assert not list(tmp_path.glob("*.part.*"))


def test_a_kill_before_the_first_fragment_leaves_no_recording(tmp_path):
    with Recorder(write_spec(tmp_path)) as recorder:
        recorder.event("started")
        recorder.process.kill()
        recorder.process.wait()
    assert finish_all(tmp_path) == []


def test_it_stops_when_its_parent_has_gone(tmp_path):
    with Recorder(write_spec(tmp_path, media="wav")) as recorder:
        recorder.event("started")
        recorder.runs_for(1)
        recorder.process.stdin.close()
        recorder.event("stopped", timeout=5)
        assert recorder.process.wait(timeout=5) == 0
    assert "has gone" in recorder.log
    assert finish_all(tmp_path)[0].duration_ms >= 900


def test_it_stops_quickly_at_a_signal(tmp_path):
    with Recorder(write_spec(tmp_path)) as recorder:
        recorder.event("started")
        recorder.runs_for(1)
        recorder.process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        recorder.event("stopped", timeout=5)
        assert recorder.process.wait(timeout=5) == 0
        assert time.monotonic() - asked < 1.5


def test_frozen_for_a_while_it_catches_up(tmp_path):
    with Recorder(write_spec(tmp_path)) as recorder:
        recorder.event("started")
        recorder.runs_for(1)
        recorder.process.send_signal(signal.SIGSTOP)
        recorder.runs_for(2.5)
        recorder.process.send_signal(signal.SIGCONT)
        recorder.runs_for(1)
        recorder.order("stop")
        stopped = recorder.event("stopped")
    [chunk] = finish_all(tmp_path)
    assert_covers(chunk.media_path, started=chunk.start_time, ended=moment_of(stopped))
    assert "behind the wall clock" in recorder.log


def test_a_full_disk_is_reported_and_what_was_written_is_kept(tmp_path):
    with Recorder(write_spec(tmp_path), limit_file_bytes=400_000) as recorder:
        recorder.event("started")
        assert "File too large" in recorder.event("error")["message"]
        assert recorder.process.wait(timeout=5) == 1
    [chunk] = finish_all(tmp_path)
    assert_covers(chunk.media_path, started=chunk.start_time, ended=wall_end(chunk), edge_ms=100)


def test_an_order_it_does_not_know_is_named_in_the_log_and_passed_over(tmp_path):
    with Recorder(write_spec(tmp_path, media="wav")) as recorder:
        recorder.event("started")
        recorder.process.stdin.write("nonsense\n")
        recorder.order("dance")
        recorder.order("leave", participantId=LINUS, at=datetime.now(UTC).isoformat())
        recorder.order("join", participant={"participantId": LINUS, "joinedAt": "yesterday"})
        recorder.order("stop")
        recorder.event("stopped")
    assert recorder.log.count("order not followed") == 3


def test_paused_on_start_it_says_so(tmp_path):
    with Recorder(write_spec(tmp_path, media="wav", pauseOnStart=True)) as recorder:
        recorder.event("started")
        recorder.event("paused")
        recorder.order("stop")
        recorder.event("stopped")
    assert finish_all(tmp_path) == []


@pytest.mark.parametrize("change", [{"format": "ogg"}, {"chunkBytes": 0}, {"callId": ""}, {"participants": "all"}])
def test_a_wrong_specification_is_an_error_that_names_it(tmp_path, change):
    with Recorder(write_spec(tmp_path, **change)) as recorder:
        assert str(*change.values()) in recorder.event("error")["message"]
        assert recorder.process.wait(timeout=5) == 1


def test_a_specification_that_is_no_json_is_an_error(tmp_path):
    (write_spec(tmp_path) / "spec.json").write_text("{")
    with Recorder(tmp_path) as recorder:
        assert "is not JSON" in recorder.event("error")["message"]


def test_a_running_recording_cannot_be_finished(tmp_path):
    write_spec(tmp_path)
    with sole_use(tmp_path, wait_seconds=0), pytest.raises(StillRecordingError, match="at work"):
        finish(tmp_path, document_ids=[], wait_seconds=0.1)


def test_media_files_are_the_cameras_and_microphones_of_a_recording(tmp_path, make_media):
    media = make_media("film.mp4", seconds=2)
    (media.parent / "broken.mp4").write_text("no film")
    with Recorder(write_spec(tmp_path / "recording", mediaDir=str(media.parent))) as recorder:
        recorder.event("started")
        recorder.runs_for(3)
        recorder.order("stop")
        recorder.event("stopped")
    [chunk] = finish_all(tmp_path / "recording")
    with av.open(str(chunk.media_path)) as container:
        assert len(list(container.decode(video=0))) == pytest.approx(24, abs=4)
    assert "broken.mp4 cannot be read" in recorder.log
