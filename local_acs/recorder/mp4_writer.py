"""Writes H.264 and AAC as a fragmented MP4 that a kill leaves readable up to its last whole fragment."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from local_acs.calls.grid import HEIGHT, WIDTH
from local_acs.calls.planes import Plane, Planes
from local_acs.calls.sound_code import RATE, Samples

FRAMES_PER_SECOND = 8
GOP_FRAMES = 2 * FRAMES_PER_SECOND
AAC_PRIMING = 1024
"""FFmpeg's AAC encoder begins with so many samples of its own, before time 0, where a fragmented file cannot begin. So
the sound of the part file is this much late; `finish` moves it back."""

_SAMPLE_CLOCK = Fraction(1, RATE)
_AUDIO_BITS_PER_SECOND = 64_000
_FRAGMENTED = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": "500000",
    "flush_packets": "1",
}
_X264 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "28",
    "maxrate": "1000000",
    "bufsize": "2000000",
    "x264-params": f"keyint={GOP_FRAMES}:min-keyint={GOP_FRAMES}:scenecut=0:threads=1:sliced-threads=0",
}
_BYTES_PER_PACKET = 24
"""What the container adds to a packet, rounded up."""
_BYTES_AROUND = 4096


class PictureFrame:
    """One frame of 1920x1080 whose planes are painted on in place: nothing is copied before x264 reads it."""

    def __init__(self) -> None:
        self.frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        self.frame.time_base = _SAMPLE_CLOCK
        self.planes = Planes(*(self._view(index) for index in range(3)))

    def _view(self, index: int) -> Plane:
        plane = self.frame.planes[index]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        return rows[: plane.height, : plane.width]


class Mp4Writer:
    """One chunk. Media time counts samples at 16 kHz from the start of the chunk, for both streams."""

    def __init__(self, path: Path, picture: PictureFrame) -> None:
        self._picture = picture.frame
        self._container = av.open(str(path), "w", format="mp4", options=_FRAGMENTED)
        self._video = self._add_video()
        self._audio: AudioStream = self._container.add_stream("aac", rate=RATE, layout="mono")
        self._audio.codec_context.bit_rate = _AUDIO_BITS_PER_SECOND
        self.samples = 0
        self.bytes = _BYTES_AROUND
        self._largest = 0

    def _add_video(self) -> VideoStream:
        video: VideoStream = self._container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=_X264)
        context = video.codec_context
        context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context.time_base = _SAMPLE_CLOCK
        context.color_range, context.colorspace = 1, 1
        context.color_primaries, context.color_trc = 1, 1
        return video

    def write(self, sound: Samples) -> None:
        """Append the picture as it is now, shown as long as this sound (one row of samples) lasts, and the sound."""
        count = sound.shape[1]
        self._picture.pts = self.samples
        for packet in self._video.encode(self._picture):
            packet.duration = count
            self._mux(packet)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.samples, _SAMPLE_CLOCK
        for audio_packet in self._audio.encode(frame):
            self._mux_sound(audio_packet)
        self.samples += count

    @property
    def headroom(self) -> int:
        """Bytes that the next second may need, by the largest packet so far: a key frame and the sound around it."""
        return 2 * self._largest

    def close(self) -> None:
        """Write out what the encoders hold and end the file."""
        for packet in self._audio.encode(None):
            self._mux_sound(packet)
        self._container.close()

    def _mux_sound(self, packet: "Packet[AudioStream]") -> None:
        if packet.pts is not None and packet.dts is not None:
            packet.pts, packet.dts = packet.pts + AAC_PRIMING, packet.dts + AAC_PRIMING
            self._mux(packet)

    def _mux(self, packet: "Packet[VideoStream] | Packet[AudioStream]") -> None:
        self._largest = max(self._largest, packet.size)
        self.bytes += packet.size + _BYTES_PER_PACKET
        self._container.mux(packet)
