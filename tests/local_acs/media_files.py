"""Media files made on the spot, small and with known contents."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

PER_SECOND = 10


@pytest.fixture
def make_media(tmp_path: Path) -> Callable[..., Path]:
    """Make a file of so many seconds: each tenth of a second has its own grey, the sound is a tone of 440 Hz."""

    def make(name: str, *, seconds: float = 2, size: tuple[int, int] = (160, 120), picture=True, sound=True) -> Path:
        path = tmp_path / "media" / name
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            video = container.add_stream("libx264", rate=PER_SECOND) if picture else None
            audio = container.add_stream("aac", rate=44100, layout="stereo") if sound else None
            if video:
                video.width, video.height, video.pix_fmt = *size, "yuv420p"
                _film(container, video, size, round(seconds * PER_SECOND))
            if audio:
                _tone(container, audio, seconds)
        return path

    return make


def grey(frame: int) -> int:
    """The luma of a frame of the film."""
    return 40 + 8 * (frame % 20)


def _film(container, video, size, frames) -> None:
    for number in range(frames):
        picture = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
        picture[: size[1]] = grey(number)
        container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
    container.mux(video.encode(None))


def _tone(container, audio, seconds) -> None:
    wave = 0.5 * np.sin(2 * np.pi * 440 / 44100 * np.arange(round(44100 * seconds)))
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = 44100, 0
    container.mux(audio.encode(frame))
    container.mux(audio.encode(None))
