"""Builders for recordings: a specification, a recording driven through time at once, and the real recorder process."""

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Self

from local_acs.recorder import FinishedChunk, finish
from local_acs.recorder.cast import Cast
from local_acs.recorder.journal import Journal, read_journal
from local_acs.recorder.recording import Recording
from local_acs.recorder.spec import Participant, Spec, milliseconds, moment

ADA, GRACE, LINUS = "8:acs:resource_ada", "8:acs:resource_grace", "8:acs:resource_linus"
NAMES = {ADA: "Ada Lovelace", GRACE: "Grace Hopper", LINUS: "Linus Pauling"}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {"mp4": ("audioVideo", "mixed"), "mp3": ("audio", "mixed"), "wav": ("audio", "mixed")}


def participant(participant_id: str, *, joined: datetime = LONG_AGO, left: datetime | None = None) -> dict[str, object]:
    name = NAMES.get(participant_id, participant_id.rpartition("_")[2])
    times = {"joinedAt": joined.isoformat(), "leftAt": left.isoformat() if left else None}
    return {"participantId": participant_id, "displayName": name, **times}


def write_spec(
    directory: Path, *, media: str = "mp4", people: tuple[str, ...] = (ADA, GRACE), **changes: object
) -> Path:
    """Write a specification with defaults; `changes` are its fields."""
    content, channel = KINDS[media]
    document = {
        "recordingId": "recording", "callId": "call", "serverCallId": "server call", "resourceId": "resource",
        "content": content, "channel": channel, "format": media, "pauseOnStart": False,
        "chunkBytes": 1_500_000_000, "chunkSeconds": 14400, "mediaDir": None, "channelOrder": [],
        "participants": [participant(one) for one in people],
    }  # fmt: skip
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "spec.json").write_text(json.dumps(document | changes))
    return directory


class Take:
    """A recording made without waiting: its clock is a number of seconds from now, as far as the test moves it."""

    def __init__(self, directory: Path, **spec: object) -> None:
        write_spec(directory, **spec)
        self.directory = directory
        read = Spec.read(directory)
        self.origin_ms = milliseconds(datetime.now(UTC).isoformat()) - 3_600_000
        self.journal = Journal(directory)
        self.recording = Recording(read, directory, self.journal, Cast(read.media_dir))
        self.recording.start(self.origin_ms)

    def at(self, seconds: float) -> int:
        return self.origin_ms + round(seconds * 1000)

    def time(self, seconds: float) -> datetime:
        return moment(self.at(seconds))

    def join(self, participant_id: str, seconds: float) -> None:
        who = Participant.parse(participant(participant_id, joined=self.time(seconds)))
        self.recording.advance(self.at(seconds))
        self.recording.join(who, self.at(seconds))

    def leave(self, participant_id: str, seconds: float) -> None:
        self.recording.advance(self.at(seconds))
        self.recording.leave(participant_id, self.at(seconds))

    def dies(self) -> None:
        """Leave everything as it is, as a kill would."""
        self.recording._writer.close()
        self.journal.close()

    def stop(self, seconds: float) -> list[FinishedChunk]:
        self.recording.stop(self.at(seconds), "the test ends")
        self.journal.close()
        return finish_all(self.directory)


def finish_all(directory: Path) -> list[FinishedChunk]:
    return finish(directory, document_ids=lambda index: f"document-{index}")


def metadata(chunk: FinishedChunk) -> dict[str, object]:
    document = json.loads(chunk.metadata_path.read_text())
    assert isinstance(document, dict)
    return document


def fact_times(directory: Path, what: str) -> list[datetime]:
    return [moment(fact.wall_ms) for fact in read_journal(directory) if fact.what == what]


def wall_end(chunk: FinishedChunk) -> datetime:
    return chunk.start_time + timedelta(milliseconds=chunk.wall_duration_ms)


class Recorder:
    """The real process on a directory. Its events can be waited for; it is killed when the block ends."""

    def __init__(self, directory: Path, *, limit_file_bytes: int | None = None) -> None:
        self.directory = directory
        limited = ["prlimit", f"--fsize={limit_file_bytes}"] if limit_file_bytes else []
        with (directory / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*limited, sys.executable, "-m", "local_acs.recorder", str(directory)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self._events: Queue[dict[str, str]] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def event(self, name: str, *, timeout: float = 30) -> dict[str, str]:
        event = self._events.get(timeout=timeout)
        assert event["event"] == name, (event, self.log)
        return event

    def order(self, do: str, **details: object) -> None:
        self.process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self.process.stdin.flush()

    def runs_for(self, seconds: float) -> None:
        """Let it record; the time is what is tested, there is no condition to wait for."""
        time.sleep(seconds)

    def part_holds(self, size: int, *, index: int = 0, timeout: float = 30) -> None:
        """Wait until the part file of a chunk has so many bytes."""
        deadline = time.monotonic() + timeout
        while not any(path.stat().st_size >= size for path in self.directory.glob(f"chunk-{index}.part.*")):
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def _read(self) -> None:
        for line in self.process.stdout:
            self._events.put(json.loads(line))
