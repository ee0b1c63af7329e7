"""The one place of this package that reads the wall clock. Leases compare on the database's clock instead (`Now()`)."""

import uuid
from datetime import UTC, datetime, timedelta

from uuid6 import uuid7


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """A public id that sorts by its time of birth (UUID version 7, RFC 9562 section 5.7)."""
    return uuid.UUID(int=uuid7().int)


def seconds(amount: float) -> timedelta:
    """`amount` seconds as a duration, to be added to `now()` or to the database's `Now()`."""
    return timedelta(seconds=amount)
