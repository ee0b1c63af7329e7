"""Recording control under /calling/recordings.

Source: Azure REST API spec CallAutomation 2022-04-07-preview to 2026-03-12, operations CallRecording_*. The
api-versions of 2021 answered stop, pause and resume with 200.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_acs import problems
from local_acs.api.answers import json_response
from local_acs.api.requests import document_of, service_of, signed_body
from local_acs.documents import JsonObject
from local_acs.repeatability import repeatable_request
from local_acs.start_request import parse_start


async def start(request: Request) -> Response:
    body = await _authorised(request)
    start_request = parse_start(document_of(body))
    repeatable = repeatable_request(
        request.headers.get("repeatability-request-id"), request.method, request.scope["path"], body
    )
    answer = await service_of(request).control.start(start_request, repeatable)
    headers = _echo(request) | ({"Repeatability-Result": "accepted"} if repeatable else {})
    return Response(answer.body, answer.status, headers, "application/json; charset=utf-8")


async def state(request: Request) -> Response:
    await _authorised(request)
    status = await service_of(request).control.status(request.path_params["recording_id"])
    document: JsonObject = {
        "recordingId": status.recording_id,
        "recordingState": status.state,
        "recordingKind": "azureCommunicationServices",
    }
    return json_response(document, headers=_echo(request))


async def stop(request: Request) -> Response:
    await _authorised(request)
    await service_of(request).control.stop(request.path_params["recording_id"])
    return Response(status_code=_success(request, 204), headers=_echo(request))


async def pause(request: Request) -> Response:
    await _authorised(request)
    await service_of(request).control.pause(request.path_params["recording_id"])
    return Response(status_code=_success(request, 202), headers=_echo(request))


async def resume(request: Request) -> Response:
    await _authorised(request)
    await service_of(request).control.resume(request.path_params["recording_id"])
    return Response(status_code=_success(request, 202), headers=_echo(request))


async def _authorised(request: Request) -> bytes:
    body = await signed_body(request)
    if not request.query_params.get("api-version"):
        raise problems.missing_api_version()
    return body


def _success(request: Request, status: int) -> int:
    return 200 if request.query_params["api-version"].startswith("2021-") else status


def _echo(request: Request) -> dict[str, str]:
    client_id = request.headers.get("x-ms-client-request-id")
    return {"x-ms-client-request-id": client_id} if client_id else {}


# The form with a slash before the colon is that of 2021-09-15-preview and 2021-11-15-preview.
routes = [
    Route("/calling/recordings", start, methods=["POST"]),
    Route("/calling/recordings/{recording_id}:pause", pause, methods=["POST"]),
    Route("/calling/recordings/{recording_id}/:pause", pause, methods=["POST"]),
    Route("/calling/recordings/{recording_id}:resume", resume, methods=["POST"]),
    Route("/calling/recordings/{recording_id}/:resume", resume, methods=["POST"]),
    Route("/calling/recordings/{recording_id}", state, methods=["GET"]),
    Route("/calling/recordings/{recording_id}", stop, methods=["DELETE"]),
]
