"""Reads from a finished file what is really in it."""

from dataclasses import dataclass
from pathlib import Path

import av


@dataclass(frozen=True, slots=True)
class Contents:
    """Duration in ms of media, rates in Hz and bits per second; `width` is 0 when there is no picture."""

    duration_ms: int
    sample_rate: int
    audio_bit_rate: int
    channels: int
    width: int = 0
    height: int = 0
    framerate: float = 0
    video_bit_rate: int = 0


def probe(path: Path) -> Contents:
    """Open a media file and read its header; raises av.FFmpegError (an OSError or ValueError) when it is none."""
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        duration_ms = round((container.duration or 0) / 1000)
        audio_only = Contents(duration_ms, audio.rate, audio.bit_rate or 0, audio.channels)
        if not container.streams.video:
            return audio_only
        video = container.streams.video[0]
        duration_ms = round(float((video.duration or 0) * (video.time_base or 0)) * 1000)
        return Contents(
            duration_ms, audio.rate, audio.bit_rate or 0, audio.channels, video.width, video.height,
            round(float(video.guessed_rate or video.average_rate or 0), 3), video.bit_rate or 0,
        )  # fmt: skip
