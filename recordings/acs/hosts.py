"""Which addresses the access key may be used with: file locations come from outside and could name any host."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from recordings.acs.errors import HostNotAllowed
from recordings.acs.signing import DEFAULT_PORTS

_NEVER_IN_A_URL = frozenset("\\ \t\r\n")


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
