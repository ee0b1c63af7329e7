"""The bytes of archived files. Playing and downloading are two permissions, and two addresses with limits of their own.

Playing caps an open-ended range, because a browser asks for “the rest” and then stalls while it holds a thread of the
web server. Downloading serves the whole rest, so that an interrupted download can be resumed, to a few clients at once.
"""

import threading
import uuid
from collections.abc import Iterator

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.access import OperatorRequest, Verb
from recordings.models import MediaFile
from recordings.pipeline import play as playback
from recordings.states import MediaState

PLAY_BLOCK_BYTES = 1024 * 1024
"""The most that one open-ended range of the player gets at once."""
DOWNLOADS_AT_ONCE = 8
"""Per web process; the ninth is told to come back."""
RETRY_AFTER_SECONDS = 10

_downloads = threading.BoundedSemaphore(DOWNLOADS_AT_ONCE)
_INLINE_TYPES = frozenset({"video/mp4", "audio/mpeg", "audio/wav", "audio/x-wav", "audio/mp4"})
_EXTENSIONS = {
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "application/json": "json",
}


@require_safe
def play(request: OperatorRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A file for the player, in the ranges it asks for."""
    file = access.media_file(request.user, pk, verb=Verb.PLAY)
    if file.state != MediaState.ARCHIVED:
        return _not_here(file)
    return _ranged(request, file, cap=PLAY_BLOCK_BYTES)


@require_safe
def download(request: OperatorRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A file to keep, whole or from where an earlier download broke off."""
    file = access.media_file(request.user, pk, verb=Verb.DOWNLOAD)
    if file.state != MediaState.ARCHIVED:
        return _not_here(file)
    response = _ranged(request, file, cap=None)
    response.headers["Content-Disposition"] = f'attachment; filename="{_name(file)}"'
    return response


class _Slot:
    """The blocks of a download, which give their slot back when they are closed, however that comes about."""

    def __init__(self, blocks: playback.Blocks) -> None:
        self._blocks = blocks
        self._held = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except StopIteration:
            self.close()
            raise

    def close(self) -> None:
        self._blocks.close()
        if self._held:
            self._held = False
            _downloads.release()


def _ranged(request: OperatorRequest, file: MediaFile, *, cap: int | None) -> HttpResponseBase:
    size = file.size or 0
    header = request.headers.get("Range", "")
    if not playback.matches(request.headers.get("If-Range", ""), file):
        header = ""
    try:
        wanted = playback.parse_range(header, size=size) if header else None
    except playback.Unsatisfiable:
        return _described(HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"}), file)
    if not header and request.headers.get("If-None-Match", "") == playback.etag(file):
        return _described(HttpResponse(status=304), file)
    if wanted and cap is not None:
        wanted = wanted.capped(cap)
    start, end = (wanted.start, wanted.end) if wanted else (0, size - 1)
    response = _body(request, file, start=start, end=end, is_download=cap is None)
    if response.status_code == 200:  # noqa: PLR2004
        response.headers["Content-Length"] = str(end - start + 1)
        if wanted:
            response.status_code = 206
            response.headers["Content-Range"] = wanted.content_range
    return _described(response, file)


def _body(request: OperatorRequest, file: MediaFile, *, start: int, end: int, is_download: bool) -> HttpResponseBase:
    if request.method == "HEAD":
        return HttpResponse()
    if is_download and not _downloads.acquire(blocking=False):
        return HttpResponse(
            _("Too many downloads at once; try again in a few seconds."),
            status=503,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    try:
        blocks = playback.open_range(file, start, end)
    except FileNotFoundError:
        if is_download:
            _downloads.release()
        return _cannot_be_read()
    return StreamingHttpResponse(_Slot(blocks) if is_download else blocks)


def _described(response: HttpResponseBase, file: MediaFile) -> HttpResponseBase:
    """The headers of every answer. What is not a known media type is never shown by the browser, only saved."""
    if response.status_code < 400:  # noqa: PLR2004
        known = file.media_type in _INLINE_TYPES or file.media_type == "application/json"
        response.headers["Content-Type"] = file.media_type if known else "application/octet-stream"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = playback.etag(file)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; media-src 'self'; sandbox"
    return response


def _not_here(file: MediaFile) -> HttpResponse:
    text = _("This file is not in the archive: its state is “%(state)s”.") % {"state": file.get_state_display()}
    return HttpResponse(text, status=404, content_type="text/plain; charset=utf-8")


def _cannot_be_read() -> HttpResponse:
    """For a file that was archived and is gone from there."""
    text = _(
        "This file cannot be read from the archive, although it was put there: it is gone, or the archive cannot be "
        "reached. Run `manage.py ledger` to see every file that is missing, and see System for the archive's state."
    )
    return HttpResponse(text, status=404, content_type="text/plain; charset=utf-8")


def _name(file: MediaFile) -> str:
    recording = file.chunk.recording
    suffix = ".metadata.json" if file.artefact == MediaFile.Artefact.METADATA else f".{_extension(file)}"
    return f"recording-{recording.began_at:%Y%m%d-%H%M%S}-{str(recording.pk)[-8:]}-chunk-{file.chunk.index}{suffix}"


def _extension(file: MediaFile) -> str:
    return _EXTENSIONS.get(file.media_type, "bin")
