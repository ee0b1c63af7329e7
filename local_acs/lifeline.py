"""Ties a child process to its parent: the kernel kills it when the parent is gone, however that came about."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping

_PARENT = "LOCAL_ACS_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def environment_for_child() -> Mapping[str, str]:
    """The environment to start a child with that is to call `die_with_parent`."""
    return {**os.environ, _PARENT: str(os.getpid())}


def die_with_parent() -> None:
    """Call first in a child. A process that somebody started by hand, without the environment, lives on its own.

    This is done by the child itself, since work between fork and exec is unsafe in a parent with threads.
    """
    parent = os.environ.get(_PARENT)
    if parent is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if str(os.getppid()) != parent:
        # It died before the kernel knew that it matters.
        sys.exit(1)
