"""How urgent a countdown is. `static/js/clock.js` computes the same from the same two numbers."""

from datetime import datetime, timedelta
from enum import StrEnum

AMBER_BELOW = 0.25
URGENT_BELOW = 0.10


class Urgency(StrEnum):
    CALM = "calm"
    AMBER = "amber"
    URGENT = "urgent"
    OVER = "over"


def urgency(*, until: datetime, window: timedelta, now: datetime) -> Urgency:
    """Of a deadline at `until` that was `window` long when it began."""
    left = (until - now) / window if window else 0.0
    if left <= 0:
        return Urgency.OVER
    if left < URGENT_BELOW:
        return Urgency.URGENT
    return Urgency.AMBER if left < AMBER_BELOW else Urgency.CALM
