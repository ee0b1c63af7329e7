"""Reading JSON that strangers wrote: plain types, no surprises later on."""

import json
from typing import NoReturn, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"


class BadDocument(ValueError):
    """The text is not JSON that can be stored and sent again."""


def read_json(body: bytes) -> Json:
    """The value in `body`; raises BadDocument for anything that could not be written back as UTF-8 JSON."""
    try:
        value: Json = json.loads(body, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadDocument(f"not a JSON document: {error}") from error
    return value


def read_object(body: bytes) -> JsonObject:
    value = read_json(body)
    if not isinstance(value, dict):
        raise BadDocument("the JSON document must be an object")
    return value


def _refuse(constant: str) -> NoReturn:
    raise BadDocument(f"{constant} is not JSON")
