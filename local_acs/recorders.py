"""The recorder processes: one per recording, spoken to in lines of JSON, dead with their parent."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from local_acs.clock import parse
from local_acs.documents import BadDocument, JsonObject, read_object
from local_acs.lifeline import environment_for_child

logger = logging.getLogger(__name__)

START_SECONDS = 20.0
"""How long a recorder may take until it records; loading the codecs takes well below a second on an idle machine."""
ACKNOWLEDGE_SECONDS = 5.0
EXIT_SECONDS = 30.0
"""A recorder that was told to stop and is still there after this is killed; its journal tells the rest."""


class RecorderError(Exception):
    """The recorder could not be started or does not answer."""


class RecorderGone(RecorderError):
    """The recorder has exited, and with it the recording has ended."""


@dataclass(slots=True)
class _Recorder:
    process: asyncio.subprocess.Process
    answers: dict[str, asyncio.Future[datetime]] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Recorders:
    """Starts, commands and watches recorders. `on_exit` is called once for every one that had started."""

    def __init__(self, on_exit: Callable[[int], Awaitable[None]]) -> None:
        self._on_exit = on_exit
        self._running: dict[int, _Recorder] = {}
        self._closing = False

    @property
    def count(self) -> int:
        return len(self._running)

    async def start(self, key: int, folder: Path) -> tuple[datetime, int]:
        """Start the recorder of `folder`; when it began to record, and its process id."""
        with (folder / "recorder.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "local_acs.recorder",
                str(folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment_for_child(),
                # A Ctrl-C in the terminal is for the parent, which stops its recorders in order.
                start_new_session=True,
            )
        recorder = _Recorder(process)
        started = self._expect(recorder, "started")
        reader = asyncio.create_task(self._read(recorder))
        try:
            began = await asyncio.wait_for(started, START_SECONDS)
        except (TimeoutError, RecorderError, asyncio.CancelledError) as error:
            await self._discard(recorder, reader)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise RecorderError(f"the recorder in {folder} did not start; see recorder.log there") from error
        self._running[key] = recorder
        recorder.tasks.append(asyncio.create_task(self._watch(key, recorder, reader)))
        return began, process.pid

    async def pause(self, key: int) -> None:
        """Returns once nothing is recorded any more; raises RecorderError when the recorder cannot confirm it."""
        await self._ask(key, {"do": "pause"}, "paused")

    async def resume(self, key: int) -> None:
        await self._ask(key, {"do": "resume"}, "resumed")

    async def tell(self, key: int, command: JsonObject) -> None:
        """Send a command that needs no answer; a recorder that is gone has its exit handled elsewhere."""
        recorder = self._running.get(key)
        if recorder is not None:
            with contextlib.suppress(RecorderError):
                await self._write(recorder, command)

    async def stop(self, key: int, reason: str) -> None:
        """Tell the recorder to close its files and exit; one that does not is killed later."""
        recorder = self._running.get(key)
        if recorder is None:
            return
        with contextlib.suppress(RecorderError):
            await self._write(recorder, {"do": "stop", "reason": reason})
        recorder.tasks.append(asyncio.create_task(self._insist(recorder, EXIT_SECONDS)))

    async def close(self, seconds: float) -> None:
        """Stop every recorder for the service's own end; what still runs after `seconds` is killed."""
        self._closing = True
        recorders = list(self._running.values())
        for recorder in recorders:
            with contextlib.suppress(RecorderError):
                await self._write(recorder, {"do": "stop", "reason": "ServiceStopped"})
        await asyncio.gather(*(self._insist(recorder, seconds) for recorder in recorders))
        for recorder in recorders:
            for task in recorder.tasks:
                task.cancel()

    async def _ask(self, key: int, command: JsonObject, answer: str) -> None:
        recorder = self._running.get(key)
        if recorder is None:
            raise RecorderGone("the recorder is gone")
        expected = self._expect(recorder, answer)
        try:
            await self._write(recorder, command)
            await asyncio.wait_for(expected, ACKNOWLEDGE_SECONDS)
        except TimeoutError as error:
            raise RecorderError(f"the recorder did not answer {command['do']}") from error
        finally:
            recorder.answers.pop(answer, None)

    def _expect(self, recorder: _Recorder, answer: str) -> asyncio.Future[datetime]:
        future: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
        recorder.answers[answer] = future
        return future

    async def _write(self, recorder: _Recorder, command: JsonObject) -> None:
        stdin = recorder.process.stdin
        if stdin is None or stdin.is_closing():
            raise RecorderGone("the recorder no longer listens")
        try:
            stdin.write(json.dumps(command).encode() + b"\n")
            await asyncio.wait_for(stdin.drain(), ACKNOWLEDGE_SECONDS)
        except (OSError, TimeoutError) as error:
            raise RecorderGone("the recorder no longer listens") from error

    async def _read(self, recorder: _Recorder) -> None:
        stdout = recorder.process.stdout
        if stdout is None:
            raise RecorderError("the recorder has no standard output")
        async for line in stdout:
            try:
                message = read_object(line)
                name, at = str(message.get("event")), message.get("at")
                moment = parse(at) if isinstance(at, str) else None
            except (BadDocument, ValueError):
                logger.warning("recorder %d wrote what is no message: %r", recorder.process.pid, line[:200])
                continue
            if name == "error":
                logger.warning("recorder %d: %s", recorder.process.pid, message.get("message"))
            waiting = recorder.answers.get(name)
            if waiting is not None and moment is not None and not waiting.done():
                waiting.set_result(moment)
        for waiting in recorder.answers.values():
            if not waiting.done():
                waiting.set_exception(RecorderGone("the recorder has exited"))

    async def _watch(self, key: int, recorder: _Recorder, reader: asyncio.Task[None]) -> None:
        await reader
        status = await recorder.process.wait()
        if status != 0:
            logger.warning("recorder %d ended with status %d; its files are finished from the journal", key, status)
        self._running.pop(key, None)
        if not self._closing:
            await self._on_exit(key)

    async def _insist(self, recorder: _Recorder, seconds: float) -> None:
        try:
            await asyncio.wait_for(recorder.process.wait(), seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                recorder.process.kill()
            await recorder.process.wait()

    async def _discard(self, recorder: _Recorder, reader: asyncio.Task[None]) -> None:
        with contextlib.suppress(ProcessLookupError):
            recorder.process.kill()
        await recorder.process.wait()
        await reader


def kill_leftover(pid: int, folder: Path) -> None:
    """Kill the recorder `pid` of `folder` if it has outlived the service that started it."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return
    if b"local_acs.recorder" in command and str(folder).encode() in command:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
