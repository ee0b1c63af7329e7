"""Errors in the shape each surface documents, chosen by the path that was asked for."""

import json
import logging
import uuid
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from local_acs import problems
from local_acs.clock import iso, now
from local_acs.documents import Json, JsonObject
from local_acs.problems import Problem

logger = logging.getLogger(__name__)

_FLAT = ("/conversations", "/calling/conversations", "/recording/")


def json_response(document: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        json.dumps(document, ensure_ascii=False).encode(),
        status_code=status,
        headers=headers,
        media_type="application/json; charset=utf-8",
    )


def problem_response(path: str, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    if path.startswith("/v1/"):
        return json_response(_storage_error(problem), problem.status, headers)
    if path.lower().startswith(_FLAT):
        return json_response(_flat_error(problem), problem.status, headers)
    return json_response({"error": {"code": problem.code, "message": problem.message}}, problem.status, headers)


async def answer_problem(request: Request, error: Exception) -> Response:
    """Registered with the application for Problem."""
    if not isinstance(error, Problem):
        raise error
    return problem_response(request.scope["path"], error, dict(error.headers))


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Registered for what the router itself refuses: unknown paths and methods."""
    if not isinstance(error, HTTPException):
        raise error
    problem = (
        problems.unsupported_method()
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        else problems.no_such_resource()
    )
    return problem_response(request.scope["path"], problem, dict(error.headers or {}))


async def answer_crash(request: Request, error: Exception) -> Response:
    """Registered for everything else, which is a defect of ours; the traceback is in the log."""
    logger.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return problem_response(request.scope["path"], problems.unknown_internal_error())


def _flat_error(problem: Problem) -> JsonObject:
    """CommunicationError of the 2021 previews, whose code is the HTTP status as text in their examples."""
    code = problem.code if problem.code == "Denied" else str(problem.status)
    return {"code": code, "message": problem.message, "target": None, "details": [None]}


def _storage_error(problem: Problem) -> JsonObject:
    """The storage host's own shape, seen in azure-sdk-for-js issue 26142; its clients read status and message."""
    trace = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-00"
    title = HTTPStatus(problem.status).phrase
    return {
        "title": title,
        "status": problem.status,
        "instance": f"/microsoft/ic3/ams///trace-id/{trace}?timestamp={iso(now())[:19]}",
        "message": problem.message if problem.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE else title,
        "traceId": trace,
    }
