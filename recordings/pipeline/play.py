"""Step 5, play: byte ranges of an archived file, as RFC 9110 section 14 describes them."""

import re
from dataclasses import dataclass

from django.core.files import File

from recordings import storage
from recordings.models import MediaFile

_RANGE = re.compile(r"^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$", re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range lies wholly beyond the end of the file: the answer is 416 with `Content-Range: bytes */size`."""


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` to `end`, both included, of a file of `size` bytes."""

    start: int
    end: int
    size: int
    open_ended: bool = False
    """Whether the client left the end open: the server may then choose to send less."""

    @property
    def length(self) -> int:
        return self.end - self.start + 1

    @property
    def content_range(self) -> str:
        """The `Content-Range` header of a 206 answer."""
        return f"bytes {self.start}-{self.end}/{self.size}"

    def capped(self, most: int) -> "ByteRange":
        """The same range; when its end was left open, at most `most` bytes of it."""
        if not self.open_ended or self.length <= most:
            return self
        return ByteRange(self.start, self.start + most - 1, self.size, open_ended=True)


def parse_range(header: str, *, size: int) -> ByteRange | None:
    """The range that a `Range` header asks for; none when the whole file is to be sent.

    A header that is malformed, in another unit or asks for several ranges is ignored, as RFC 9110 allows.
    """
    found = _RANGE.match(header)
    if not found or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    if first == "":
        return _suffix(int(last), size)
    start, end = int(first), int(last) if last else size - 1
    if last and end < start:
        return None
    if start >= size:
        raise Unsatisfiable(f"bytes */{size}")
    return ByteRange(start, min(end, size - 1), size, open_ended=not last)


def _suffix(length: int, size: int) -> ByteRange:
    if not length or not size:
        raise Unsatisfiable(f"bytes */{size}")
    return ByteRange(max(size - length, 0), size - 1, size)


def etag(media_file: MediaFile) -> str:
    """A strong validator: the content's own hash."""
    return f'"{media_file.sha256}"'


def matches(if_range: str, media_file: MediaFile) -> bool:
    """Whether an `If-Range` header still speaks of these bytes. Dates never match: only the hash is exact."""
    return not if_range or if_range.strip() == etag(media_file)


class Blocks:
    """The bytes of one range, block by block. Closes its file at the end, or when told to."""

    def __init__(self, file: "File[bytes]", *, length: int) -> None:
        self._file = file
        self._left = length

    def __iter__(self) -> "Blocks":
        return self

    def __next__(self) -> bytes:
        block = self._file.read(min(storage.BLOCK_BYTES, self._left)) if self._left > 0 else b""
        self._left -= len(block)
        if not block:
            self.close()
            raise StopIteration
        return block

    def close(self) -> None:
        """Lets go of the file; a web server calls it when the client has gone."""
        self._left = 0
        self._file.close()


def open_range(media_file: MediaFile, start: int, end: int) -> Blocks:
    """The bytes `start` to `end`, both included. Raises FileNotFoundError at once when the archive lost the object."""
    file = storage.archive().open(media_file.archive_key, "rb")
    file.seek(start)
    return Blocks(file, length=end - start + 1)
