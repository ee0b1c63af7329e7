"""How a recording is recognised across events, commands and pasted ids."""

from datetime import UTC, datetime


def normalised(recording_id: str) -> str:
    """`recordingId` without its base64 padding: the service and its documents write it both ways."""
    return recording_id.strip().rstrip("=")


def by_recording_id(recording_id: str) -> str:
    """The identity of a recording whose `recordingId` is known."""
    return f"r:{normalised(recording_id)}"


def by_call(call_id: str, recording_start_time: datetime) -> str:
    """The identity of a recording known only from a 2021-04 file event, which carries no `recordingId`."""
    return f"c:{call_id}@{recording_start_time.astimezone(UTC).isoformat()}"


def by_document(document_id: str) -> str:
    """The identity of a recording of which nothing but a chunk's `documentId` is known."""
    return f"d:{document_id}"
