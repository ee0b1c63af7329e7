"""The two time codes of generated media, written and read: what a test decodes can be computed from the wall clock."""

from local_acs.calls.picture_code import read_frame, strip
from local_acs.calls.sound_code import BANDS, RATE, code
from local_acs.calls.sound_reader import Mark, read_audio, trace_audio

__all__ = ["BANDS", "RATE", "Mark", "code", "read_audio", "read_frame", "strip", "trace_audio"]
