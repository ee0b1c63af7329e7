"""The picture and the sound of a media file at any place in it, decoded as far as needed and no further."""

from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from local_acs.calls.planes import Colour, Plane, Planes
from local_acs.calls.sound_code import RATE, Samples

_SHORTEST_LOOP_MS = 1000
_DECODE_ON_MS = 3000
"""A place this little ahead is reached by decoding on, one further away or behind by seeking."""
_LETTERBOX = Colour(20, 128, 128)
_MICROSECONDS_PER_MS = 1000


def loop_ms(path: Path) -> int:
    """Return after how many ms the file starts again: its duration, but at least a second (still pictures)."""
    with av.open(str(path)) as container:
        return max(round((container.duration or 0) / _MICROSECONDS_PER_MS), _SHORTEST_LOOP_MS)


class PictureTrack:
    """The camera. Holds one decoded frame and the one after it."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container, self._stream = container, stream
        self._stream.thread_count = 1
        self._frames = container.decode(stream)
        first = next(self._frames, None)
        if first is None:
            raise ValueError("its video stream has no frames")
        self._frame: av.VideoFrame = first
        self._next = next(self._frames, None)
        self._shown: tuple[int, int, int] | None = None
        self._generation = 0

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open the file's first video stream; None when it has none. Raises av.FFmpegError, OSError, ValueError."""
        container = av.open(str(path))
        if not container.streams.video:
            container.close()
            return None
        return cls(container, container.streams.video[0])

    def picture_at(self, place_ms: int, width: int, height: int) -> Planes | None:
        """Return the frame at a place, letterboxed to a size; None when it is the one returned last for that size."""
        self._go_to(place_ms)
        if self._shown == (self._generation, width, height):
            return None
        return self.last_picture(width, height)

    def last_picture(self, width: int, height: int) -> Planes:
        """Return the frame of the place asked for last, letterboxed to a size."""
        self._shown = (self._generation, width, height)
        return _letterboxed(self._frame, width, height)

    def close(self) -> None:
        self._container.close()

    def _go_to(self, place_ms: int) -> None:
        at_ms = _time_ms(self._frame, self._stream)
        if (not at_ms <= place_ms < at_ms + _DECODE_ON_MS and self._next is not None) or place_ms < at_ms:
            self._seek(place_ms)
        while self._next is not None and _time_ms(self._next, self._stream) <= place_ms:
            self._frame, self._next = self._next, next(self._frames, None)
            self._generation += 1

    def _seek(self, place_ms: int) -> None:
        start = self._container.start_time or 0
        self._container.seek(start + place_ms * _MICROSECONDS_PER_MS)
        self._frames = self._container.decode(self._stream)
        first = next(self._frames, None)
        if first is not None:
            self._frame, self._next = first, next(self._frames, None)
            self._generation += 1


class SoundTrack:
    """The microphone. Holds the sound decoded beyond the last place asked for."""

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self._container, self._stream = container, stream
        self._held: Samples = np.zeros(0, np.float32)
        self._place = 0
        self._ended = False
        self._start_over()
        self._decode_some()

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open the file's first audio stream; None when it has none. Raises av.FFmpegError, OSError, ValueError."""
        container = av.open(str(path))
        if not container.streams.audio:
            container.close()
            return None
        return cls(container, container.streams.audio[0])

    def samples_at(self, place: int, count: int) -> Samples:
        """Return `count` samples from a place (in samples at 16 kHz) on, mono; silence beyond the end."""
        if not self._place <= place <= self._place + len(self._held) + _DECODE_ON_MS * RATE // 1000:
            self._seek(place)
        while not self._ended and (not self._known_place or self._place + len(self._held) < place + count):
            self._decode_some()
            self._drop_before(place)
        self._drop_before(place)
        sound = np.zeros(count, np.float32)
        skip = max(self._place - place, 0)
        heard = self._held[: max(count - skip, 0)]
        sound[skip : skip + len(heard)] = heard
        return sound

    def close(self) -> None:
        self._container.close()

    def _seek(self, place: int) -> None:
        start = self._container.start_time or 0
        self._container.seek(start + place * 1_000_000 // RATE)
        self._start_over()

    def _start_over(self) -> None:
        self._frames = self._container.decode(self._stream)
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
        self._held, self._ended = self._held[:0], False
        self._known_place = False

    def _decode_some(self) -> None:
        frame = next(self._frames, None)
        if frame is None:
            self._ended = True
            return
        if not self._known_place:
            self._place = round(_time_ms(frame, self._stream) * RATE / 1000)
            self._known_place = True
        blocks = [out.to_ndarray()[0] for out in self._resampler.resample(frame)]
        self._held = np.concatenate([self._held, *blocks])

    def _drop_before(self, place: int) -> None:
        count = min(max(place - self._place, 0), len(self._held))
        self._held = self._held[count:]
        self._place += count


def _time_ms(frame: av.VideoFrame | av.AudioFrame, stream: VideoStream | AudioStream) -> float:
    """The time of a frame from the start of its stream."""
    base = frame.time_base or Fraction(1, RATE)
    return float(((frame.pts or 0) - (stream.start_time or 0)) * base) * 1000


def _letterboxed(frame: av.VideoFrame, width: int, height: int) -> Planes:
    scale = min(width / frame.width, height / frame.height)
    inner = max(round(frame.width * scale / 4) * 4, 4), max(round(frame.height * scale / 4) * 4, 4)
    inner = min(inner[0], width), min(inner[1], height)
    fitted = frame.reformat(
        inner[0], inner[1], "yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    picture = Planes.blank(width, height, _LETTERBOX)
    left, top = (width - inner[0]) // 4 * 2, (height - inner[1]) // 4 * 2
    picture.part(left, top, *inner).put(Planes(*(_plane(fitted, index) for index in range(3))))
    return picture


def _plane(frame: av.VideoFrame, index: int) -> Plane:
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
