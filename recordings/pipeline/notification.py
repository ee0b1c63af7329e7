"""Step 1: an event is stored exactly as it arrived, before anything of it is believed.

Accepting never fails because of what an event says; only the database can make it fail, and then the event has not been
acknowledged and comes again.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from recordings import clock, crashpoints
from recordings.acs import envelopes
from recordings.acs.envelopes import Envelope, Misunderstood
from recordings.acs.fields import storable
from recordings.models import EventSource, Notification, NotificationDelivery, Recording, Resource

REMOVED = "(not kept)"
SECRETS = frozenset({"incomingcallcontext", "validationurl"})
"""Fields, lower-cased, whose values let their holder answer a call or confirm a subscription."""
_A_SECRET_IN_TEXT = re.compile(r'("(?:incomingCallContext|validationUrl)"\s*:\s*)"[^"]*"?', re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One event of a body: the text that is kept, its hash, and what it says about itself."""

    body: str
    body_hash: str
    envelope: Envelope

    @property
    def key(self) -> tuple[str, str]:
        return self.envelope.event_id, self.body_hash


def accept(
    body: bytes | str | object,
    *,
    resource: Resource,
    source: EventSource | None = None,
    delivery_count: int = 1,
    recording: Recording | None = None,
) -> list[Notification]:
    """Stores each event in `body` once, and each arrival of it; committed when this returns. The rows are in no order.

    `body` is what came over the wire, or one event already read from JSON. `recording` is the recording whose own
    callback address it came to. A body that makes no sense is stored as it is, for `ingest` to say so.
    """
    arrivals = _arrivals(body)
    with transaction.atomic():
        rows = _store(arrivals, resource, source)
        NotificationDelivery.objects.bulk_create(
            NotificationDelivery(notification=rows[arrival.key], source=source, delivery_count=delivery_count)
            for arrival in arrivals
        )
        if recording is not None:
            keys = [row.pk for row in rows.values()]
            Notification.objects.filter(pk__in=keys, recording=None).update(recording=recording)
        if source is not None:
            EventSource.objects.filter(pk=source.pk).update(last_notification_at=clock.now())
        crashpoints.reach("notification.before_commit")
    crashpoints.reach("notification.after_commit")
    return list(rows.values())


def _store(
    arrivals: Sequence[_Arrival], resource: Resource, source: EventSource | None
) -> dict[tuple[str, str], Notification]:
    now = clock.now()
    distinct = {arrival.key: arrival for arrival in arrivals}
    Notification.objects.bulk_create(
        (
            Notification(
                resource=resource,
                source=source,
                event_id=arrival.envelope.event_id,
                body_hash=arrival.body_hash,
                body=arrival.body,
                schema=arrival.envelope.schema,
                event_type=arrival.envelope.event_type,
                subject=arrival.envelope.subject,
                event_time=arrival.envelope.time,
                received_at=now,
                next_try_at=now,
            )
            for arrival in distinct.values()
        ),
        ignore_conflicts=True,
        batch_size=_ROWS_AT_ONCE,
    )
    stored: dict[tuple[str, str], Notification] = {}
    keys = list(distinct)
    for start in range(0, len(keys), _ROWS_AT_ONCE):
        ids, hashes = zip(*keys[start : start + _ROWS_AT_ONCE], strict=True)
        rows = Notification.objects.filter(resource=resource, event_id__in=ids, body_hash__in=hashes)
        stored |= {(row.event_id, row.body_hash): row for row in rows}
    return {key: stored[key] for key in keys}


def _arrivals(body: bytes | str | object) -> list[_Arrival]:
    try:
        return [_arrival(document) for document in envelopes.unpack(body)]
    except Misunderstood:
        return [_unreadable(body)]
    except RecursionError:  # read, and then too deep to be written again
        return [_unreadable(body)]


def _arrival(document: object) -> _Arrival:
    kept = _without_secrets(document)
    canonical = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _Arrival(
        body=_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(kept, ensure_ascii=False)),
        body_hash=_hash(canonical),
        envelope=envelopes.open_envelope(kept),
    )


def _unreadable(body: bytes | str | object) -> _Arrival:
    """A body that is no event, kept as text."""
    try:
        text = envelopes.text_of(body) if isinstance(body, bytes | str) else json.dumps(body)
    except RecursionError:
        text = "(nested too deeply to be kept)"
    text = _A_SECRET_IN_TEXT.sub(rf'\1"{REMOVED}"', text)
    return _Arrival(body=storable(text), body_hash=_hash(text), envelope=envelopes.open_envelope(None))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _without_secrets(document: object) -> object:
    """`document`, or a copy in which the values of secrets are blanked."""
    text = json.dumps(document)
    if "incomingcall" not in text.lower() and "validationurl" not in text.lower():
        return document
    copy: object = json.loads(text)
    if isinstance(copy, dict):
        _drop_opaque_data(copy)
    waiting = [copy]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            value |= {name: REMOVED for name in value if name.lower() in SECRETS}
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return copy


def _drop_opaque_data(event: dict[str, object]) -> None:
    """Data of an IncomingCall that is packed as text could hide its secret from the search by name."""
    if envelopes.open_envelope(event).event_type.lower().endswith(".incomingcall"):
        for name, value in event.items():
            if name.lower() in {"data", "data_base64"} and not isinstance(value, dict):
                event[name] = REMOVED
