"""The file system broker without its races: what one process writes, another sees whole or not at all.

kombu 5.7 writes messages and exchange tables into files that bear their final names already. A worker that looks in
between reads an empty message and dies of it, and of two processes that bind queues at once one may undo the other.
Here a file is written aside and renamed when it is complete.
"""

import fcntl
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

DRAFT = ".draft-"

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose files appear whole."""

    # The stubs of kombu disagree with each other about these two methods.
    def _put(self, queue: str, payload: object, **_: object) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000):015d}_{uuid.uuid4()}.{queue}.msg"
        _write(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str) -> object:  # type: ignore[override]
        """The next message. One that cannot be read (a power cut) is dropped: sweeps find its work again."""
        while True:
            try:
                return super()._get(queue)
            except ValueError as error:
                logger.warning("A damaged message of %s was dropped: %s", queue, error)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str) -> None:
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self.control_folder.mkdir(exist_ok=True)
        with _locked(self.control_folder):
            table = self.get_table(exchange)
            if binding not in table:
                _write(self.control_folder / f"{exchange}.exchange", dumps([binding, *table]))


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{DRAFT}{path.name}")
    try:
        draft.write_text(text)
        draft.rename(path)
    except OSError as error:
        raise ChannelError(f"Cannot write {path}: {error}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Transport(filesystem.Transport):
    """kombu's transport with the channel above."""

    Channel = Channel
