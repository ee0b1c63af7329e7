"""Turns what a recorder left behind into final files, in a process of its own so that the service stays awake.

Run as `python -m local_acs.finishing <recording-dir> <recordingId>`; prints one JSON line per finished chunk.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local_acs.clock import iso, parse
from local_acs.documents import BadDocument, JsonObject, read_object
from local_acs.identifiers import document_id
from local_acs.lifeline import die_with_parent, environment_for_child


class FinishingError(Exception):
    """The files of a recording could not be finished; trying again later may succeed."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A finished file as the service stores it; names are relative to the recording's folder."""

    document_id: str
    index: int
    media_name: str
    metadata_name: str
    bytes: int
    start_time: datetime
    duration_ms: int
    end_reason: str


async def finish_elsewhere(folder: Path, recording_id: str) -> list[Chunk]:
    """Finish the recording in `folder`; [] when it holds no media. Asking twice gives the same answer."""
    with (folder / "recorder.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "local_acs.finishing",
            str(folder),
            recording_id,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environment_for_child(),
            start_new_session=True,
        )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise FinishingError(f"finishing {folder} ended with status {process.returncode}; see recorder.log there")
    try:
        return [_read_chunk(read_object(line)) for line in output.splitlines() if line.strip()]
    except (BadDocument, TypeError, ValueError) as error:
        raise FinishingError(f"finishing {folder} wrote an unreadable answer: {error}") from error


def _read_chunk(document: JsonObject) -> Chunk:
    def whole(field: str) -> int:
        value = document.get(field)
        if not isinstance(value, int):
            raise TypeError(f"{field} is not a whole number")
        return value

    return Chunk(
        document_id=str(document.get("documentId")),
        index=whole("index"),
        media_name=str(document.get("media")),
        metadata_name=str(document.get("metadata")),
        bytes=whole("bytes"),
        start_time=parse(str(document.get("startTime"))),
        duration_ms=whole("durationMs"),
        end_reason=str(document.get("endReason")),
    )


def main(arguments: list[str]) -> int:
    die_with_parent()
    # Imported here: the codecs are loaded in this process only, not in the service that starts it.
    from local_acs.recorder import finish

    folder, recording_id = Path(arguments[0]), arguments[1]
    chunks = finish(folder, document_ids=lambda index: document_id(recording_id, index))
    for chunk in chunks:
        line = {
            "documentId": document_id(recording_id, chunk.index),
            "index": chunk.index,
            "media": chunk.media_path.name,
            "metadata": chunk.metadata_path.name,
            "bytes": chunk.bytes,
            "startTime": iso(chunk.start_time),
            "durationMs": round(chunk.duration_ms),
            "endReason": chunk.end_reason,
        }
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
