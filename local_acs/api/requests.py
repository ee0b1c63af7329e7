"""What every surface needs of a request: the service behind it, its body, and who signed it."""

import hmac

from starlette.requests import ClientDisconnect, Request

from local_acs import problems
from local_acs.authentication import Refusal, SignedRequest, refusal, sha256
from local_acs.clock import now
from local_acs.documents import BadDocument, JsonObject, read_object
from local_acs.problems import Problem
from local_acs.service import Service

LARGEST_BODY = 1024 * 1024
"""No control request comes near; Event Grid's documented limit for one event is the same."""


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def body_of(request: Request, limit: int = LARGEST_BODY) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise problems.too_large(limit)
            parts.append(part)
    except ClientDisconnect as gone:
        raise Problem(400, "BadRequest", "The request ended before its body.") from gone
    return b"".join(parts)


async def signed_body(request: Request) -> bytes:
    """The body of a request signed with the access key; raises the documented 401 otherwise."""
    body = await body_of(request)
    service = service_of(request)
    reason = refusal(
        SignedRequest(request.method, _target(request), dict(request.headers.items()), sha256(body)),
        access_key=service.settings.access_key,
        endpoint=service.endpoint,
        now=now(),
    )
    if reason is Refusal.SKEWED:
        raise problems.clock_skew()
    if reason is Refusal.BODY:
        raise problems.body_hash_mismatch()
    if reason is not None:
        raise problems.denied()
    return body


def document_of(body: bytes) -> JsonObject:
    try:
        return read_object(body)
    except BadDocument as error:
        raise problems.invalid_argument(str(error)) from error


def require_shared_key(request: Request, key: str) -> None:
    """`Authorization: SharedAccessKey <key>`, compared in constant time."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    accepted = hmac.compare_digest(given.strip().encode(), key.encode())
    if scheme.lower() != "sharedaccesskey" or not accepted:
        raise Problem(401, "Unauthorized", "Authorization: SharedAccessKey <key> is missing or not this service's.")


def _target(request: Request) -> str:
    """Path and query exactly as they were sent; a signature covers the escaped form."""
    raw: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (raw + b"?" + query if query else raw).decode("latin-1")
