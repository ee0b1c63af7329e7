"""The audible time code can be read from mixed voices after AAC and MP3, up to the edge of a cut."""

from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from local_acs.calls.person import person
from local_acs.calls.sound_code import notes_of_second, second_of_notes
from local_acs.calls.timecode import BANDS, RATE, code, read_audio, trace_audio
from local_acs.calls.voice import sound

NOON = 1_795_348_800_000
NEAR = datetime.fromtimestamp(NOON / 1000, UTC)


def coded(name: str, samples: np.ndarray, bits_per_second: int) -> np.ndarray:
    """Encode and decode; the delay of AAC stays in, MP3 says its own."""
    encoder = av.CodecContext.create(name, "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "mono", "fltp", bits_per_second
    decoder = av.CodecContext.create({"libmp3lame": "mp3float"}.get(name, name), "r")
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    return np.concatenate([out.to_ndarray()[0] for packet in [*packets, None] for out in decoder.decode(packet)])


def voices(people: int, wall_ms: int, seconds: int) -> np.ndarray:
    who = [person(f"8:acs:voice-{number}", "") for number in range(people)]
    return sum(sound(one, wall_ms, seconds * RATE) for one in who)


def test_each_second_has_a_codeword_of_its_own():
    assert [second_of_notes(notes_of_second(second, 3), 3) for second in (0, 1, 4_194_303)] == [0, 1, 4_194_303]


def test_a_wrong_note_is_no_codeword():
    notes = notes_of_second(1234, 0)
    assert second_of_notes([*notes[:4], (notes[4] + 1) % 16, *notes[5:]], 0) is None
    assert second_of_notes([0, *notes[1:]], 0) is None


@pytest.mark.parametrize(("codec", "rate"), [("aac", 64_000), ("aac", 48_000), ("libmp3lame", 48_000)])
@pytest.mark.parametrize("people", [1, 4, 9])
def test_voices_together_are_read_after_a_codec(codec, rate, people):
    marks = read_audio(coded(codec, voices(people, NOON + 250, 6), rate), RATE, near=NEAR)
    delay = {"aac": 1024, "libmp3lame": 0}[codec]
    assert {mark.wall_ms for mark in marks} >= {NOON + second * 1000 for second in range(1, 6)}
    assert all(abs(mark.sample_offset - delay - (mark.wall_ms - NOON - 250) * 16) < 160 for mark in marks)


@pytest.mark.parametrize("bands", [[2], [0, 3], range(BANDS)])
def test_a_trace_follows_the_notes_to_the_edges_of_a_cut(bands):
    before, after = [
        sum(code(wall_ms, count * 16, band) for band in bands) for wall_ms, count in ((NOON, 3456), (NOON + 7123, 3000))
    ]
    trace = trace_audio(np.concatenate([before, after]), RATE, near=NEAR)
    held = [wall_ms - NOON for _, wall_ms in trace if wall_ms < NOON + 5000]
    resumed = [wall_ms - NOON for _, wall_ms in trace if wall_ms > NOON + 5000]
    edges = [held[0], held[-1] + 25, resumed[0], resumed[-1] + 25]
    assert edges == pytest.approx([0, 3456, 7123, 10123], abs=50)


def test_silence_and_noise_say_nothing():
    noise = np.random.default_rng(7).normal(0, 0.1, 5 * RATE).astype(np.float32)
    assert read_audio(np.zeros(5 * RATE, np.float32), RATE) == []
    assert trace_audio(noise, RATE) == []


def test_another_rate_is_refused():
    with pytest.raises(ValueError, match="resample it first"):
        read_audio(np.zeros(44_100, np.float32), 44_100)


def test_the_code_is_quiet_and_the_same_wherever_it_is_cut():
    whole = code(NOON + 90, 40_000, 4)
    assert np.abs(whole).max() <= 0.02
    assert np.array_equal(whole[1600:], code(NOON + 190, 38_400, 4))
