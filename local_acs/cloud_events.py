"""Reads published CloudEvents: structured, batched, and binary (the JSON and HTTP bindings of CloudEvents 1.0)."""

import base64
from collections.abc import Mapping
from urllib.parse import unquote

from local_acs.documents import BadDocument, Json, JsonObject, read_json

MOST_EVENTS = 1000
_REQUIRED = ("id", "source", "type", "specversion")


class BadEvent(ValueError):
    """The body is not the CloudEvents its content type promises."""


def read_events(body: bytes, headers: Mapping[str, str]) -> list[JsonObject]:
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/cloudevents-batch+json":
        batch = _json(body)
        if not isinstance(batch, list) or not 1 <= len(batch) <= MOST_EVENTS:
            raise BadEvent(f"a batch is a list of 1 to {MOST_EVENTS} events")
        return [_checked(item) for item in batch]
    if content_type == "application/cloudevents+json":
        return [_checked(_json(body))]
    if "ce-specversion" in headers:
        return [_checked(_binary(body, content_type, headers))]
    raise BadEvent("the content type must be one of CloudEvents, or the ce- headers must be there")


def _binary(body: bytes, content_type: str, headers: Mapping[str, str]) -> JsonObject:
    event: JsonObject = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if content_type:
        event["datacontenttype"] = content_type
    if body and (content_type.endswith("json") or not content_type):
        event["data"] = _json(body)
    elif body:
        event["data_base64"] = base64.b64encode(body).decode()
    return event


def _checked(event: Json) -> JsonObject:
    if not isinstance(event, dict):
        raise BadEvent("an event must be a JSON object")
    for name in _REQUIRED:
        value = event.get(name)
        if not isinstance(value, str) or not value:
            raise BadEvent(f"an event needs the attribute {name} as text")
    if event["specversion"] != "1.0":
        raise BadEvent("specversion must be 1.0")
    return event


def _json(body: bytes) -> Json:
    try:
        return read_json(body)
    except BadDocument as error:
        raise BadEvent(str(error)) from error
