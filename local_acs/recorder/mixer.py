"""Puts the participants' voices together: into one channel, or each into a channel of their own."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from local_acs.calls.legs import Leg
from local_acs.calls.sound_code import Samples

MOST_CHANNELS = 5
"""An unmixed file has at most five channels (azure-docs call-recording.md: "up to 5 channels")."""


class Mixer(Protocol):
    """Makes the rows of a recording's sound."""

    channels: int

    def mix(self, legs: Sequence[Leg], wall_ms: int, count: int) -> Samples:
        """Return `count` samples per channel, one row a channel, from a moment on (ms since 1970)."""
        ...

    def channel_of(self, participant_id: str) -> int | None:
        """Return the channel a participant is heard in; None when they have no channel of their own."""
        ...


class MixedSound:
    """Everybody in one channel."""

    channels = 1

    def mix(self, legs: Sequence[Leg], wall_ms: int, count: int) -> Samples:
        sound = np.zeros((1, count), np.float32)
        for leg in legs:
            sound[0] += leg.sound(wall_ms, count)
        return np.clip(sound, -1, 1)

    def channel_of(self, participant_id: str) -> int | None:  # noqa: ARG002 - the same for everybody
        return None


class UnmixedSound:
    """A channel per participant for the whole recording: first as ordered, then as they come, up to five.

    An empty id in the order is a channel left free for whoever comes next.
    """

    channels = MOST_CHANNELS

    def __init__(self, order: Sequence[str]) -> None:
        self._channel = {who: index for index, who in enumerate(order[:MOST_CHANNELS]) if who}

    def mix(self, legs: Sequence[Leg], wall_ms: int, count: int) -> Samples:
        sound = np.zeros((self.channels, count), np.float32)
        for leg in legs:
            channel = self.channel_of(leg.participant_id)
            if channel is not None:
                sound[channel] = np.clip(leg.sound(wall_ms, count), -1, 1)
        return sound

    def channel_of(self, participant_id: str) -> int | None:
        """Return the channel of a participant, giving the next free one to a newcomer; None when all five are taken."""
        free = [channel for channel in range(MOST_CHANNELS) if channel not in self._channel.values()]
        if participant_id not in self._channel and free:
            self._channel[participant_id] = free[0]
        return self._channel.get(participant_id)
