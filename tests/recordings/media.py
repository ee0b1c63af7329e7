"""Small real recordings, made with PyAV, and metadata documents as the service writes them."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS, RATE = 160, 96, 8, 16_000


def mp4(path: Path, *, seconds: float = 3.0, picture: str = "moving", sound: str = "tone") -> Path:
    """An H.264 and AAC file. `picture`: moving or black; `sound`: tone, silent or none."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": str(2 * FPS)})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = None if sound == "none" else container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(round(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(_picture(number, picture), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio:
            for frame in _sound(seconds, sound, sample_format="fltp"):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def sound(path: Path, *, codec: str, seconds: float = 3.0, kind: str = "tone", layout: str = "mono") -> Path:
    """An MP3 (`libmp3lame`) or WAV (`pcm_s16le`) file, by the extension of `path`."""
    with av.open(str(path), "w") as container:
        audio = container.add_stream(codec, rate=RATE, layout=layout)
        sample_format = {"libmp3lame": "s16p", "aac": "fltp"}.get(codec, "s16")
        for frame in _sound(seconds, kind, sample_format=sample_format, layout=layout):
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def mp3(path: Path, **options: object) -> Path:
    return sound(path, codec="libmp3lame", **options)


def wav(path: Path, **options: object) -> Path:
    return sound(path, codec="pcm_s16le", **options)


def two_streams(path: Path) -> Path:
    """An MP4 with a mono and a stereo track."""
    with av.open(str(path), "w", format="mp4") as container:
        tracks = [container.add_stream("aac", rate=RATE, layout=layout) for layout in ("mono", "stereo")]
        for track in tracks:
            for frame in _sound(3.0, "tone", sample_format="fltp", layout=track.layout.name):
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path


def _picture(number: int, kind: str) -> np.ndarray:
    plane = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    plane[:HEIGHT] = 16 if kind == "black" else (np.arange(WIDTH, dtype=np.uint16) + 9 * number).astype(np.uint8)
    return plane


def _sound(seconds: float, kind: str, *, sample_format: str, layout: str = "mono"):
    samples = np.arange(round(seconds * RATE))
    wave = np.zeros(len(samples)) if kind == "silent" else 0.4 * np.sin(samples * 2 * np.pi * 440 / RATE)
    data = wave.astype(np.float32) if sample_format == "fltp" else (wave * 32767).astype(np.int16)
    for start in range(0, len(data), 1024):
        channels = np.repeat(data[None, start : start + 1024], 2 if layout == "stereo" else 1, axis=0)
        frame = av.AudioFrame.from_ndarray(channels, format=sample_format, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame


def metadata(document_id: str = "0-eus-d1-0123456789abcdef0123456789abcdef", **fields: object) -> bytes:
    """A metadata document of today's shape; `fields` replace its own."""
    document = {
        "resourceId": "29bd5ea9-e0fc-4d00-8f6f-339b1f0ee2e2",
        "callId": "43563209-4ec6-4119-be5b-88398cda2caf",
        "chunkDocumentId": document_id,
        "chunkIndex": 0,
        "chunkStartTime": "2026-06-01T12:00:00.1321393Z",
        "chunkDuration": 3000,
        "pauseResumeIntervals": [{"startTime": "2026-06-01T12:00:01Z", "duration": 1000}],
        "recordingInfo": {
            "contentType": "audioVideo",
            "channelType": "mixed",
            "format": "mp4",
            "audioConfiguration": {"sampleRate": 16000, "bitRate": 64000, "channels": 1},
            "videoConfiguration": {
                "longerSideLength": 1920,
                "shorterSideLength": 1080,
                "framerate": 8,
                "bitRate": 10**6,
            },
        },
        "participants": [{"participantId": "8:acs:one"}, {"participantId": "8:acs:two", "channel": 1}],
    }
    return json.dumps(document | fields).encode()
