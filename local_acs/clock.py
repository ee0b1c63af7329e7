"""The only module of this package that asks the machine what time it is."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def event_time(moment: datetime) -> str:
    """ISO 8601 with the seven fractional digits Azure writes, such as 2021-07-27T15:20:34.2199320Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def callback_time(moment: datetime) -> str:
    """The same with a numeric offset, as Call Automation callbacks write it."""
    return event_time(moment).removesuffix("Z") + "+00:00"


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, for our own files and the management surface."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse(text: str) -> datetime:
    """An aware datetime from ISO 8601 text; raises ValueError when it has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return moment.astimezone(UTC)
