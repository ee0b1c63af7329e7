"""The outside of an event: how it is packed on its way here, and which of the two Event Grid schemas it is written in.

Sources: CloudEvents 1.0 (JSON format, section 3); Event Grid event schema (azure-docs, event-grid/event-schema.md);
base64 text in storage queues (azure-docs issue 102923); objects and arrays both (azure-rest-api-specs,
eventgrid/Microsoft.Communication).
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from recordings.acs import fields
from recordings.acs.fields import Fields, storable

MOST_EVENTS_IN_A_BODY = 5000
"""Event Grid's own limit for a batch (azure-docs, event-grid/delivery-and-retry.md)."""
_EVENT_ID_LENGTH = 300
_TYPE_LENGTH = 200
_SUBJECT_LENGTH = 2000
_RESOURCE_IN_SOURCE = re.compile(
    r"/providers/microsoft\.communication/communicationservices/([a-z0-9][a-z0-9-]*)(?:/|$)", re.IGNORECASE
)


class Schema(StrEnum):
    CLOUDEVENTS = "cloudevents"
    EVENTGRID = "eventgrid"
    UNKNOWN = "unknown"


class Misunderstood(Exception):
    """A body or an event that makes no sense; the message is a sentence for an operator."""


@dataclass(frozen=True)
class Envelope:
    """What every event says about itself, whatever it is about."""

    schema: Schema
    event_id: str
    event_type: str
    subject: str
    source: str
    time: datetime | None
    content: Fields

    @cached_property
    def data(self) -> Fields:
        """The event's own facts; also when they come as JSON in a string, or as `data_base64`."""
        value = self.content.raw("data")
        if value is None and isinstance(packed := self.content.raw("data_base64"), str):
            value = _from_base64(packed)
        if isinstance(value, str):
            try:
                value = _parsed(value)
            except Misunderstood:
                return Fields(None)
        return Fields(value)

    @property
    def resource_name(self) -> str:
        """The ACS resource that the event says it comes from, lower-cased; empty when it names none."""
        found = _RESOURCE_IN_SOURCE.search(self.source)
        return found[1].lower() if found else ""


def open_envelope(document: object) -> Envelope:
    """The envelope of one event, as far as `document` has one."""
    content = Fields(document)
    if "specversion" in content:
        schema = Schema.CLOUDEVENTS
    elif "eventType" in content:
        schema = Schema.EVENTGRID
    else:
        schema = Schema.UNKNOWN
    return Envelope(
        schema=schema,
        event_id=content.label("id", most=_EVENT_ID_LENGTH),
        event_type=content.label("type", most=_TYPE_LENGTH) or content.label("eventType", most=_TYPE_LENGTH),
        subject=content.label("subject", most=_SUBJECT_LENGTH),
        source=content.label("source", most=_SUBJECT_LENGTH) or content.label("topic", most=_SUBJECT_LENGTH),
        time=content.moment("time") or content.moment("eventTime"),
        content=content,
    )


def unpack(body: bytes | str | object) -> Sequence[object]:
    """The events in a body: one object or an array, as JSON, as base64 of JSON, or as JSON in a JSON string.

    Raises `Misunderstood` when the body as a whole is no JSON, or holds more events than a sender may put into one.
    """
    document = _parsed(storable(text_of(body))) if isinstance(body, bytes | str) else body
    if isinstance(document, str):
        document = _parsed(document)
    if not isinstance(document, list):
        return [document]
    if not document:
        raise Misunderstood("The body is an empty list: it holds no event.")
    if len(document) > MOST_EVENTS_IN_A_BODY:
        raise Misunderstood(
            f"The body holds {len(document)} events; no sender puts more than {MOST_EVENTS_IN_A_BODY} into one body."
        )
    return document


def text_of(body: bytes | str) -> str:
    """The body as text. Bytes that are not UTF-8 are replaced, so that one bad name does not cost a whole event."""
    if isinstance(body, str):
        return body
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        return body.decode("utf-8", errors="replace")


def read(text: str) -> object:
    """The JSON document in `text`. Raises `Misunderstood` with the place where it stops being JSON."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Misunderstood("The body is nested more deeply than any event is.") from error
    except ValueError as error:
        raise Misunderstood(f"The body is not JSON: {fields.label(str(error))}.") from error


def _parsed(text: str) -> object:
    try:
        return read(text)
    except Misunderstood as not_json:
        decoded = _from_base64(text)
        if decoded is None:
            raise
        try:
            return read(decoded)
        except Misunderstood:
            raise not_json from None


def _from_base64(text: str) -> str | None:
    try:
        return base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
