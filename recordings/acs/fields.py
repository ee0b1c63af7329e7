"""Reading JSON that comes from outside: every value may be missing, of the wrong type, absurd or hostile."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EARLIEST_YEAR = 2000
_LATEST_YEAR = 2200
_FOLDED_KEYS_LIMIT = 1000

LABEL_LENGTH = 300
ID_BYTES = 600
URL_LENGTH = 4000


class Fields:
    """One JSON object, read by name without regard to case. Anything else than an object reads as an empty one.

    The services spell their own names in several ways: `specVersion` in azure-rest-api-specs' CloudEvents samples,
    `communicationidentifier` in its CallEnded sample, Pascal case in enumerations.
    """

    def __init__(self, value: object) -> None:
        self._values: dict[str, object] = {}
        if isinstance(value, dict):
            for key, item in list(value.items())[:_FOLDED_KEYS_LIMIT]:
                self._values.setdefault(str(key).lower(), item)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def raw(self, name: str) -> object:
        return self._values.get(name.lower())

    def inner(self, *path: str) -> "Fields":
        """The object under `path`; an empty one when there is none."""
        found = self
        for name in path:
            found = Fields(found.raw(name))
        return found

    def list_of(self, name: str) -> Iterator["Fields"]:
        """The items of the list under `name`, each as an object. A lone object is a list of one."""
        value = self.raw(name)
        if isinstance(value, dict):
            yield Fields(value)
        elif isinstance(value, list):
            yield from (Fields(item) for item in value)

    def identifier(self, name: str, *, most_bytes: int = ID_BYTES) -> str:
        """An id, whole or not at all: a shortened id would name something else. Empty when absent or unusable."""
        return identifier(self.raw(name), most_bytes=most_bytes)

    def label(self, name: str, *, most: int = LABEL_LENGTH) -> str:
        """Text for people and for comparison, cut to `most` characters."""
        return label(self.raw(name), most=most)

    def url(self, name: str) -> str:
        """An address, whole or not at all, and without blanks or control characters."""
        value = self.raw(name)
        if not isinstance(value, str) or len(value) > URL_LENGTH:
            return ""
        address = storable(value).strip()
        return "" if _CONTROL.search(address) or " " in address else address

    def number(self, name: str) -> float | None:
        """A finite number, also when it comes as text; none otherwise."""
        value = self.raw(name)
        if isinstance(value, str) and len(value) <= LABEL_LENGTH:
            try:
                value = float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if abs(number) < float("inf") else None

    def whole(self, name: str, *, most: int) -> int | None:
        """A whole number from 0 to `most`, rounded when it comes with a fraction; none otherwise."""
        number = self.number(name)
        if number is None or number < 0 or number > most:
            return None
        return round(number)

    def moment(self, name: str) -> datetime | None:
        return moment(self.raw(name))


def storable(text: str) -> str:
    """`text` with what a database refuses replaced: NUL (PostgreSQL) and lone surrogates (UTF-8)."""
    return _UNSTORABLE.sub("\ufffd", text)


def label(value: object, *, most: int = LABEL_LENGTH) -> str:
    """`value` as stored text of at most `most` characters; empty unless it is text or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)[:most]
    return storable(value[: 4 * most]).strip()[:most] if isinstance(value, str) else ""


def identifier(value: object, *, most_bytes: int = ID_BYTES) -> str:
    """`value` as an id: empty when it is no text, holds control characters or is longer than any id of the service."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    if not isinstance(value, str) or len(value) > most_bytes or _UNSTORABLE.search(value):
        return ""
    found = value.strip()
    return "" if _CONTROL.search(found) or len(found.encode()) > most_bytes else found


def moment(value: object) -> datetime | None:
    """An ISO 8601 moment in UTC, with up to seven digits of a second; without an offset it is taken as UTC.

    None for anything else, and for years that no recording can have.
    """
    if not isinstance(value, str) or len(value) > LABEL_LENGTH:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if _EARLIEST_YEAR <= found.year <= _LATEST_YEAR else None
