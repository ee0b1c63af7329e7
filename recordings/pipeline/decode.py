"""After archiving: the whole file is decoded once, at low priority. What is odd is a finding, never a refusal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError, InvalidDataError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from recordings import buckets, clock, crashpoints, storage
from recordings.models import MediaFile
from recordings.pipeline import checks
from recordings.pipeline.leases import LEASE_SECONDS, Lease, Stopped, Superseded
from recordings.states import MediaState

SILENT_BELOW = 33
"""The loudest sample of 32767 that still counts as silence: about -60 dBFS."""
BLACK_BELOW = 40
"""The brightest luma of 255 that still counts as black; nominal black is 16."""
LUMA_STRIDE = 61
"""One pixel in so many is looked at. Prime, so that no pattern of the picture hides between them."""
BROKEN = "could not be decoded"
BROKEN_OFF = "Decoding broke off"
_ABOUT_DURATION = ("It lasts ", "Decoded, it lasts ")

Tick = Callable[[], None]


@dataclass(kw_only=True)
class Measured:
    """What a full decode saw. Durations in seconds; levels are the highest met, none without such a stream."""

    seconds: float = 0.0
    loudest: int | None = None
    brightest: int | None = None
    broken: int = 0
    error: str = ""
    starts: dict[int, float] = field(default_factory=dict)


def pending(limit: int) -> QuerySet[MediaFile]:
    """Archived media that were never decoded and that nobody is decoding, the soonest to expire first."""
    return MediaFile.objects.filter(_free()).order_by("chunk__expires_at", "id")[:limit]


def _free() -> Q:
    unclaimed = Q(lease_until=None) | Q(lease_until__lt=Now())
    return unclaimed & Q(state=MediaState.ARCHIVED, artefact=MediaFile.Artefact.MEDIA, decoded_at=None)


def decode(media_file: MediaFile) -> bool:
    """Decodes the archived copy from end to end and writes down what is odd; False when another worker does."""
    until = Now() + clock.seconds(LEASE_SECONDS)
    if not MediaFile.objects.filter(_free(), pk=media_file.pk).update(lease_until=until):
        return False
    file = MediaFile.objects.select_related("chunk__recording").get(pk=media_file.pk)
    try:
        with Lease(lambda: _renew(file)) as lease, storage.local_copy(file.archive_key) as path:
            measured = measure(path, tick=lease.tick)
    except Superseded:
        return False
    except Stopped:
        MediaFile.objects.filter(pk=file.pk, decoded_at=None).update(lease_until=None)
        return False
    findings = [each for each in file.findings if not each.startswith(_ABOUT_DURATION)]
    findings += [each for each in oddities(file, measured) if each not in findings]
    with transaction.atomic():
        MediaFile.objects.filter(pk=file.pk).update(findings=findings, decoded_at=clock.now(), lease_until=None)
        buckets.settle(file.chunk.recording)
        crashpoints.reach("decode.before_commit")
    crashpoints.reach("decode.after_commit")
    return True


def _renew(file: MediaFile) -> bool:
    ours = MediaFile.objects.filter(pk=file.pk, state=MediaState.ARCHIVED, decoded_at=None)
    return ours.update(lease_until=Now() + clock.seconds(LEASE_SECONDS)) == 1


def measure(path: Path, *, tick: Tick) -> Measured:
    """Decodes every frame of every stream of the file at `path`."""
    seen = Measured()
    try:
        with av.open(str(path), mode="r") as container:
            resampler = av.AudioResampler(format="s16", layout="mono")
            for frame in _frames(container, seen, tick):
                _look_at(frame, seen, resampler)
    except FFmpegError as error:
        seen.error = str(error.strerror)
    return seen


def _frames(
    container: av.container.InputContainer, seen: Measured, tick: Tick
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    for packet in container.demux(checks.played(container)):
        tick()
        try:
            frames = packet.decode()
        except InvalidDataError:
            seen.broken += 1
            continue
        for frame in frames:
            if isinstance(frame, av.VideoFrame | av.AudioFrame):
                _reach(frame, packet.stream_index, seen)
                yield frame


def _reach(frame: av.VideoFrame | av.AudioFrame, stream: int, seen: Measured) -> None:
    if frame.time is None:
        return
    length = frame.samples / frame.sample_rate if isinstance(frame, av.AudioFrame) and frame.sample_rate else 0.0
    start = seen.starts.setdefault(stream, frame.time)
    seen.seconds = max(seen.seconds, frame.time + length - start)


def _look_at(frame: av.VideoFrame | av.AudioFrame, seen: Measured, resampler: av.AudioResampler) -> None:
    if isinstance(frame, av.VideoFrame):
        luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8)[::LUMA_STRIDE]
        seen.brightest = max(seen.brightest or 0, int(luma.max()))
        return
    for part in resampler.resample(frame):
        samples = part.to_ndarray().astype(np.int32)
        seen.loudest = max(seen.loudest or 0, int(np.abs(samples).max(initial=0)))


def oddities(file: MediaFile, measured: Measured) -> list[str]:
    """Sentences about what a listener or viewer would stumble over."""
    findings = []
    if measured.error:
        findings.append(f"{BROKEN_OFF}: {measured.error}.")
    if measured.broken:
        findings.append(f"{measured.broken} packets {BROKEN}.")
    if measured.loudest is not None and measured.loudest < SILENT_BELOW:
        findings.append("It is silent from beginning to end.")
    if measured.brightest is not None and measured.brightest < BLACK_BELOW:
        findings.append("Its picture is black from beginning to end.")
    found = round(measured.seconds * 1000)
    if file.duration_ms is not None and not checks.plausible(found, file.duration_ms):
        findings.append(f"Decoded, it lasts {found / 1000:.1f} s; its container says {file.duration_ms / 1000:.1f} s.")
    stated = checks.stated_durations(file.chunk)
    if stated and not any(checks.plausible(found, each) for each in stated):
        findings.append(checks.duration_finding(found, stated))
    return findings
