"""The Call Recording service as Tapedeck uses it: control of recordings, and the content it keeps for a while.

Control: Azure REST API specs, CallAutomation 2026-03-12, operations CallRecording_*. Content is not in the
specification; its requests are those of azure-communication-callautomation (`download_recording`, `delete_recording`).
"""

import contextlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote, urlsplit

from django.conf import settings

from recordings import clock
from recordings.acs import errors, signing
from recordings.acs.contact import ResourceContact
from recordings.acs.hosts import check_allowed, check_content, check_delete, is_loopback
from recordings.acs.http import Contact, Door, Stream
from recordings.models import Resource

API_VERSION = "2026-03-12"
LEGACY_API_VERSION = "2021-04-15-preview1"

RemoteState = Literal["active", "inactive"]
"""`inactive` is what the service says of a paused recording, and for a moment of one that has just ended."""

_NOBODY = "bm8tc3VjaC1yZWNvcmRpbmc="
"""A well-formed `recordingId` that is none: base64 of "no-such-recording"."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the service said to a start. `state` is empty when it did not say."""

    recording_id: str
    state: RemoteState | Literal[""]
    http_status: int


@dataclass(frozen=True, kw_only=True)
class ContentStream:
    """Bytes of a file as they arrive; iterate it for blocks of at most 256 KiB.

    `offset` is where they begin, which is 0 when the service ignored the range. `total` is the size of the whole file,
    when known. `validator` (an ETag or a Last-Modified) changes when the file does; empty when the service gives none.
    """

    status: int
    offset: int
    total: int | None
    validator: str
    media_type: str
    blocks: Iterator[bytes] = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        """Raises Unreachable (kind `interrupted`) when the transfer breaks, BadAnswer when no byte came."""
        empty = True
        for block in self.blocks:
            empty = empty and not block
            yield block
        if empty:
            raise errors.BadAnswer("The service sent an empty file. It is tried again.", http_status=self.status)


class Client:
    """Requests to one resource. Every method raises a subclass of `errors.AcsError` when it does not get its answer."""

    def __init__(self, resource: Resource, *, contact: Contact | None = None) -> None:
        if not resource.has_credentials:
            raise errors.CredentialsRefused(
                f"The settings no longer hold the access key of {resource.endpoint}."
                " Set ACS_ENDPOINT and ACS_ACCESS_KEY back to that resource to reach its recordings again."
            )
        self._endpoint = resource.endpoint.rstrip("/")
        self._own_host = signing.host_of(self._endpoint)
        self._hosts = (_with_port(self._endpoint), *settings.ACS_CONTENT_HOSTS)
        self._door = Door(
            hosts=self._hosts,
            authorise=self._authorise,
            contact=contact or ResourceContact(resource),
        )

    def start(
        self,
        *,
        locator: dict[str, str],
        callback_uri: str,
        content: str,
        channel: str,
        format: str,  # noqa: A002 - the word of the protocol and of the pages
        pause_on_start: bool,
        request_id: uuid.UUID,
        first_sent: datetime,
    ) -> Answer:
        """Starts a recording. Sent again with the same `request_id`, the service repeats its first answer."""
        body: dict[str, object] = {
            "callLocator": locator,
            "recordingContentType": content,
            "recordingChannelType": channel,
            "recordingFormatType": format,
        }
        if callback_uri:
            body["recordingStateCallbackUri"] = callback_uri
        if pause_on_start:
            body["pauseOnStart"] = True
        response = self._door.send(
            "POST",
            self._control(""),
            body=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Repeatability-Request-ID": str(request_id),
                "Repeatability-First-Sent": format_datetime(first_sent, usegmt=True),
            },
        )
        document = response.json_object()
        recording_id = document.get("recordingId")
        if not isinstance(recording_id, str) or not recording_id.strip():
            raise errors.BadAnswer(
                "The service started a recording and did not say which.", http_status=response.status
            )
        return Answer(
            recording_id=recording_id, state=_state(document.get("recordingState")), http_status=response.status
        )

    def state(self, recording_id: str) -> RemoteState:
        """What the service says of the recording now."""
        response = self._door.send("GET", self._control(_id(recording_id)), headers={"Accept": "application/json"})
        state = _state(response.json_object().get("recordingState"))
        if not state:
            raise errors.BadAnswer(
                "The service did not state what the recording is doing.", http_status=response.status
            )
        return state

    def pause(self, recording_id: str) -> int:
        """Asks for a pause; returns the status of the answer (202, or 200 in 2021)."""
        return self._door.send("POST", self._control(f"{_id(recording_id)}:pause")).status

    def resume(self, recording_id: str) -> int:
        """Asks to go on; returns the status of the answer."""
        return self._door.send("POST", self._control(f"{_id(recording_id)}:resume")).status

    def stop(self, recording_id: str) -> int:
        """Ends the recording; returns the status of the answer (204, or 200 in 2021)."""
        return self._door.send("DELETE", self._control(_id(recording_id))).status

    @contextlib.contextmanager
    def open_content(
        self, url: str, *, document_id: str, offset: int = 0, validator: str = ""
    ) -> Iterator[ContentStream]:
        """Opens a file of the document, at `url`, from byte `offset` on, if it still is the one `validator` names.

        Raises HostNotAllowed when the service keeps no such file at an address of that form, RangeRefused when the file
        ends before `offset`. A status of 200 means the file from its first byte, even if a Content-Range comes with it,
        as the service's storage was seen to send.
        """
        check_allowed(url, self._hosts)
        check_content(url, document_id=document_id, on_endpoint=signing.host_of(url) == self._own_host)
        headers = {"Accept": "*/*"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator and not validator.startswith("W/"):
                headers["If-Range"] = validator
        with self._door.stream(url, headers=headers) as stream:
            yield _content(stream, asked=offset)

    def delete_content(self, url: str, *, document_id: str) -> None:
        """Deletes a document, media and metadata, from temporary storage; HostNotAllowed when `url` is another's."""
        check_allowed(url, self._hosts)
        check_delete(url, document_id=document_id)
        self._door.send("DELETE", url)

    def knock(self, host: str) -> None:
        """Sends a request to `host` that changes nothing; what is learnt from it, the contact hears first.

        The endpoint is asked about a recording that cannot exist, a content host for its root.
        """
        scheme = urlsplit(self._endpoint).scheme if is_loopback(self._endpoint) else "https"
        url = self._control(_NOBODY) if host in {"", self._own_host} else f"{scheme}://{host}/"
        self._door.send("GET", url)

    def legacy_media_url(self, document_id: str) -> str:
        """Where media lies when its event gives no location (azure-docs, call-recording.md, 2021-04)."""
        path = f"/recording/download/{quote(document_id, safe='')}"
        return f"{self._endpoint}{path}?api-version={LEGACY_API_VERSION}"

    def legacy_metadata_url(self, document_id: str) -> str:
        """Where metadata lies when its event gives no location."""
        path = f"/recording/download/{quote(document_id, safe='')}/metadata"
        return f"{self._endpoint}{path}?api-version={LEGACY_API_VERSION}"

    def _control(self, rest: str) -> str:
        path = f"/calling/recordings/{rest}" if rest else "/calling/recordings"
        return f"{self._endpoint}{path}?api-version={API_VERSION}"

    def _authorise(self, method: str, url: str, body: bytes) -> dict[str, str]:
        legacy = urlsplit(url).path.startswith("/recording/download/")
        headers = signing.signature_headers(
            method=method,
            url=url,
            body=body,
            access_key=settings.ACS_ACCESS_KEY,
            at=clock.now(),
            signed_host=self._own_host,
            date_header="Date" if legacy else "x-ms-date",
        )
        if signing.host_of(url) != self._own_host:  # tells the content host whose signature this is
            headers["x-ms-host"] = urlsplit(self._endpoint).hostname or ""
        return headers


def _with_port(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or signing.DEFAULT_PORTS[parts.scheme]}"


def _id(recording_id: str) -> str:
    return quote(recording_id, safe="=")


def _state(value: object) -> RemoteState | Literal[""]:
    """Case does not matter: a release of the service once changed it (azure-rest-api-specs, pull request 15618)."""
    match str(value).lower():
        case "active":
            return "active"
        case "inactive":
            return "inactive"
    return ""


def _content(stream: Stream, *, asked: int) -> ContentStream:
    headers = stream.headers
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type in {"text/html", "multipart/byteranges"}:
        raise errors.BadAnswer(f"The service sent {media_type} instead of the file.", http_status=stream.status)
    offset, total = _extent(stream, asked)
    if headers.get("Content-Length", "").strip() == "0":
        raise errors.BadAnswer("The service sent an empty file. It is tried again.", http_status=stream.status)
    return ContentStream(
        status=stream.status,
        offset=offset,
        total=total,
        validator=headers.get("ETag", "") or headers.get("Last-Modified", ""),
        media_type=media_type,
        blocks=stream.blocks,
    )


def _extent(stream: Stream, asked: int) -> tuple[int, int | None]:
    """Where the bytes begin, and the size of the whole file if the answer tells it."""
    if stream.status == HTTPStatus.OK:
        length = stream.headers.get("Content-Length", "").strip()
        return 0, int(length) if length.isdecimal() else None
    stated = _CONTENT_RANGE.fullmatch(stream.headers.get("Content-Range", "").strip())
    if stream.status != HTTPStatus.PARTIAL_CONTENT or stated is None or int(stated[1]) > asked:
        raise errors.BadAnswer(
            "The service sent another part of the file than was asked for.", http_status=stream.status
        )
    return int(stated[1]), None if stated[3] == "*" else int(stated[3])
