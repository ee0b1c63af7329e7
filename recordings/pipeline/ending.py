"""When a recording ended, told by several events that may come in any order."""

from datetime import datetime, timedelta

from django.db.models import Min

from recordings import buckets
from recordings.models import Recording


def settle_end(recording: Recording) -> None:
    """Works out the end anew from all that is known, and stores it when it changed."""
    recording.refresh_from_db()
    end = end_of(recording)
    if end and end != recording.ended_at:
        Recording.objects.filter(pk=recording.pk).update(ended_at=end)
        buckets.settle(recording)
        recording.refresh_from_db()


def end_of(recording: Recording) -> datetime | None:
    """The most exact end that the facts allow.

    Start plus duration as the file event states them is a lower bound: whether the duration counts pauses is not
    documented. An end that was observed (a stop, the call's end) is better when it lies between that and the event.
    """
    announced = recording.chunks.aggregate(first=Min("announced_at"))["first"]
    call_ended = recording.call.ended_at if recording.call else None
    observed = [moment for moment in (recording.ended_at, call_ended) if moment]
    if recording.started_at is None or recording.duration_ms is None:
        return min([*observed, *([announced] if announced else [])], default=None)
    stated = recording.started_at + timedelta(milliseconds=recording.duration_ms)
    fitting = [moment for moment in observed if stated <= moment and (announced is None or moment <= announced)]
    return max(fitting, default=stated)
