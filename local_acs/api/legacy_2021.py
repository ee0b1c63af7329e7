"""The surface of April 2021: recordings under a conversation, downloads by document id.

Sources: azure-docs call-recording.md of 2021-04-13; Azure REST API spec CallingServer 2021-04-15-preview1; azure-docs
download-recording-file-sample.md of 2021-04-14. Everything answers 200, errors are flat, and no api-version is asked
for. `conversation` is Base64Url(conversationUrl), which is what later versions call the server call id.
"""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_acs import problems
from local_acs.api.answers import json_response
from local_acs.api.content import METADATA, VIDEO, content_response
from local_acs.api.requests import document_of, service_of, signed_body
from local_acs.identifiers import DOCUMENT_ID
from local_acs.start_request import CallReference, StartRequest, checked_callback


async def start(request: Request) -> Response:
    body = await signed_body(request)
    uri = document_of(body).get("recordingStateCallbackUri") if body else None
    if uri is not None and not isinstance(uri, str):
        raise problems.invalid_argument("recordingStateCallbackUri must be text")
    call = CallReference("serverCallId", request.path_params["conversation"])
    answer = await service_of(request).control.start(StartRequest(call=call, callback_uri=checked_callback(uri)))
    recording_id = json.loads(answer.body)["recordingId"]
    return json_response({"recordingId": recording_id})


async def state(request: Request) -> Response:
    await signed_body(request)
    status = await service_of(request).control.status(request.path_params["recording_id"])
    return json_response({"recordingState": status.state})


async def stop(request: Request) -> Response:
    await signed_body(request)
    await service_of(request).control.stop(request.path_params["recording_id"])
    return Response()


async def pause(request: Request) -> Response:
    await signed_body(request)
    await service_of(request).control.pause(request.path_params["recording_id"])
    return Response()


async def resume(request: Request) -> Response:
    await signed_body(request)
    await service_of(request).control.resume(request.path_params["recording_id"])
    return Response()


async def download(request: Request) -> Response:
    return await _stored(request, VIDEO)


async def download_metadata(request: Request) -> Response:
    return await _stored(request, METADATA)


async def _stored(request: Request, part: str) -> Response:
    await signed_body(request)
    document_id = request.path_params["document_id"]
    if not DOCUMENT_ID.fullmatch(document_id):
        raise problems.invalid_argument("the document id is malformed")
    media_type = "application/json" if part == METADATA else None
    return await content_response(request, document_id, part, media_type=media_type)


def _conversation_routes() -> list[Route]:
    routes = []
    for prefix in ("/conversations", "/calling/conversations"):
        for recordings, pausing, resuming in (("Recordings", "Pause", "Resume"), ("recordings", "pause", "resume")):
            collection = f"{prefix}/{{conversation}}/{recordings}"
            one = f"{collection}/{{recording_id}}"
            routes += [
                Route(collection, start, methods=["POST"]),
                Route(f"{one}/{pausing}", pause, methods=["POST"]),
                Route(f"{one}/{resuming}", resume, methods=["POST"]),
                Route(one, state, methods=["GET"]),
                Route(one, stop, methods=["DELETE"]),
            ]
    return routes


routes = [
    *_conversation_routes(),
    Route("/recording/download/{document_id}", download, methods=["GET"]),
    Route("/recording/download/{document_id}/metadata", download_metadata, methods=["GET"]),
]
