"""Decodes finished recordings and proves by their time codes which wall clock they hold.

`assert_covers` is for any test that has a recording's files, however it came by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from local_acs.calls.timecode import RATE, read_frame, trace_audio

FRAME_MS = 125
SOUND_MS = 50
_STEP_MS = 25
_SAME_SHIFT_MS = 15

Clock = list[tuple[float, int]]
Pauses = Sequence[tuple[datetime, datetime]]


@dataclass
class Stretch:
    """An uncut part of a recording, in ms: its place in the file and the wall clock (since 1970) it holds."""

    media_start: float
    media_end: float
    wall_start: float
    wall_end: float


def decoded_video_clock(path: Path) -> list[tuple[float, int]]:
    """Return (place in the file in ms, wall clock in ms) of each frame; raises AssertionError when tiles disagree."""
    clock = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            read = set(read_frame(luma, frame.width, frame.height).values())
            assert len(read) <= 1, f"{path} at {frame.time:.3f} s: the tiles show different times: {sorted(read)}"
            clock.extend((float(frame.time or 0) * 1000, wall_ms) for wall_ms in read)
    return clock


def decoded_sound(path: Path) -> tuple[NDArray[np.float32], float]:
    """Return the sound at 16 kHz, one row a channel, and the place of its first sample in ms."""
    blocks, start = [], None
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", rate=RATE)
        for frame in container.decode(stream):
            start = float(frame.time or 0) * 1000 if start is None else start
            blocks.extend(out.to_ndarray() for out in resampler.resample(frame))
        blocks.extend(out.to_ndarray() for out in resampler.resample(None))
    return np.concatenate(blocks, axis=1), start or 0.0


def decoded_audio_clock(path: Path, *, channel: int | None = None) -> list[tuple[float, int]]:
    """Return (place in the file in ms, wall clock in ms) for each 25 ms of sound; of all channels, or of one."""
    sound, start = decoded_sound(path)
    heard = sound.sum(axis=0) if channel is None else sound[channel]
    return [(start + media_ms, wall_ms) for media_ms, wall_ms in trace_audio(heard, RATE)]


def assert_covers(
    paths: Path | Sequence[Path],
    *,
    started: datetime,
    ended: datetime,
    pauses: Pauses = (),
    edge_ms: float = 0,
    channel: int | None = None,
) -> None:
    """Assert that each wall second between start and end occurs once, and none inside a pause, in all streams.

    `paths` are the chunks of one recording in order. Pictures may be one frame off, sound 50 ms; `edge_ms` is added
    where the caller knows the moments of start, end and pauses only so well (the time its requests took).
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    expected = _expected(started, ended, pauses)
    sound = [_stretches([*decoded_audio_clock(file, channel=channel)], file_end=None) for file in files]
    _compare("sound", sound, expected, SOUND_MS, edge_ms)
    if files[0].suffix == ".mp4":
        pictures = [_stretches(decoded_video_clock(file), file_end=_video_end(file)) for file in files]
        _compare("picture", pictures, expected, FRAME_MS, edge_ms)
        _assert_in_sync(pictures, sound)


def _expected(started: datetime, ended: datetime, pauses: Pauses) -> list[tuple[float, float]]:
    edges = [started.timestamp() * 1000]
    for start, end in pauses:
        edges += [start.timestamp() * 1000, end.timestamp() * 1000]
    edges.append(ended.timestamp() * 1000)
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def _video_end(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return float((stream.duration or 0) * (stream.time_base or 0)) * 1000


def _stretches(clock: Clock, *, file_end: float | None) -> list[Stretch]:
    """Join what follows on without a cut. Sound lasts one step; a frame lasts until the next one, or the file's end."""
    found: list[Stretch] = []
    nexts = [media for media, _ in clock[1:]] + [file_end or 0.0][: len(clock)]
    for (media_ms, wall_ms), next_ms in zip(clock, nexts, strict=True):
        length = _STEP_MS if file_end is None else next_ms - media_ms
        last = found[-1] if found else None
        if last and abs((wall_ms - media_ms) - (last.wall_start - last.media_start)) < _SAME_SHIFT_MS:
            gap = media_ms - last.media_end
            assert gap <= 2 * _STEP_MS, f"{gap:.0f} ms without a readable time code at {media_ms:.0f} ms of the file"
            last.media_end, last.wall_end = media_ms + length, wall_ms + length
        else:
            found.append(Stretch(media_ms, media_ms + length, wall_ms, wall_ms + length))
    return found


def _compare(
    kind: str, files: list[list[Stretch]], expected: list[tuple[float, float]], tolerance: float, edge_ms: float
) -> None:
    for stretches in files:
        _assert_gapless(kind, stretches, tolerance)
    joined: list[tuple[float, float]] = []
    for stretch in (stretch for stretches in files for stretch in stretches):
        if joined and abs(stretch.wall_start - joined[-1][1]) <= tolerance:
            joined[-1] = (joined[-1][0], stretch.wall_end)
        else:
            joined.append((stretch.wall_start, stretch.wall_end))
    shown = (
        f"{kind} holds {_relative(joined, expected)}, expected is {_relative(expected, expected)} (ms from the start)"
    )
    assert len(joined) == len(expected), shown
    for (start, end), (wanted_start, wanted_end) in zip(joined, expected, strict=True):
        assert abs(start - wanted_start) <= tolerance + edge_ms, shown
        assert abs(end - wanted_end) <= tolerance + edge_ms, shown


def _assert_gapless(kind: str, stretches: list[Stretch], tolerance: float) -> None:
    """The stretches of a file follow each other from its start on, in the order of the clock, with nothing between."""
    assert stretches, f"no time code can be read in the {kind}"
    assert stretches[0].media_start <= tolerance, f"the {kind} begins {stretches[0].media_start:.0f} ms into the file"
    for before, after in pairwise(stretches):
        gap = after.media_start - before.media_end
        assert abs(gap) <= tolerance, f"{gap:.0f} ms of unknown {kind} at {before.media_end:.0f} ms of the file"
        assert after.wall_start >= before.wall_end - tolerance, f"the {kind} repeats {after.wall_start:.0f}"


def _assert_in_sync(pictures: list[list[Stretch]], sound: list[list[Stretch]]) -> None:
    for seen, heard in zip(pictures, sound, strict=True):
        assert len(seen) == len(heard), f"{len(seen)} stretches of picture, {len(heard)} of sound"
        for a, b in zip(seen, heard, strict=True):
            late = (a.wall_start - a.media_start) - (b.wall_start - b.media_start)
            assert abs(late) <= SOUND_MS, f"picture and sound are {late:.0f} ms apart at {a.media_start:.0f} ms"


def _relative(stretches: Sequence[tuple[float, float]], expected: list[tuple[float, float]]) -> list[tuple[int, int]]:
    origin = expected[0][0]
    return [(round(start - origin), round(end - origin)) for start, end in stretches]
