"""Keeps the processes of an installation running: writes the supervisor's configuration, starts it and stops it."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from dashboard import leash
from dashboard.processes import Process, base_environment

LOG_BYTES = 5_000_000
LOG_BACKUPS = 3
PROCESS_STOP_SECONDS = 3
"""How long a process may take to stop before it is killed."""
STOP_SECONDS = 4.2
"""How long the supervisor may take to stop them all before it is killed, and its children with it."""

HEAD = """\
; Written at every start of Tapedeck; changes are lost. The processes are named in dashboard/processes.py.
[supervisord]
nodaemon=true
silent=true
directory={base}
logfile={log}/supervisor.log
logfile_maxbytes={log_bytes}
logfile_backups={log_backups}
pidfile={run}/supervisord.pid
umask=077
"""

PROGRAM = """
[program:{name}]
command={command}
environment={environment}
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs={stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}/{name}.log
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups={log_backups}
"""

GROUP = """
; One group, so that a stop reaches all of them at once.
[group:tapedeck]
programs={names}
"""


def configuration(processes: Iterable[Process], *, base: Path, data: Path) -> str:
    """The text of the supervisor's configuration file."""
    places = {
        "base": _escaped(str(base)),
        "log": _escaped(str(data / "log")),
        "run": _escaped(str(data / "run")),
        "log_bytes": LOG_BYTES,
        "log_backups": LOG_BACKUPS,
        "stop_seconds": PROCESS_STOP_SECONDS,
    }
    parts = [HEAD.format(**places)]
    names = []
    for process in processes:
        names.append(process.name)
        leashed = [
            *(sys.executable, "-I", "-S", leash.__file__),
            *(str(pid_file(data, process.name)), str(process.niceness)),
            *process.command,
        ]
        parts.append(
            PROGRAM.format(
                name=process.name,
                command=_escaped(shlex.join(leashed)),
                environment=_environment(process.environment),
                **places,
            )
        )
    parts.append(GROUP.format(names=",".join(names)))
    return "".join(parts)


def pid_file(data: Path, name: str) -> Path:
    """Where the process id of `name` stands while it runs."""
    return data / "run" / f"{name}.pid"


def log_file(data: Path, name: str) -> Path:
    """Where the output of `name` is kept."""
    return data / "log" / f"{name}.log"


def _escaped(text: str) -> str:
    """`%` begins an expansion in the supervisor's configuration."""
    return text.replace("%", "%%")


def _environment(pairs: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs.items())


class Supervisor:
    """The supervisor of one installation, as a child of this process."""

    def __init__(self, processes: Iterable[Process], *, base: Path, data: Path) -> None:
        self.processes = tuple(processes)
        self.base = base
        self.data = data
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the supervisor in a session of its own, so that Ctrl-C reaches this process only."""
        for folder in ("run", "run/tmp", "log"):
            (self.data / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for process in self.processes:
            pid_file(self.data, process.name).unlink(missing_ok=True)
        config = self.data / "run" / "supervisord.conf"
        config.touch(mode=0o600)
        config.write_text(configuration(self.processes, base=self.base, data=self.data))
        pid = str(pid_file(self.data, "supervisor"))
        self.child = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", leash.__file__, pid, "0"),
                *(sys.executable, "-m", "supervisor.supervisord", "--configuration", str(config)),
            ],
            env=base_environment(),
            cwd=self.base,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def pid(self, name: str) -> int:
        """The process id that `name` was last started with; 0 before that."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(pid_file(self.data, name).read_text())
        return 0

    def has_ended(self, *, within: float) -> bool:
        """Whether the supervisor has ended, or ends in the next `within` seconds."""
        if self.child is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(within)
        return self.child.poll() is not None

    def stop(self) -> None:
        """Stops everything, gently at first, and returns when it has stopped."""
        if self.child is None:
            return
        self.child.terminate()
        if not self.has_ended(within=STOP_SECONDS):
            self.child.kill()  # the leash kills its children
            self.child.wait()
        self._kill_leftovers()
        self.child = None

    def _kill_leftovers(self) -> None:
        for process in self.processes:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                pid = self.pid(process.name)
                if pid and process.command[0] in Path(f"/proc/{pid}/cmdline").read_text():
                    os.killpg(pid, signal.SIGKILL)
            pid_file(self.data, process.name).unlink(missing_ok=True)
