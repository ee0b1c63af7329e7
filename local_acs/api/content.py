"""Temporary storage as the content host serves it: media, metadata, deletion.

These operations are in no specification; they follow what the official SDKs send and recorded live answers
(azure-sdk-for-js communication-calling-server recordings, azure-sdk-for-js issue 26142, azure-sdk-for-net issue 34148).
"""

import os
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_acs import faults, problems
from local_acs.api.requests import service_of, signed_body
from local_acs.api.streaming import FileSlice, StreamedFile
from local_acs.clock import now
from local_acs.identifiers import DOCUMENT_ID
from local_acs.problems import Problem
from local_acs.ranges import ByteRange, Unsatisfiable, parse_range

VIDEO = "video"
METADATA = "acsmetadata"
"""`video` is also the name of content that is only audio."""


async def download(request: Request) -> Response:
    await signed_body(request)
    part = request.path_params["part"]
    document_id = _document_id(request)
    if part not in (VIDEO, METADATA):
        raise problems.no_such_resource()
    return await content_response(request, document_id, part)


async def delete(request: Request) -> Response:
    """Deletes media and metadata; 200 without a body, 404 when there is nothing any more."""
    await signed_body(request)
    if not await service_of(request).retention.delete(_document_id(request)):
        raise problems.no_such_resource()
    return Response()


async def content_response(request: Request, document_id: str, part: str, *, media_type: str | None = None) -> Response:
    """The file or the range of it that was asked for, misbehaving if a fault is armed."""
    stored = await service_of(request).retention.find(document_id)
    if stored is None:
        raise problems.no_such_resource()
    path = stored.metadata_path if part == METADATA else stored.media_path
    kept_type = "application/octet-stream" if part == METADATA else stored.media_type
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError as gone:
        raise problems.no_such_resource() from gone
    try:
        return await _open_response(request, path, descriptor, media_type or kept_type, stored.stored_at)
    except BaseException:
        os.close(descriptor)
        raise


async def _open_response(
    request: Request, path: Path, descriptor: int, media_type: str, stored_at: datetime
) -> Response:
    size = os.fstat(descriptor).st_size
    etag = f'"{path.parent.name[:12]}-{path.name}-{size:x}"'
    validators = {"ETag": etag, "Last-Modified": format_datetime(stored_at.replace(microsecond=0), usegmt=True)}
    try:
        asked = parse_range(request.headers.get("range"), size) if _range_applies(request, validators) else None
    except Unsatisfiable:
        raise _RangeProblem(size) from None
    sent = asked or ByteRange(0, size - 1)
    headers = {
        **validators,
        "Content-Type": media_type,
        "Content-Length": str(sent.length),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache, no-store, must-revalidate",
    }
    if size:
        # The live service sends Content-Range with a 200 as well.
        headers["Content-Range"] = f"bytes {sent.first}-{sent.last}/{size}"
    return StreamedFile(
        FileSlice(descriptor, sent.first, sent.length),
        status=206 if asked else 200,
        headers=headers,
        bytes_per_second=await _pace(request),
        reset_after=await _reset_point(request, sent.length),
    )


class _RangeProblem(Problem):
    def __init__(self, size: int) -> None:
        super().__init__(416, "InvalidRange", f"The range starts behind the end of the {size} bytes.")
        self.headers = {"Content-Range": f"bytes */{size}"}


def _range_applies(request: Request, validators: Mapping[str, str]) -> bool:
    """RFC 9110, section 13.1.5: a range only counts while If-Range names the very file that is there."""
    condition = request.headers.get("if-range")
    if condition is None or condition == validators["ETag"]:
        return True
    try:
        return parsedate_to_datetime(condition) == parsedate_to_datetime(validators["Last-Modified"])
    except (TypeError, ValueError):
        return False


async def _pace(request: Request) -> int | None:
    struck = await service_of(request).faults.strike(faults.SLOW_TRANSFER, request.scope["path"], now=now())
    return None if struck is None else max(1, struck.get("bytesPerSecond", 65_536))


async def _reset_point(request: Request, length: int) -> int | None:
    struck = await service_of(request).faults.strike(faults.CONNECTION_RESET, request.scope["path"], now=now())
    return None if struck is None else min(struck.get("afterBytes", length // 2), length)


def _document_id(request: Request) -> str:
    document_id: str = request.path_params["document_id"]
    if not DOCUMENT_ID.fullmatch(document_id):
        raise problems.invalid_argument("the document id is malformed")
    return document_id


routes = [
    Route("/v1/objects/{document_id}/content/{part}", download, methods=["GET"]),
    Route("/v1/objects/{document_id}", delete, methods=["DELETE"]),
    Route("/v1/objects/{document_id}/content/deletedata", delete, methods=["DELETE"]),
]
