"""One transfer of one file: resumes what an earlier attempt brought, and goes on after interruptions."""

import contextlib
import socket
import time

from recordings import clock, crashpoints, storage
from recordings.acs import errors
from recordings.acs.client import Client, ContentStream
from recordings.models import Attempt, MediaFile
from recordings.pipeline.leases import Lease
from recordings.pipeline.spool import Part, check_room
from recordings.states import AttemptOutcome

MOST_INTERRUPTIONS = 100
"""Within one attempt, and only as long as each connection brings bytes."""
PAUSE_SECONDS = 0.2
RESUMABLE = (AttemptOutcome.LAPSED, AttemptOutcome.FAILED)


class _Changed(errors.BadAnswer):
    """The remote file is not the one whose bytes lie here."""

    def __init__(self) -> None:
        super().__init__("The file changed at the service while it was fetched.")


class Transfer:
    """Fills a part with the whole file, or raises what kept it from that."""

    def __init__(self, file: MediaFile, attempt: Attempt, part: Part, lease: Lease) -> None:
        self._file = file
        self._attempt = attempt
        self._part = part
        self._lease = lease
        self._complete = False
        self._restarted = False

    def run(self) -> None:
        """Returns once every byte is in the part."""
        client = Client(self._file.chunk.resource)
        url = location(self._file, client)
        self._take_over()
        self._complete = self._attempt.total is not None and self._part.size == self._attempt.total
        while not self._complete:
            self._go_on(client, url)
        self._count()

    def _go_on(self, client: Client, url: str) -> None:
        """One connection. Returns when it ended well, or when another one is worth while."""
        before = self._part.size
        try:
            self._stream(client, url)
        except (errors.RangeRefused, errors.BadAnswer) as error:
            if isinstance(error, errors.RangeRefused) and error.total == before:
                self._complete = True
                return
            if before == 0 or self._restarted:
                raise
            self._restarted = True
            self._begin_anew()
        except errors.Unreachable:
            brought = self._part.size > before
            if not brought or self._attempt.interruptions >= MOST_INTERRUPTIONS:
                raise
            self._attempt.interruptions += 1
            self._lease.wait(PAUSE_SECONDS)
        finally:
            self._count()

    def _stream(self, client: Client, url: str) -> None:
        crashpoints.reach("retrieve.before_request")
        with client.open_content(
            url,
            document_id=self._file.chunk.document_id,
            offset=self._part.size,
            validator=self._attempt.validator,
        ) as stream:
            skip = self._accept(stream)
            for block in stream:
                kept = block[skip:]
                skip -= len(block) - len(kept)
                self._part.write(kept)
                self._lease.tick()
                crashpoints.reach("retrieve.mid_file")
        total = self._attempt.total
        if total is not None and self._part.size < total:
            raise errors.Unreachable(
                f"The service sent {self._part.size} of {total} bytes. It is tried again.",
                sent=True,
                kind="interrupted",
            )
        if total is not None and self._part.size > total:
            raise _Changed
        self._complete = True

    def _accept(self, stream: ContentStream) -> int:
        """Decides whether the stream continues the part; returns how many of its first bytes are here already."""
        known, size = self._attempt, self._part.size
        self._attempt.http_status = stream.status
        differs = known.validator and stream.validator and known.validator != stream.validator
        grew = known.total is not None and stream.total is not None and known.total != stream.total
        if size and stream.offset and (differs or grew):  # the service took the range and not the condition on it
            raise _Changed
        if size and not stream.offset:
            self._begin_anew()
            size = 0
        known.validator = stream.validator[:300]
        known.total = stream.total
        known.save(update_fields=["validator", "total", "http_status", "resumed_from", "bytes_received"])
        if stream.total is not None:
            check_room(stream.total - size)
        return size - stream.offset

    def _begin_anew(self) -> None:
        self._part.empty()
        attempt = self._attempt
        attempt.resumed_from, attempt.bytes_received, attempt.validator, attempt.total = 0, 0, "", None

    def _count(self) -> None:
        self._attempt.bytes_received = max(self._part.size - self._attempt.resumed_from, 0)

    def _take_over(self) -> None:
        """Continues with the longest part of an earlier attempt.

        The part of an attempt that ended is renamed. One whose worker died or stalled is copied: that worker may wake
        and write on.
        """
        found = self._best()
        if found is None:
            return
        earlier, size = found
        path = storage.spool_path(storage.part_name(self._file.pk, earlier.number))
        attempt = self._attempt
        attempt.resumed_from, attempt.validator, attempt.total = size, earlier.validator, earlier.total
        attempt.save(update_fields=["resumed_from", "validator", "total"])
        crashpoints.reach("retrieve.before_take_over")
        if earlier.outcome == AttemptOutcome.FAILED:
            self._part.adopt(path, size=size, tick=self._lease.tick)
        else:
            self._part.copy_from(path, size=size, tick=self._lease.tick)
            path.unlink(missing_ok=True)
        crashpoints.reach("retrieve.after_take_over")

    def _best(self) -> tuple[Attempt, int] | None:
        """The earlier attempt with the most bytes that are surely on the disk, and their number."""
        held: list[tuple[int, int, Attempt]] = []
        for each in self._file.attempts.filter(number__lt=self._attempt.number, outcome__in=RESUMABLE):
            with contextlib.suppress(FileNotFoundError):
                there = storage.spool_path(storage.part_name(self._file.pk, each.number)).stat().st_size
                held.append((there if _on_this_boot(each) else min(there, _flushed(each)), each.number, each))
        size, _, attempt = max(held, default=(0, 0, self._attempt))
        return (attempt, size) if size else None


def _flushed(attempt: Attempt) -> int:
    return attempt.resumed_from + attempt.bytes_received


def _on_this_boot(attempt: Attempt) -> bool:
    """Whether the attempt ran on this machine since it was started.

    Then the operating system still has all it was given, even by a process that was killed. After a power cut, what was
    written last may be zeros on the disk: only what was flushed counts.
    """
    booted_at = clock.now() - clock.seconds(time.clock_gettime(time.CLOCK_BOOTTIME))
    return attempt.worker.startswith(f"{socket.gethostname()}:") and attempt.started_at > booted_at


def location(file: MediaFile, client: Client) -> str:
    """Where the file lies: as announced, or where the service of 2021-04 kept it."""
    chunk = file.chunk
    if file.artefact == MediaFile.Artefact.METADATA:
        return chunk.metadata_location or client.legacy_metadata_url(chunk.document_id)
    return chunk.content_location or client.legacy_media_url(chunk.document_id)
