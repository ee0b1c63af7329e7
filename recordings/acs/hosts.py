"""Which addresses the access key may be used with: file locations come from outside and could name any host and path.

Where the service keeps files: `/v1/objects/<documentId>` and what lies below it, on its content hosts (azure-docs,
event-grid/communication-services-voice-video-events.md); `/recording/download/<documentId>` and its `/metadata`, on the
endpoint (azure-docs, call-recording.md, 2021-04). A signature for any other path could order something else: what is
signed names the endpoint, whichever host it is sent to.
"""

import ipaddress
import re
from urllib.parse import SplitResult, unquote, urlsplit

from recordings.acs.errors import HostNotAllowed
from recordings.acs.signing import DEFAULT_PORTS

_NEVER_IN_A_URL = frozenset("\\ \t\r\n")
_SEGMENT = re.compile(r"(?!\.+$)[A-Za-z0-9._~=-]+")
_DELETE_ORDERS: tuple[list[str], ...] = ([], ["content", "deletedata"])
"""What may follow the documentId where a file is deleted; the second form is that of the specification's sample."""


def check_allowed(url: str, hosts: tuple[str, ...]) -> None:
    """Raises HostNotAllowed unless `url` is https (http on loopback only) and its host is one of `hosts`.

    `*.example.org` stands for every name below example.org, not for example.org. An entry without a port means the
    scheme's own port: an event must not be able to point the key at another service of an allowed machine.
    """
    parts = _parsed(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _names_loopback(parts.hostname or "")):
        raise HostNotAllowed(f"{_shown(parts)} is not https. The access key is sent over https only.")
    if not any(_matches(parts, entry) for entry in hosts):
        raise HostNotAllowed(
            f"{_shown(parts)} is not among the allowed hosts."
            " If it really belongs to the service, add it to ACS_CONTENT_HOSTS."
        )


def check_content(url: str, *, document_id: str, on_endpoint: bool) -> None:
    """Raises HostNotAllowed unless a file may be read at `url`.

    On the endpoint itself, which takes commands too, it must be a file of the document; a content host may keep it
    under a name of its own.
    """
    match _segments(url):
        case ["v1", "objects", name, *_] if name == document_id or not on_endpoint:
            return
        case ["recording", "download", name, *rest] if (
            on_endpoint and name == document_id and rest in ([], ["metadata"])
        ):
            return
    raise HostNotAllowed(
        f"The location at {_shown(_parsed(url))} is none where the service keeps this file. Nothing was sent."
    )


def check_delete(url: str, *, document_id: str) -> None:
    """Raises HostNotAllowed unless a DELETE of `url` deletes that document and nothing else."""
    match _segments(url):
        case ["v1", "objects", name, *rest] if name == document_id and rest in _DELETE_ORDERS:
            return
    raise HostNotAllowed(
        f"The delete location at {_shown(_parsed(url))} does not name document {document_id}. Nothing was sent."
    )


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this machine."""
    return _names_loopback(urlsplit(url).hostname or "")


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError as error:
        raise HostNotAllowed("The address cannot be read. Nothing was sent.") from error
    odd = _NEVER_IN_A_URL.intersection(url) or not url.isascii() or "@" in parts.netloc
    if odd or not all((parts.hostname or "").split(".")) or not port_is_number:
        raise HostNotAllowed("The address is malformed or carries credentials of its own. Nothing was sent.")
    return parts


def _segments(url: str) -> list[str]:
    """The segments of the path, unquoted; none when one of them could be read as something else on the way."""
    first, *quoted = _parsed(url).path.split("/")
    segments = [unquote(each) for each in quoted]
    return segments if not first and all(_SEGMENT.fullmatch(each) for each in segments) else []


def _matches(parts: SplitResult, entry: str) -> bool:
    host = (parts.hostname or "").lower()
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    name, allowed_port = _split_entry(entry.lower(), DEFAULT_PORTS[parts.scheme])
    if port != allowed_port:
        return False
    if name.startswith(("*.", ".")):
        return host.endswith(name.removeprefix("*")) and host != name.removeprefix("*").removeprefix(".")
    return host == name


def _split_entry(entry: str, default_port: int) -> tuple[str, int]:
    """Name and port of an entry of the allow-list; an IPv6 address may stand in brackets."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, port = entry.partition(":")
    else:
        name, port = entry, ""
    return name, int(port) if port.isdigit() else default_port


def _names_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"
