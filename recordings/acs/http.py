"""The only importer of `requests`: sessions, time limits, allowed hosts, and the translation of faults into `errors`.

A `Door` leads to one remote. Credentials are made for a request only after its address was found to be among the door's
hosts; redirects are never followed, because credentials must not travel on; `~/.netrc` and cookies are left out.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Protocol

import requests
from requests.auth import AuthBase
from requests.exceptions import InvalidHeader, InvalidURL
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError

from recordings.acs import errors, refusals
from recordings.acs.hosts import check_allowed, is_loopback
from recordings.acs.signing import host_of

CONNECT_SECONDS = 3.0
CONTROL_SECONDS = 5.0
"""How long one control request may take: it is sent inside the operator's own web request."""
CONTENT_SECONDS = 30.0
"""How long a download may stay silent."""
BLOCK_BYTES = 256 * 1024
LONGEST_DOCUMENT_BYTES = 4 * 1024 * 1024
"""More than any JSON answer can need; a body that goes on is cut off."""
USER_AGENT = "tapedeck/0.1"

Authorise = Callable[[str, str, bytes], dict[str, str]]
"""Makes the credential headers of one request from its method, its URL as sent, and its body."""


class Contact(Protocol):
    """Hears how each request went, so that somebody can be told when the remote is gone."""

    def answered(self, host: str, *, date: str, error: errors.AcsError | None) -> None:
        """`host` gave an answer; `date` is its Date header, `error` what the answer amounts to."""

    def silent(self, host: str, error: errors.Unreachable) -> None:
        """`host` gave none."""


class NobodyListens:
    """A contact for remotes whose faults are told elsewhere."""

    def answered(self, host: str, *, date: str, error: errors.AcsError | None) -> None:
        pass

    def silent(self, host: str, error: errors.Unreachable) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Response:
    """A whole answer with a status below 300. Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> dict[str, object]:
        """The body as a JSON object; raises BadAnswer when it is none."""
        document = self.json()
        if not isinstance(document, dict):
            raise errors.BadAnswer("The service answered with JSON of another shape.", http_status=self.status)
        return document

    def json(self) -> object:
        """The body as JSON; raises BadAnswer when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise errors.BadAnswer(
                "The service's answer is not JSON. Check that the endpoint is the one of the resource.",
                http_status=self.status,
            ) from error


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An answer with a status below 300 whose body is still on its way."""

    status: int
    headers: Mapping[str, str]
    blocks: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Door:
    """The way to one remote. `hosts` are allowed addresses, each `host`, `host:port` or `*.host` (see hosts.py)."""

    hosts: tuple[str, ...]
    authorise: Authorise
    contact: Contact = field(default_factory=NobodyListens)

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        seconds: float = CONTROL_SECONDS,
    ) -> Response:
        """Sends a request and reads the whole answer within about `seconds`; raises AcsError for anything but a 2xx."""
        deadline = time.monotonic() + seconds
        limit = Timeout(total=seconds, connect=min(CONNECT_SECONDS, seconds))
        with self._open(method, url, body, headers or {}, limit) as answer:
            whole = _read_document(answer, deadline)
            error = refusals.of(answer.status_code, answer.headers, whole)
            self.contact.answered(host_of(url), date=answer.headers.get("Date", ""), error=error)
            if error is not None:
                raise error
            return Response(status=answer.status_code, headers=answer.headers, body=whole)

    @contextlib.contextmanager
    def stream(self, url: str, *, headers: Mapping[str, str]) -> Iterator[Stream]:
        """GETs `url` and hands the body on in blocks as it arrives; raises AcsError for anything but a 2xx.

        A connection that breaks on the way raises Unreachable of kind `interrupted` from the block iterator.
        """
        limit = Timeout(connect=CONNECT_SECONDS, read=CONTENT_SECONDS)
        with self._open("GET", url, b"", headers, limit) as answer:
            refused = answer.status_code >= HTTPStatus.MULTIPLE_CHOICES
            whole = _read_document(answer, time.monotonic() + CONTENT_SECONDS) if refused else b""
            error = refusals.of(answer.status_code, answer.headers, whole)
            self.contact.answered(host_of(url), date=answer.headers.get("Date", ""), error=error)
            if error is not None:
                raise error
            yield Stream(status=answer.status_code, headers=answer.headers, blocks=_blocks(answer))

    @contextlib.contextmanager
    def _open(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], limit: Timeout
    ) -> Iterator[requests.Response]:
        check_allowed(url, self.hosts)
        try:
            answer = _session().request(
                method,
                url,
                data=body or None,
                headers=dict(headers),
                auth=_Credentials(self.authorise, self.hosts),
                timeout=limit,  # type: ignore[arg-type]  # requests takes urllib3's own as well, and it has a total
                allow_redirects=False,
                stream=True,
                # The settings of a company proxy must not lead requests for this machine out of it.
                proxies={"http": "", "https": "", "all": ""} if is_loopback(url) else None,
            )
        except (InvalidURL, InvalidHeader, LocationValueError) as error:
            raise errors.HostNotAllowed("The address cannot be used as it is. Nothing was sent.") from error
        except requests.RequestException as error:
            silence = _silence(error, host_of(url))
            self.contact.silent(host_of(url), silence)
            raise silence from error
        with contextlib.closing(answer):
            yield answer


class _Credentials(AuthBase):
    """Adds credentials to the request as it will be sent. Its presence also keeps `requests` from reading ~/.netrc."""

    def __init__(self, authorise: Authorise, hosts: tuple[str, ...]) -> None:
        self._authorise = authorise
        self._hosts = hosts

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = request.url or ""
        check_allowed(url, self._hosts)  # again: preparing may have rewritten the address
        body = request.body if isinstance(request.body, bytes) else b""
        request.headers.update(self._authorise(request.method or "", url, body))
        return request


_of_this_thread = threading.local()


def _session() -> requests.Session:
    """This thread's session; a forked process gets one of its own, since two processes must not share a socket."""
    mine: tuple[int, requests.Session] | None = getattr(_of_this_thread, "session", None)
    if mine is None or mine[0] != os.getpid():
        session = requests.Session()
        session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        mine = _of_this_thread.session = (os.getpid(), session)
    return mine[1]


def _read_document(answer: requests.Response, deadline: float) -> bytes:
    """The whole body, as long as it is a document and comes before `deadline` (monotonic seconds)."""
    whole = bytearray()
    for block in _blocks(answer):
        whole += block
        if len(whole) > LONGEST_DOCUMENT_BYTES:
            raise errors.BadAnswer("The service's answer is far too long.", http_status=answer.status_code)
        if time.monotonic() > deadline:
            raise errors.Unreachable("The service's answer came too slowly. It is tried again.", sent=True)
    return bytes(whole)


def _blocks(answer: requests.Response) -> Iterator[bytes]:
    try:
        # As they arrive: what came before a connection broke is kept, and a slow remote is seen to be alive.
        while block := answer.raw.read1(BLOCK_BYTES, decode_content=True):
            yield block
    except (requests.RequestException, HTTPError, OSError) as error:
        raise errors.Unreachable(
            "The connection broke before the answer was complete. It is tried again.", sent=True, kind="interrupted"
        ) from error


def _silence(error: requests.RequestException, host: str) -> errors.Unreachable:
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return errors.Unreachable(
            f"No connection to {host}. Check that the service runs and that this machine can reach it.", sent=False
        )
    if isinstance(error, requests.Timeout):
        return errors.Unreachable(f"{host} did not answer in time. It is tried again.", sent=True)
    return errors.Unreachable(f"The connection to {host} broke without an answer. It is tried again.", sent=True)


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the fault came before a byte of the request left this machine."""
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)
