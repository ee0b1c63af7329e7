"""Makes a final file out of what a recorder wrote, whether it closed the file or was killed in the middle of it."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from local_acs.calls.sound_code import RATE
from local_acs.recorder.mp4_writer import AAC_PRIMING
from local_acs.recorder.sound_writers import MP3_FRAME_BYTES, SAMPLE_BYTES, WAV_HEADER_BYTES, wav_header

_BOX_HEADER = 8
_COPY_BYTES = 1 << 20


def make_final(part: Path, final: Path, *, channels: int) -> bool:
    """Turn a part file into the final one, which appears complete or not at all; False when it holds no media.

    `channels` is how many channels a WAV of several keeps, counted from the first. The part file goes away.
    Raises OSError when there is no room; the part file is then still there.
    """
    makers = {".mp4": _make_mp4, ".mp3": _make_mp3, ".wav": _make_wav}
    ready = makers[final.suffix](part, channels)
    if ready is None:
        part.unlink(missing_ok=True)
        return False
    sync(ready)
    ready.replace(final)
    part.unlink(missing_ok=True)
    sync(final.parent)
    return True


def sync(path: Path) -> None:
    """Wait until a file or directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_mp4(part: Path, _channels: int) -> Path | None:
    """Cut off an incomplete last fragment and remux, without encoding, into a file that starts with its index."""
    whole, fragments = _whole_boxes(part)
    if not fragments:
        return None
    os.truncate(part, whole)
    ready = part.with_suffix(".ready.mp4")
    with (
        av.open(str(part)) as source,
        av.open(str(ready), "w", format="mp4", options={"movflags": "faststart"}) as target,
    ):
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "audio":
                shift = round(Fraction(AAC_PRIMING, RATE) / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    return ready


def _whole_boxes(path: Path) -> tuple[int, int]:
    """(bytes up to the end of the last complete fragment, number of complete fragments)."""
    size = path.stat().st_size if path.exists() else 0
    at = whole = fragments = 0
    with path.open("rb") as file:
        while at + _BOX_HEADER <= size:
            file.seek(at)
            head = file.read(_BOX_HEADER)
            length = int.from_bytes(head[:4], "big")
            if length < _BOX_HEADER or at + length > size:
                break
            at += length
            if head[4:] == b"mdat":
                whole, fragments = at, fragments + 1
    return whole, fragments


def _make_mp3(part: Path, _channels: int) -> Path | None:
    size = part.stat().st_size // MP3_FRAME_BYTES * MP3_FRAME_BYTES
    if not size:
        return None
    os.truncate(part, size)
    return part


def _make_wav(part: Path, channels: int) -> Path | None:
    """Write the sizes into the header; where channels were never used, write a file without them."""
    with part.open("rb") as file:
        head = file.read(WAV_HEADER_BYTES)
    written = int.from_bytes(head[22:24], "little") if len(head) == WAV_HEADER_BYTES else 1
    frames = max(part.stat().st_size - WAV_HEADER_BYTES, 0) // (written * SAMPLE_BYTES)
    if not frames:
        return None
    if channels < written:
        return _with_fewer_channels(part, frames, written, channels)
    os.truncate(part, WAV_HEADER_BYTES + frames * written * SAMPLE_BYTES)
    with part.open("r+b") as file:
        file.write(wav_header(written, frames * written * SAMPLE_BYTES))
    return part


def _with_fewer_channels(part: Path, frames: int, written: int, channels: int) -> Path:
    ready = part.with_suffix(".ready.wav")
    with part.open("rb") as source, ready.open("wb") as target:
        source.seek(WAV_HEADER_BYTES)
        target.write(wav_header(channels, frames * channels * SAMPLE_BYTES))
        block = _COPY_BYTES // (written * SAMPLE_BYTES)
        for start in range(0, frames, block):
            count = min(block, frames - start)
            words = np.frombuffer(source.read(count * written * SAMPLE_BYTES), "<i2").reshape(-1, written)
            target.write(words[:, :channels].tobytes())
    return ready
