"""Writes MP3 and WAV so that what a kill leaves can be made valid: frames, or samples, one after the other."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.packet import Packet

from local_acs.calls.sound_code import RATE, Samples

MP3_BITS_PER_SECOND = 48_000
MP3_FRAME_SAMPLES = 576
MP3_FRAME_BYTES = MP3_BITS_PER_SECOND // 8 * MP3_FRAME_SAMPLES // RATE
_MP3_LATE_FRAMES = 2
_MP3_LEAD_IN = _MP3_LATE_FRAMES * MP3_FRAME_SAMPLES - 1105
"""LAME and a decoder together delay sound by 1105 samples. With this much silence before it the delay is two frames,
which are left out: the file needs no header that says how much to skip, and one without its end plays in time."""

WAV_HEADER_BYTES = 44
SAMPLE_BYTES = 2
_FULL_SCALE = 32767


class Mp3Writer:
    """One chunk of mixed sound, constant bit rate, no reservoir: each frame can be decoded on its own."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._encoder = AudioCodecContext.create("libmp3lame", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = RATE, "mono", "fltp"
        self._encoder.bit_rate = MP3_BITS_PER_SECOND
        self._encoder.options = {"reservoir": "0"}
        self._late = _MP3_LATE_FRAMES
        self._pts = 0
        self.samples = self.bytes = 0
        self._encode(np.zeros((1, _MP3_LEAD_IN), np.float32))

    def write(self, sound: Samples) -> None:
        self._encode(sound)
        self.samples += sound.shape[1]

    @property
    def headroom(self) -> int:
        return 8 * MP3_FRAME_BYTES

    def close(self) -> None:
        """Write the frames that the encoder holds, up to the end of the sound."""
        self._append(self._encoder.encode(None))
        self._file.close()

    def _encode(self, sound: Samples) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._pts, Fraction(1, RATE)
        self._pts += sound.shape[1]
        self._append(self._encoder.encode(frame))

    def _append(self, packets: "list[Packet[AudioStream]]") -> None:
        for packet in packets:
            if self._late:
                self._late -= 1
            elif self.bytes // MP3_FRAME_BYTES * MP3_FRAME_SAMPLES < self.samples or not self.samples:
                self.bytes += self._file.write(bytes(packet)) or 0


class WavWriter:
    """One chunk of 16 bit samples, mixed or a channel per participant. Sizes in the header come with `finish`."""

    def __init__(self, path: Path, channels: int) -> None:
        self._file = path.open("wb", buffering=0)
        self._channels = channels
        self.samples = 0
        self.bytes = self._file.write(wav_header(channels, 0))

    def write(self, sound: Samples) -> None:
        words = (np.clip(sound, -1, 1) * _FULL_SCALE).astype("<i2")
        self.bytes += self._file.write(np.ascontiguousarray(words.T).tobytes()) or 0
        self.samples += sound.shape[1]

    @property
    def headroom(self) -> int:
        return self._channels * SAMPLE_BYTES * RATE // 8

    def close(self) -> None:
        self._file.close()


def wav_header(channels: int, data_bytes: int) -> bytes:
    """Return the RIFF header of 16 bit PCM at 16 kHz, 44 bytes."""
    frame = channels * SAMPLE_BYTES
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", WAV_HEADER_BYTES - 8 + data_bytes, b"WAVE",
        b"fmt ", 16, 1, channels, RATE, RATE * frame, frame, 8 * SAMPLE_BYTES, b"data", data_bytes,
    )  # fmt: skip
