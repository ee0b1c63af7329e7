"""The audible time code: a soft trill of eight notes a second that survives AAC and MP3 at 48 kbps and 16 kHz.

A codeword lasts one wall second and starts on it: a note that only ever marks the start, then seven notes of four
bits each, 22 bits of the clock in seconds (it comes round every 48 days) and 6 bits of CRC. There are six bands of
17 notes; a voice sings in one of them. Voices that share a band sing the same samples: they add up and stay readable.
"""

from binascii import crc_hqx
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
PER_MS = RATE // 1000
BANDS = 6
NOTES = 17
START_NOTE = 16
SLOTS = 8
SLOT = RATE // SLOTS
CLOCK_BITS, CRC_BITS = 22, 6
AMPLITUDE = 0.02

_LOWEST_HZ, _STEP_HZ = 1600, 40
_EDGE = 5 * PER_MS
_WHITENING = np.random.Generator(np.random.PCG64(2021)).integers(0, START_NOTE, (BANDS, SLOTS))
"""Gives each band a different note for the same bits: a cut that goes unheard in one band is heard in another."""

Samples = NDArray[np.float32]
"""Sound at 16 kHz, -1..1."""


def frequency(band: int, note: int) -> int:
    """Return the pitch of a note in Hz; a multiple of 40, so 25 ms hold a whole number of its periods."""
    return _LOWEST_HZ + _STEP_HZ * (NOTES * band + note)


def notes_of_second(second: int, band: int) -> list[int]:
    """Return the eight notes of the codeword for a second since 1970."""
    clock = second % (1 << CLOCK_BITS)
    word = clock << CRC_BITS | crc_of(clock)
    nibbles = [word >> 4 * (SLOTS - 1 - slot) & 15 for slot in range(1, SLOTS)]
    return [START_NOTE] + [nibble ^ int(_WHITENING[band, slot]) for slot, nibble in enumerate(nibbles, start=1)]


def second_of_notes(notes: list[int], band: int) -> int | None:
    """Return the second, modulo 2**22, that eight notes say, or None when they are not a codeword."""
    if notes[0] != START_NOTE or START_NOTE in notes[1:]:
        return None
    word = 0
    for slot, note in enumerate(notes[1:], start=1):
        word = word << 4 | note ^ int(_WHITENING[band, slot])
    clock, crc = word >> CRC_BITS, word & (1 << CRC_BITS) - 1
    return clock if crc == crc_of(clock) else None


def crc_of(clock: int) -> int:
    return crc_hqx(clock.to_bytes(4, "big"), 0x1D0F) & (1 << CRC_BITS) - 1


def code(wall_ms: int, count: int, band: int) -> Samples:
    """Return `count` samples of the time code in a band from a moment on (ms since 1970)."""
    first = wall_ms * PER_MS
    slots = range(first // SLOT, (first + count - 1) // SLOT + 1)
    sound: Samples = np.concatenate([_slot(slot, band) for slot in slots])
    skip = first % SLOT
    return np.asarray(sound[skip : skip + count], np.float32)


def _slot(slot: int, band: int) -> Samples:
    second, index = divmod(slot, SLOTS)
    return _note(band, _notes_of_second(second, band)[index])


@lru_cache(maxsize=4 * BANDS)
def _notes_of_second(second: int, band: int) -> list[int]:
    return notes_of_second(second, band)


@lru_cache(maxsize=BANDS * NOTES)
def _note(band: int, note: int) -> Samples:
    envelope = np.ones(SLOT)
    ramp = np.sin(np.linspace(0, np.pi / 2, _EDGE)) ** 2
    envelope[:_EDGE], envelope[-_EDGE:] = ramp, ramp[::-1]
    wave = np.sin(2 * np.pi * frequency(band, note) / RATE * np.arange(SLOT))
    return np.asarray(AMPLITUDE * envelope * wave, np.float32)
