"""Starts one program so that it dies with the process that started it, and leaves its process id in a file.

Run as `python leash.py PIDFILE NICENESS PROGRAM ARGUMENT…`; it becomes that program, and imports as little as possible.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""`man 2 prctl`: the signal this process gets when its parent dies; kept across exec."""


def die_with_parent() -> None:
    """Asks the kernel (Linux only; elsewhere nothing happens) to kill this process when its parent dies."""
    if not sys.platform.startswith("linux") or "TAPEDECK_SUPERVISED" not in os.environ:
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Becomes the program that the arguments name."""
    pid_file, niceness, *command = arguments
    die_with_parent()
    os.nice(int(niceness))
    with open(f"{pid_file}.new", "w") as file:  # noqa: PTH123  (pathlib would double the time this takes)
        file.write(f"{os.getpid()}\n")
    os.replace(f"{pid_file}.new", pid_file)  # noqa: PTH105
    os.execv(command[0], command)  # noqa: S606  (there is no shell, which is the point)


if __name__ == "__main__":
    main(sys.argv[1:])
