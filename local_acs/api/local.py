"""The management surface: calls, participants, faults, an overview. Not part of any Azure service.

Every request but /local/health needs `Authorization: SharedAccessKey <management key>`.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_acs import overview, problems
from local_acs.api.answers import json_response
from local_acs.api.requests import body_of, document_of, require_shared_key, service_of
from local_acs.clock import now
from local_acs.documents import Json
from local_acs.faults import parse_fault
from local_acs.names import some_names
from local_acs.service import Service

MOST_PARTICIPANTS = 50
LONGEST_NAME = 256
LONGEST_CALL = 86_400.0


async def health(request: Request) -> Response:
    return json_response({"status": "ok", "endpoint": service_of(request).endpoint})


async def state(request: Request) -> Response:
    service = _authorised(request)
    document = await service.database.run(lambda session: overview.read(session, service.endpoint, now()))
    document["startedAt"] = service.started_at.isoformat()
    document["recorders"] = service.control.recorders.count
    document["faults"] = await service.faults.listed()
    return json_response(document)


async def list_calls(request: Request) -> Response:
    service = _authorised(request)
    return json_response(await service.switchboard.calls())


async def start_call(request: Request) -> Response:
    service = _authorised(request)
    body = await body_of(request)
    document = document_of(body) if body else {}
    room_id = document.get("roomId")
    if room_id is not None and not (isinstance(room_id, str) and room_id):
        raise problems.invalid_argument("roomId must be text")
    seconds = document.get("endsAfterSeconds")
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_CALL
    ):
        raise problems.invalid_argument(f"endsAfterSeconds must be a number above 0 and up to {LONGEST_CALL:g}")
    call = await service.switchboard.begin_call(
        _names(document.get("participants")), seconds=None if seconds is None else float(seconds), room_id=room_id
    )
    service.director.look_again()
    return json_response(call, 201)


async def end_call(request: Request) -> Response:
    service = _authorised(request)
    if not await service.switchboard.end_call(request.path_params["call"]):
        raise problems.no_such_resource()
    service.director.look_again()
    return Response(status_code=204)


async def add_participant(request: Request) -> Response:
    service = _authorised(request)
    body = await body_of(request)
    document = document_of(body) if body else {}
    name = _name(document["displayName"]) if "displayName" in document else some_names(1)[0]
    return json_response(await service.switchboard.join(request.path_params["call"], name), 201)


async def remove_participant(request: Request) -> Response:
    service = _authorised(request)
    await service.switchboard.leave(request.path_params["call"], request.path_params["participant"])
    return Response(status_code=204)


async def list_faults(request: Request) -> Response:
    return json_response(await _authorised(request).faults.listed())


async def arm_fault(request: Request) -> Response:
    service = _authorised(request)
    fault = parse_fault(document_of(await body_of(request)))
    return json_response(await service.faults.arm(fault, now=now()), 201)


async def disarm_faults(request: Request) -> Response:
    await _authorised(request).faults.disarm()
    return Response(status_code=204)


async def disarm_fault(request: Request) -> Response:
    if not await _authorised(request).faults.disarm(request.path_params["fault"]):
        raise problems.no_such_resource()
    return Response(status_code=204)


def _authorised(request: Request) -> Service:
    service = service_of(request)
    require_shared_key(request, service.settings.management_key)
    return service


def _names(value: Json) -> list[str]:
    """Participants as names or as {"displayName"}; three people of our own choice when nothing is said."""
    if value is None:
        return some_names(3)
    if not isinstance(value, list) or len(value) > MOST_PARTICIPANTS:
        raise problems.invalid_argument(f"participants must be a list of up to {MOST_PARTICIPANTS}")
    return [_name(item.get("displayName") if isinstance(item, dict) else item) for item in value]


def _name(value: Json) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
        raise problems.invalid_argument(f"displayName must be text of up to {LONGEST_NAME} characters")
    return value.strip()


routes = [
    Route("/local/health", health, methods=["GET"]),
    Route("/local/state", state, methods=["GET"]),
    Route("/local/calls", list_calls, methods=["GET"]),
    Route("/local/calls", start_call, methods=["POST"]),
    Route("/local/calls/{call}", end_call, methods=["DELETE"]),
    Route("/local/calls/{call}/participants", add_participant, methods=["POST"]),
    Route("/local/calls/{call}/participants/{participant}", remove_participant, methods=["DELETE"]),
    Route("/local/faults", list_faults, methods=["GET"]),
    Route("/local/faults", arm_fault, methods=["POST"]),
    Route("/local/faults", disarm_faults, methods=["DELETE"]),
    Route("/local/faults/{fault:int}", disarm_fault, methods=["DELETE"]),
]
