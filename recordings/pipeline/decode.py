"""After archiving: the whole file is decoded once, at low priority. What is odd is a finding, never a refusal."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError, InvalidDataError
from django.db import transaction
from django.db.models import F, Q, QuerySet
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
MOST_DECODES = 3
"""A file at which this many decodes died is not decoded again: it must not take the workers of the others."""
RETRY_SECONDS = 300.0
"""How long a file waits whose archived copy could not be read."""
_ABOUT_DURATION = ("It lasts ", "Decoded, it lasts ")

Tick = Callable[[], None]

logger = logging.getLogger(__name__)


Shape = tuple[int, str, str, int]
"""Stream, sample format, channel layout and rate of a piece of audio."""


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
    """Decodes the archived copy from end to end and writes down what is odd.

    False when another worker does, or when the copy could not be read and this is tried again later.
    """
    until = Now() + clock.seconds(LEASE_SECONDS)
    begun = {"lease_until": until, "decodes_begun": F("decodes_begun") + 1}
    if not MediaFile.objects.filter(_free(), pk=media_file.pk).update(**begun):
        return False
    file = MediaFile.objects.select_related("chunk__recording").get(pk=media_file.pk)
    if file.decodes_begun > MOST_DECODES:
        measured = Measured(error=f"the workers of {MOST_DECODES} decodes died or stalled")
        _write_down(file, [*file.findings, *_broken(measured)])
        return True
    try:
        with Lease(lambda: _renew(file)) as lease, storage.local_copy(file.archive_key) as path:
            path.stat()  # a copy that is not there, in an archive that is not mounted, says nothing about the file
            measured = measure(path, tick=lease.tick)
    except Superseded:
        return False
    except Stopped:
        _release(file, wait=0.0)
        return False
    except Exception:
        # A storage backend may raise anything; `measure` has dealt with what the file itself can cause.
        logger.exception("The archived copy %s could not be read", file.archive_key)
        _release(file, wait=RETRY_SECONDS)
        return False
    findings = [each for each in file.findings if not each.startswith(_ABOUT_DURATION)]
    findings += [each for each in oddities(file, measured) if each not in findings]
    _write_down(file, findings)
    return True


def _write_down(file: MediaFile, findings: list[str]) -> None:
    with transaction.atomic():
        MediaFile.objects.filter(pk=file.pk).update(
            findings=findings, decoded_at=clock.now(), decodes_begun=0, lease_until=None
        )
        buckets.settle(file.chunk.recording)
        crashpoints.reach("decode.before_commit")
    crashpoints.reach("decode.after_commit")


def _release(file: MediaFile, *, wait: float) -> None:
    """Gives the claim back for another decode in `wait` seconds; this one was not ended by the file."""
    MediaFile.objects.filter(pk=file.pk, decoded_at=None, decodes_begun=file.decodes_begun).update(
        lease_until=Now() + clock.seconds(wait) if wait else None, decodes_begun=file.decodes_begun - 1
    )


def _renew(file: MediaFile) -> bool:
    ours = MediaFile.objects.filter(pk=file.pk, state=MediaState.ARCHIVED, decoded_at=None)
    return ours.update(lease_until=Now() + clock.seconds(LEASE_SECONDS)) == 1


def measure(path: Path, *, tick: Tick) -> Measured:
    """Decodes every frame of every stream of the file at `path`. A file that cannot be decoded is an `error` in it."""
    seen = Measured()
    resamplers: dict[Shape, av.AudioResampler] = {}
    try:
        with av.open(str(path), mode="r") as container:
            for stream, frame in _frames(container, seen, tick):
                if isinstance(frame, av.VideoFrame):
                    _look_at(frame, seen)
                else:
                    _listen_to(frame, seen, _resampler(resamplers, stream, frame))
    except (Superseded, Stopped):
        raise
    except FFmpegError as error:
        seen.error = str(error.strerror)
    except Exception as error:
        # The bytes come from outside, and the libraries raise anything at some of them; again would be no better.
        logger.exception("The file at %s could not be decoded", path)
        seen.error = str(error) or type(error).__name__
    return seen


def _frames(
    container: av.container.InputContainer, seen: Measured, tick: Tick
) -> Iterator[tuple[int, av.VideoFrame | av.AudioFrame]]:
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
                yield packet.stream_index, frame


def _reach(frame: av.VideoFrame | av.AudioFrame, stream: int, seen: Measured) -> None:
    if frame.time is None:
        return
    length = frame.samples / frame.sample_rate if isinstance(frame, av.AudioFrame) and frame.sample_rate else 0.0
    start = seen.starts.setdefault(stream, frame.time)
    seen.seconds = max(seen.seconds, frame.time + length - start)


def _look_at(frame: av.VideoFrame, seen: Measured) -> None:
    luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8)[::LUMA_STRIDE]
    seen.brightest = max(seen.brightest or 0, int(luma.max()))


def _resampler(known: dict[Shape, av.AudioResampler], stream: int, frame: av.AudioFrame) -> av.AudioResampler:
    """The resampler for frames like this one. Each takes one shape only, and a stream may change its shape."""
    shape = (stream, frame.format.name, frame.layout.name, frame.sample_rate)
    if shape not in known:
        known[shape] = av.AudioResampler(format="s16", layout="mono")
    return known[shape]


def _listen_to(frame: av.AudioFrame, seen: Measured, resampler: av.AudioResampler) -> None:
    for part in resampler.resample(frame):
        samples = part.to_ndarray().astype(np.int32)
        seen.loudest = max(seen.loudest or 0, int(np.abs(samples).max(initial=0)))


def _broken(measured: Measured) -> list[str]:
    return [f"{BROKEN_OFF}: {measured.error}."] if measured.error else []


def oddities(file: MediaFile, measured: Measured) -> list[str]:
    """Sentences about what a listener or viewer would stumble over."""
    findings = _broken(measured)
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
