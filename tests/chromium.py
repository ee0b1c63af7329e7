"""Finds the Chromium that the browser tests drive. `python -m tests.chromium` installs Debian's where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""What a test wants of the browser: nothing that talks to the world by itself."""


def executable() -> str | None:
    """The path of a Chromium: TAPEDECK_CHROMIUM, one in PATH, or Playwright's own; none when there is none."""
    named = os.environ.get("TAPEDECK_CHROMIUM", "")
    if named:
        return named if Path(named).is_file() else None
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def main() -> int:
    """Makes sure that there is one; says how to get it when that is not for this user to do."""
    if executable():
        return 0
    line = " ".join(INSTALL)
    if os.environ.get("TAPEDECK_CHROMIUM"):
        sys.stderr.write(f"TAPEDECK_CHROMIUM is “{os.environ['TAPEDECK_CHROMIUM']}”, and there is no such file.\n")
        return 1
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.stderr.write(f"The browser tests need Chromium. Install it with: {line}\n")
        sys.stderr.write("or with: .venv/bin/playwright install chromium, or name one in TAPEDECK_CHROMIUM.\n")
        return 1
    sys.stderr.write(f"The browser tests need Chromium; installing it: {line}\n")
    subprocess.run(["apt-get", "update"], check=True)
    subprocess.run(INSTALL, check=True)
    return 0 if executable() else 1


if __name__ == "__main__":
    sys.exit(main())
