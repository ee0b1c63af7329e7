"""Byte ranges as HTTP defines them (RFC 9110, section 14) and as the official SDKs really send them."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)
_LONGEST = 18
"""Digits of a position; more cannot be a place in a file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Both ends are included, as in Content-Range."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range is well formed but starts behind the end of the file."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range asked for; None when the whole file is to be sent.

    Whatever is not one well-formed range is ignored: older Python SDKs send `bytes=None` and `bytes=5`, older
    JavaScript ones `bytes=undefined`, and several ranges at once are nobody's need here.
    """
    matched = _SINGLE.fullmatch(header or "")
    if matched is None:
        return None
    first, last = matched[1], matched[2]
    if max(len(first), len(last)) > _LONGEST or not (first or last):
        return None
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise Unsatisfiable
        return ByteRange(size - length, size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return ByteRange(int(first), min(int(last), size - 1) if last else size - 1)
