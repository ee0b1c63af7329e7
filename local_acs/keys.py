"""Secrets of this installation: generated at the first start and kept readable by their owner only."""

import base64
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def stored_key(path: Path) -> str:
    """The key in `path`, written there first (mode 0600) when the file does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept(path)
    key = new_key()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _kept(path: Path) -> str:
    kept = path.read_text(encoding="ascii").strip()
    if kept:
        return kept
    # An empty file is what a death between creation and writing leaves.
    path.unlink()
    return stored_key(path)
