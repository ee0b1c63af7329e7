"""Whether bytes that arrived can be a recording, and what is odd about them.

Three verdicts. *Refused*: no recording at all. *Doubtful*: a container that breaks off or does not decode; if a second,
independent transfer brings the very same bytes, that is what the service has, and it is kept. *Findings* never refuse.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Stream

from recordings.acs import metadata
from recordings.models import Chunk

HEAD_BYTES = 512
TOLERANCE_MS = 2000
TOLERANCE_SHARE = 0.02
"""A duration is plausible within two seconds or two per cent of a stated one, whichever is more."""
LEAST_SHARE_OF_USUAL_SIZE = 0.1
BOX_HEAD_BYTES = 8
"""Length and name of an MP4 box (ISO 14496-12, section 4.2)."""
RUN_UP_SECONDS = 0.5
MOST_PACKETS_TO_A_FRAME = 200
LARGEST_METADATA_BYTES = 16 * 1024 * 1024

_USUAL_BYTES_PER_SECOND = {"mp4": 131_000, "mp3": 6_000, "wav": 32_000}
"""About what ACS writes (azure-docs, call recording, supported formats): 7.5, 0.36 and 1.92 MB a minute."""
_EXTENSIONS = {"mov": ("mp4", "video/mp4"), "mp3": ("mp3", "audio/mpeg"), "wav": ("wav", "audio/wav")}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What was announced of a file; empty or none where nothing was said."""

    format: str = ""
    durations_ms: Sequence[int] = ()
    """Durations that would all be right: the stated one, and it without the pauses."""
    document_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the checks say of one file. `refused` and `doubtful` are sentences, empty when there is nothing to say."""

    refused: str = ""
    doubtful: str = ""
    findings: Sequence[str] = field(default_factory=list)
    duration_ms: int | None = None
    media_type: str = ""
    extension: str = ""


def _nothing() -> None: ...


def examine_metadata(path: Path, expected: Expected) -> Verdict:
    """Refuses what is no metadata document; another chunk's id is a finding."""
    if path.stat().st_size > LARGEST_METADATA_BYTES:
        return Verdict(refused="The metadata is larger than any metadata document can be.")
    try:
        document = metadata.parse(path.read_bytes())
    except metadata.NotMetadata as error:
        return Verdict(refused=str(error))
    findings = []
    if document.document_id and expected.document_id and document.document_id != expected.document_id:
        findings.append(f"The metadata speaks of another document: {document.document_id}.")
    return Verdict(findings=findings, media_type="application/json", extension="json")


def examine_media(path: Path, expected: Expected, *, tick: Callable[[], None] = _nothing) -> Verdict:
    """Demuxes every packet and decodes the first and the last key frame of each stream."""
    if text := _as_text(path):
        return Verdict(refused=f"The service sent text instead of media: {text}")
    try:
        container = av.open(str(path), mode="r")
    except FFmpegError as error:
        return Verdict(refused=f"No media container could be opened: {error.strerror}.")
    with container:
        if not played(container):
            return Verdict(refused="The container holds neither sound nor picture.")
        tracks, broken = _demux(container, tick)
        if not tracks:
            return Verdict(refused="The container is empty.")
        doubtful = broken or _cut_short(container, path) or _undecodable(container, tracks)
        extension, media_type = _kind(container)
        duration = max(track.duration_ms for track in tracks.values())
    findings = list(_oddities(path.stat().st_size, duration, extension, expected))
    return Verdict(
        doubtful=doubtful, findings=findings, duration_ms=duration, media_type=media_type, extension=extension
    )


def stated_durations(chunk: Chunk) -> list[int]:
    """What the service says a chunk lasts, in milliseconds, with and without its pauses; empty when it says nothing.

    Whether the stated duration includes the pauses is not documented, so both are right.
    """
    pauses = list(chunk.pauses.values_list("duration_ms", flat=True))
    if chunk.duration_ms is not None:
        return [chunk.duration_ms, max(chunk.duration_ms - sum(pauses), 0)]
    recording = chunk.recording
    if recording.duration_ms is None or recording.chunks.count() > 1:
        return []
    return [recording.duration_ms, max(recording.duration_ms - (sum(pauses) or recording.paused_ms), 0)]


def plausible(duration_ms: int, stated_ms: int) -> bool:
    """Whether a measured duration agrees with a stated one."""
    return abs(duration_ms - stated_ms) <= max(TOLERANCE_MS, TOLERANCE_SHARE * stated_ms)


def duration_finding(duration_ms: int, stated_ms: Sequence[int]) -> str:
    """The sentence about a duration that agrees with none of the stated ones."""
    stated = " or ".join(f"{each / 1000:.1f} s" for each in dict.fromkeys(stated_ms))
    return f"It lasts {duration_ms / 1000:.1f} s; stated was {stated}."


def _as_text(path: Path) -> str:
    """The beginning of a text document, such as an error page; empty when the bytes are binary."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith((b"<", b"{", b"[")) or b"\x00" in head:
        return ""
    return " ".join(start.decode("utf-8", "replace").split())[:120]


def played(container: InputContainer) -> list[Stream]:
    """The streams that are heard or seen."""
    return [stream for stream in container.streams if stream.type in {"audio", "video"}]


@dataclass(kw_only=True)
class _Track:
    """How far one stream reaches, and where its first and last key frames are. Stamps are in its own time base."""

    time_base: Fraction
    first: int
    last: int
    end: int

    @property
    def duration_ms(self) -> int:
        return round((self.end - self.first) * self.time_base * 1000)


def _demux(container: InputContainer, tick: Callable[[], None]) -> tuple[dict[int, _Track], str]:
    """Reads every packet; says where reading broke off."""
    tracks: dict[int, _Track] = {}
    try:
        for packet in container.demux(played(container)):
            tick()
            stamp = packet.pts if packet.pts is not None else packet.dts
            if not packet.size or stamp is None:
                continue
            index = packet.stream_index
            track = tracks.setdefault(index, _Track(time_base=packet.time_base, first=stamp, last=stamp, end=stamp))
            track.end = max(track.end, stamp + (packet.duration or 0))
            track.last = max(track.last, stamp) if packet.is_keyframe else track.last
    except FFmpegError as error:
        return tracks, f"Reading it broke off: {error.strerror}."
    return tracks, ""


def _cut_short(container: InputContainer, path: Path) -> str:
    """Whether an MP4's boxes reach beyond the end of the file: its index promises bytes that are not there."""
    if not container.format.name.startswith("mov"):
        return ""
    size, position = path.stat().st_size, 0
    with path.open("rb") as file:
        while position + BOX_HEAD_BYTES <= size:
            file.seek(position)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length == 0:  # the last box, to the end of the file
                return ""
            if length < BOX_HEAD_BYTES or position + length > size:
                return "The file breaks off before its end."
            position += length
    return ""


def _undecodable(container: InputContainer, tracks: dict[int, _Track]) -> str:
    """Decodes the first key frame and the last one of each stream; says which could not be."""
    for stream in played(container):
        track = tracks.get(stream.index)
        if track is None:
            return f"The {stream.type} is empty."
        # A packet of sound may need those just before it, so decoding begins a little earlier.
        run_up = round(RUN_UP_SECONDS / track.time_base) if stream.type == "audio" else 0
        for stamp, name in ((track.first, "first"), (max(track.last - run_up, track.first), "last")):
            if not _decodes_at(container, stream, stamp):
                return f"The {name} key frame of the {stream.type} cannot be decoded."
    return ""


def _decodes_at(container: InputContainer, stream: Stream, stamp: int) -> bool:
    try:
        container.seek(stamp, backward=True, stream=stream)
        for packet in islice(container.demux(stream), MOST_PACKETS_TO_A_FRAME):
            with contextlib.suppress(InvalidDataError):
                if packet.decode():
                    return True
    except FFmpegError:
        return False
    return False


def _kind(container: InputContainer) -> tuple[str, str]:
    """File name extension and media type of what the bytes really are."""
    name = container.format.name.partition(",")[0]
    extension, media_type = _EXTENSIONS.get(name, (name, "application/octet-stream"))
    if media_type == "video/mp4" and not container.streams.video:
        media_type = "audio/mp4"
    return extension, media_type


def _oddities(size: int, duration_ms: int, extension: str, expected: Expected) -> list[str]:
    findings = []
    if expected.format and extension != expected.format:
        findings.append(f"Announced as {expected.format}, and is {extension}.")
    if expected.durations_ms and not any(plausible(duration_ms, stated) for stated in expected.durations_ms):
        findings.append(duration_finding(duration_ms, expected.durations_ms))
    usual = _USUAL_BYTES_PER_SECOND.get(extension, 0) * duration_ms / 1000
    if size < LEAST_SHARE_OF_USUAL_SIZE * usual:
        findings.append(f"It is small for its duration: {size} bytes, where about {usual:.0f} are usual.")
    return findings
