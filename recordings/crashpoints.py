"""Named places where a test can kill the process, so that "what if it dies here" is tried rather than argued.

Each point stands directly before or after a commit, a remote call or a rename. `reach(name)` does nothing unless the
setting `TAPEDECK_CRASH_AT` names that point; then it leaves a mark in the data folder and sends SIGKILL to its own
process. With a real resource the setting is refused at the start (system check) and does nothing here: workers may run
without the checks, and production can never be killed this way.
"""

import os
import signal

from django.conf import settings

POINTS: frozenset[str] = frozenset(
    {
        "archive.after_commit",
        "archive.after_note_commit",
        "archive.after_put",
        "archive.after_verify",
        "archive.before_commit",
        "archive.before_note_commit",
        "archive.before_put",
        "control.after_commit",
        "control.after_start_commit",
        "control.after_watch",
        "control.after_watch_commit",
        "control.before_commit",
        "control.before_watch",
        "decode.after_commit",
        "decode.before_commit",
        "ingest.after_commit",
        "ingest.before_commit",
        "losses.after_commit",
        "losses.before_commit",
        "manifest.after_commit",
        "manifest.after_write",
        "manifest.before_write",
        "notification.after_commit",
        "notification.before_commit",
        "pulling.after_acknowledge",
        "pulling.after_receive",
        "pulling.before_acknowledge",
        "reconcile.after_apply",
        "reconcile.after_ask",
        "reconcile.before_ask",
        "remote_delete.after_commit",
        "remote_delete.after_request",
        "remote_delete.before_request",
        "retrieve.after_claim_commit",
        "retrieve.after_commit",
        "retrieve.after_take_over",
        "retrieve.before_claim_commit",
        "retrieve.before_commit",
        "retrieve.before_request",
        "retrieve.before_take_over",
        "retrieve.mid_file",
        "sending.after_record",
        "sending.after_send",
        "sending.before_send",
        "storage.after_link",
        "storage.before_link",
    }
)


def reach(name: str) -> None:
    """Dies here when the environment asks for it; the mark `<data>/crashed/<name>` proves that it was reached."""
    if name != settings.TAPEDECK_CRASH_AT or not settings.TAPEDECK_EMBEDDED:
        return
    marks = settings.TAPEDECK_DATA / "crashed"
    marks.mkdir(parents=True, exist_ok=True)
    mark = marks / name
    if mark.exists():  # once only: the process that starts again must get past this point
        return
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
