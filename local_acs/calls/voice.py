"""A generated voice: soft sung syllables while its person talks, and the audible time code all the time."""

from functools import lru_cache

import numpy as np

from local_acs.calls.person import TURN_MS, Person
from local_acs.calls.sound_code import PER_MS, RATE, Samples, code

SYLLABLE_MS = 250
_SYLLABLES = 24
LOOP = _SYLLABLES * SYLLABLE_MS * PER_MS
_LOUDNESS = 0.14
_HIGHEST_HZ = 1150
"""The voice ends below the bands of the time code."""

_VOWELS = ((730, 1090), (270, 900), (530, 1100), (570, 840), (300, 870), (440, 1020))
_MELODY = (0, 2, 4, 2, 0, -3, 0, 5)
_FADE_MS = 60


def sound(who: Person, wall_ms: int, count: int) -> Samples:
    """Return `count` samples of a person's microphone from a moment on (ms since 1970)."""
    heard = code(wall_ms, count, who.band)
    turns = range(wall_ms // TURN_MS, (wall_ms + count // PER_MS) // TURN_MS + 1)
    if not any(who.talks_at(turn * TURN_MS) for turn in turns):
        return heard
    places = np.arange(wall_ms * PER_MS, wall_ms * PER_MS + count)
    return heard + _gate(who, wall_ms, count, turns) * syllables(who.voice)[places % LOOP]


def _gate(who: Person, wall_ms: int, count: int, turns: range) -> Samples:
    """1 while the person talks, 0 while not, with short fades at the turns."""
    gate = np.zeros(count, np.float32)
    for turn in turns:
        if who.talks_at(turn * TURN_MS):
            into = (wall_ms - turn * TURN_MS) + np.arange(count, dtype=np.float32) / PER_MS
            gate = np.maximum(gate, np.clip(np.minimum(into, TURN_MS - into) / _FADE_MS, 0, 1))
    return gate


@lru_cache(maxsize=64)
def syllables(voice: int) -> Samples:
    """Return the loop of syllables of a voice (0-255): pitch, melody and rhythm are its own."""
    chance = np.random.Generator(np.random.PCG64(voice))
    base_hz = 98 * 2 ** (voice % 16 / 12)
    return np.concatenate([_syllable(base_hz, chance) for _ in range(_SYLLABLES)])


def _syllable(base_hz: float, chance: np.random.Generator) -> Samples:
    """One vowel with a soft onset; one in eight is a pause for breath."""
    t = np.arange(SYLLABLE_MS * PER_MS) / RATE
    pitch = base_hz * 2 ** (_MELODY[chance.integers(len(_MELODY))] / 12)
    vowel = _VOWELS[chance.integers(len(_VOWELS))]
    if chance.integers(8) == 0:
        return np.zeros(len(t), np.float32)
    vibrato = 0.12 * np.sin(2 * np.pi * 5 * t)
    wave = np.zeros(len(t))
    for harmonic in range(1, int(_HIGHEST_HZ / pitch) + 1):
        closeness = sum(np.exp(-(((harmonic * pitch - formant) / 160) ** 2)) for formant in vowel)
        wave += (0.15 / harmonic + closeness) * np.sin(harmonic * (2 * np.pi * pitch * t + vibrato))
    envelope = np.sin(np.pi * np.clip(t / t[-1], 0, 1)) ** 0.7
    return np.asarray(_LOUDNESS * envelope * wave / max(np.abs(wave).max(), 1e-6), np.float32)
