"""Reads the audible time code back from decoded sound: where it is in the file, and which wall clock it sings."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from local_acs import clock
from local_acs.calls.sound_code import (
    BANDS,
    CLOCK_BITS,
    NOTES,
    PER_MS,
    RATE,
    SLOT,
    SLOTS,
    START_NOTE,
    Samples,
    code,
    frequency,
    second_of_notes,
)

STEP = 25 * PER_MS
"""The resolution of `trace_audio`: 25 ms hold whole periods of each note, so notes do not blur into each other."""

_WINDOW, _HOP = 1600, 80
_BLOCK = 60 * RATE
_CLEAR = 0.35
_GAP_ROWS = 2
_IN_PHASE = 0.8
_OVERLAP = 0.5
_SAME_TAKE = 30 * PER_MS
_LISTEN_AROUND = 20 * PER_MS


class Mark(NamedTuple):
    """A codeword heard: its first sample in the file, its wall clock (ms since 1970) and the band it was sung in."""

    sample_offset: int
    wall_ms: int
    voice: int


@dataclass(slots=True)
class Take:
    """An uncut stretch: wall clock in samples minus place in the file is the same all through it."""

    shift: int
    marks: list[Mark]


def read_audio(samples: Samples, rate: int, *, near: datetime | None = None) -> list[Mark]:
    """Return each codeword heard in mono sound, in file order.

    The code names its second modulo 48 days; `near` (default: now) chooses which 48 days are meant.
    Raises ValueError unless the rate is 16000.
    """
    if rate != RATE:
        raise ValueError(f"the time code is read at {RATE} Hz, this sound has {rate}; resample it first")
    around = int((near or clock.now()).timestamp())
    marks = [
        _sharpened(samples, Mark(offset, _nearest(second, around) * 1000, band))
        for band in range(BANDS)
        for offset, second in _codewords(_energies(samples, band), band)
    ]
    return sorted(mark for mark in marks if _is_sung_through(samples, mark))


def trace_audio(samples: Samples, rate: int, *, near: datetime | None = None) -> list[tuple[float, int]]:
    """Return (place in the file in ms, wall clock in ms) for each 25 ms step of sound that carries the expected notes.

    Around a cut the incomplete seconds are followed up to the cut itself. Where notes from both sides of a cut make up
    a codeword that nobody sang, the longer stretches have it.
    """
    claims = [_steps(samples, take) for take in _takes(read_audio(samples, rate, near=near))]
    heard = np.zeros(len(samples), np.bool_)
    traced = []
    for offset, wall_ms in (step for claim in sorted(claims, key=len, reverse=True) for step in claim):
        if heard[offset : offset + STEP].mean() < _OVERLAP:
            heard[offset : offset + STEP] = True
            traced.append((offset / PER_MS, wall_ms))
    return sorted(traced)


def _energies(samples: Samples, band: int) -> NDArray[np.float64]:
    """Energy of each note of a band in windows of 100 ms, one row each 5 ms; row 0 is centred on sample 0."""
    padded = np.concatenate([np.zeros(_WINDOW // 2, np.float32), samples, np.zeros(_WINDOW, np.float32)])
    bins = [frequency(band, note) * _WINDOW // RATE for note in range(NOTES)]
    hann = np.hanning(_WINDOW).astype(np.float32)
    rows = []
    for start in range(0, max(len(samples), 1), _BLOCK):
        block = padded[start : start + _BLOCK - _HOP + _WINDOW]
        windows = np.lib.stride_tricks.sliding_window_view(block, _WINDOW)[::_HOP]
        rows.append(np.abs(np.fft.rfft(windows * hann, axis=1)[:, bins]) ** 2)
    return np.concatenate(rows)


def _codewords(energies: NDArray[np.float64], band: int) -> list[tuple[int, int]]:
    """(first sample, second modulo 2**22) of each valid codeword in a band."""
    total = energies.sum(axis=1) + 1e-12
    note = energies.argmax(axis=1)
    clear = energies.max(axis=1) / total > _CLEAR
    loud = total > total.max() * 1e-3
    at_start = np.flatnonzero((note == START_NOTE) & clear & loud)
    found = []
    for run in np.split(at_start, np.flatnonzero(np.diff(at_start) > _GAP_ROWS) + 1):
        if not len(run):
            continue
        weight = energies[run, START_NOTE]
        centre = float((run * weight).sum() / weight.sum())
        rows = np.round(centre + np.arange(SLOTS) * (SLOT / _HOP)).astype(int)
        if rows[-1] >= len(note) or not (clear & loud)[rows].all():
            continue
        second = second_of_notes([int(n) for n in note[rows]], band)
        if second is not None:
            found.append((round(centre * _HOP) - SLOT // 2, second))
    return found


def _nearest(second: int, around: int) -> int:
    lap = 1 << CLOCK_BITS
    return around + (second - around + lap // 2) % lap - lap // 2


def _sharpened(samples: Samples, mark: Mark) -> Mark:
    """Move a mark to the sample where the notes as sung and as heard agree best."""
    sung = code(mark.wall_ms, RATE, mark.voice)
    first = mark.sample_offset - _LISTEN_AROUND
    before = np.zeros(max(-first, 0), np.float32)
    heard = np.concatenate([before, samples[max(first, 0) : mark.sample_offset + RATE + _LISTEN_AROUND]])
    size = 1 << (len(heard) + len(sung)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sung, size)), size)
    return mark._replace(sample_offset=first + int(match[: 2 * _LISTEN_AROUND].argmax()))


def _is_sung_through(samples: Samples, mark: Mark) -> bool:
    """Whether nearly all steps of the codeword are in phase; one that spans a cut may pass its CRC, but not this."""
    offsets = range(max(mark.sample_offset, 0), min(mark.sample_offset + RATE, len(samples)) - STEP + 1, STEP)
    shift = mark.wall_ms * PER_MS - mark.sample_offset
    agreeing = sum(_agrees(samples, offset, (offset + shift) // PER_MS, [mark.voice]) for offset in offsets)
    return agreeing > _IN_PHASE * RATE / STEP


def _takes(marks: list[Mark]) -> list[Take]:
    """Marks of all voices gathered into uncut stretches, in file order."""
    takes: list[Take] = []
    for mark in marks:
        shift = mark.wall_ms * PER_MS - mark.sample_offset
        near = [take for take in takes[-BANDS:] if abs(take.shift - shift) < _SAME_TAKE]
        if near:
            near[-1].marks.append(mark)
        else:
            takes.append(Take(shift, [mark]))
    for take in takes:
        take.shift = int(np.median([mark.wall_ms * PER_MS - mark.sample_offset for mark in take.marks]))
    return takes


def _steps(samples: Samples, take: Take) -> list[tuple[int, int]]:
    """(sample, wall clock ms) of the steps around the marks of a take that carry its notes, up to the cuts."""
    bands = sorted({mark.voice for mark in take.marks})
    first = max(take.marks[0].sample_offset, take.marks[0].sample_offset % STEP)
    last = take.marks[-1].sample_offset
    found = _followed(samples, take.shift, bands, range(first, len(samples) - STEP + 1, STEP), last)
    return found + _followed(samples, take.shift, bands, range(first - STEP, -1, -STEP), first)


def _followed(samples: Samples, shift: int, bands: list[int], offsets: range, certain: int) -> list[tuple[int, int]]:
    """The steps at these offsets that agree; two that do not, one after the other beyond `certain`, are the cut."""
    found: list[tuple[int, int]] = []
    silent = 0
    for offset in offsets:
        if _agrees(samples, offset, (offset + shift) // PER_MS, bands):
            found.append((offset, (offset + shift) // PER_MS))
            silent = 0
            continue
        silent += 1
        beyond = offset > certain if offsets.step > 0 else offset < certain
        if silent > 1 and beyond:
            break
    return found


def _agrees(samples: Samples, offset: int, wall_ms: int, bands: list[int]) -> bool:
    """Whether the step sounds as the code would at that wall clock, in phase and among the other notes of its bands."""
    heard = np.fft.rfft(samples[offset : offset + STEP])
    in_phase = total = 0.0
    for band in bands:
        sung = np.fft.rfft(code(wall_ms, STEP, band))
        notes = [frequency(band, note) * STEP // RATE for note in range(NOTES)]
        size = float(np.linalg.norm(sung[notes])) + 1e-9
        in_phase += max(float(np.real(np.vdot(sung[notes], heard[notes]))) / size, 0.0) ** 2
        total += float((np.abs(heard[notes]) ** 2).sum())
    return in_phase > 0.5 * total > 0.0
