"""A house full of recordings in every state, for pages to be looked at and tested with."""

import json
import random
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Permission, User

from dashboard.access import Verb
from recordings import buckets, clock, identities
from recordings.models import (
    Attempt,
    Call,
    Chunk,
    Command,
    Condition,
    EventSource,
    Heartbeat,
    Loss,
    MediaFile,
    Notification,
    Participant,
    PauseInterval,
    Presence,
    Recording,
    RecordingParticipant,
    Resource,
    StateChange,
)
from recordings.states import CommandState, CommandVerb, LossCause, MediaState, RecordingState

NAMES = (
    "Ada Lovelace",
    "Grace Hopper",
    "Katherine Johnson",
    "Alan Turing",
    "Barbara Liskov",
    "Tim Berners-Lee",
    "Radia Perlman",
    "Edsger Dijkstra",
    "Margaret Hamilton",
    "Ken Thompson",
    "Frances Allen",
    "Donald Knuth",
)
PASSWORD = "correct horse battery"
DAY = 86_400


def user(name: str = "olga", *, verbs: tuple[Verb, ...] = tuple(Verb), superuser: bool = False) -> User:
    """Somebody with these verbs."""
    row = User.objects.create_user(name, password=PASSWORD, is_staff=superuser, is_superuser=superuser)
    codes = [verb.permission.partition(".")[2] for verb in verbs]
    row.user_permissions.set(Permission.objects.filter(content_type__app_label="recordings", codename__in=codes))
    return row


def resource() -> Resource:
    row, _ = Resource.objects.get_or_create(
        endpoint=settings.ACS_ENDPOINT,
        defaults={"key": "embedded", "retention_seconds": DAY, "last_contact_at": clock.now(), "clock_skew_ms": 12},
    )
    return row


def person(name: str) -> Participant:
    raw_id = f"8:acs:bc360ba8-d29b-4ef2-b698-769ebef85521_{abs(hash(name)) % 10**12:012d}"
    row, _ = Participant.objects.get_or_create(resource=resource(), raw_id=raw_id, defaults={"display_name": name})
    return row


def call(*names: str, started: datetime | None = None, ended: datetime | None = None) -> Call:
    number = Call.objects.count()
    started = started or clock.now() - timedelta(minutes=7)
    row = Call.objects.create(
        resource=resource(),
        server_call_id=f"aHR0cHM6Ly9jb252LXVzZWEtMDEuY29udi5za3lwZS5jb20vY29udi8{number:010d}",
        started_at=started,
        ended_at=ended,
    )
    for offset, name in enumerate(names):
        joined = started + timedelta(seconds=20 * offset)
        Presence.objects.create(call=row, participant=person(name), joined_at=joined, left_at=ended)
    return row


def recording(
    state: RecordingState = RecordingState.ACTIVE,
    *,
    names: tuple[str, ...] = NAMES[:2],
    began: datetime | None = None,
    **columns: object,
) -> Recording:
    """A recording of a call between `names`, confirmed unless said otherwise."""
    began = began or clock.now() - timedelta(minutes=6)
    remote_id = f"eyJQbGF0Zm9ybUVuZHBvaW50SWQiOiI{Recording.objects.count():06d}"
    ended = began + timedelta(minutes=31) if state == RecordingState.ENDED else None
    defaults = {
        "resource": resource(),
        "call": call(*names, started=began - timedelta(minutes=1), ended=ended),
        "recording_id": remote_id,
        "identity": identities.by_recording_id(remote_id),
        "origin": Recording.Origin.OPERATOR,
        "state": state,
        "requested_at": began,
        "started_at": began,
        "ended_at": ended,
        "confirmed_at": began + timedelta(seconds=2),
        "content_type": "audioVideo",
        "channel_type": "mixed",
        "format_type": "mp4",
    }
    row = Recording.objects.create(**defaults | columns)
    for name in dict.fromkeys(names):
        RecordingParticipant.objects.create(recording=row, participant=person(name))
    StateChange.objects.create(
        recording=row, old="requested", new="active", at=began, because="The service acknowledged the start."
    )
    buckets.settle(row)
    row.refresh_from_db()
    return row


def command(row: Recording, verb: CommandVerb, state: CommandState, **columns: object) -> Command:
    created = Command.objects.create(resource=row.resource, recording=row, verb=verb, state=state, **columns)
    buckets.settle(row)
    return created


def chunk(row: Recording, index: int = 0, *, left: float = 0.8, minutes: float = 30, **columns: object) -> Chunk:
    """A chunk with its two files announced; `left` is the share of its time in temporary storage that remains."""
    expires = clock.now() + timedelta(seconds=row.resource.retention_seconds * left)
    starts = row.began_at + timedelta(minutes=minutes * index)
    defaults = {
        "document_id": f"0-eus-d2-{Chunk.objects.count():032x}",
        "end_reason": "SessionEnded",
        "announced_at": clock.now(),
        "expires_at": expires,
        "expires_basis": Chunk.ExpiryBasis.RECORDING_END,
        "start_time": starts,
    }
    created = Chunk.objects.create(resource=row.resource, recording=row, index=index, **defaults | columns)
    event(row, created)
    for artefact in MediaFile.Artefact.values:
        MediaFile.objects.create(chunk=created, artefact=artefact)
    buckets.settle(row)
    row.refresh_from_db()
    return created


def event(row: Recording, of: Chunk) -> Notification:
    number = Notification.objects.count()
    data = {"recordingStorageInfo": {"recordingChunks": [{"documentId": of.document_id, "index": of.index}]}}
    received = row.ended_at or clock.now()
    return Notification.objects.create(
        resource=row.resource,
        recording=row,
        event_id=f"event-{number}",
        body_hash=f"{number:064x}",
        body=json.dumps({"type": "Microsoft.Communication.RecordingFileStatusUpdated", "data": data}),
        schema="cloudevents",
        event_type="Microsoft.Communication.RecordingFileStatusUpdated",
        identity=row.identity,
        state="processed",
        outcome="One chunk was announced.",
        event_time=received,
        received_at=received + timedelta(seconds=71),
    )


def secured(row: Recording, index: int = 0, *, minutes: float = 30, pauses: int = 0) -> Chunk:
    """A chunk whose files are in the archive, with pauses spread over it."""
    created = chunk(row, index, minutes=minutes)
    now = clock.now()
    created.files.update(
        state=MediaState.ARCHIVED, attempt=1, archived_at=now, verified_at=now, size=4_210, sha256="b" * 64
    )
    created.files.filter(artefact="media").update(
        size=int(minutes * 7_310_000),
        sha256="4f7c" * 16,
        media_type="video/mp4",
        duration_ms=int(minutes * 60_000) - pauses * 90_000,
        archive_key=f"embedded/2026/{created.pk}.mp4",
    )
    for number in range(pauses):
        started = created.start_time + timedelta(minutes=minutes * (number + 1) / (pauses + 1))
        PauseInterval.objects.create(chunk=created, started_at=started, duration_ms=90_000)
    for file in created.files.all():
        Attempt.objects.create(
            media_file=file,
            number=1,
            outcome="succeeded",
            worker="media@host",
            bytes_received=file.size or 0,
            finished_at=now,
        )
    buckets.settle(row)
    row.refresh_from_db()
    return created


def failing(row: Recording, *, left: float, error: str, index: int = 0) -> Chunk:
    created = chunk(row, index, left=left)
    created.files.filter(artefact="media").update(
        state=MediaState.FAILED,
        attempt=4,
        error=error,
        error_kind="service_fault",
        next_attempt_at=clock.now() + timedelta(seconds=40),
    )
    created.files.filter(artefact="metadata").update(state=MediaState.ARCHIVED, attempt=1)
    media = created.files.get(artefact="media")
    for number in range(1, 5):
        Attempt.objects.create(
            media_file=media,
            number=number,
            outcome="failed",
            worker="media@host",
            http_status=503,
            error=error,
            bytes_received=1_250_000 * number,
        )
    buckets.settle(row)
    return created


def lost(row: Recording, cause: LossCause = LossCause.EXPIRED) -> Loss:
    created = chunk(row, left=-0.1)
    created.files.update(state=MediaState.LOST, error="Not found")
    loss = Loss.objects.create(
        recording=row,
        chunk_index=0,
        cause=cause,
        evidence="404 from the service at 03:14:07 UTC, 12 min after its expiry; 9 attempts before it.",
    )
    buckets.settle(row)
    return loss


def processes(*, silent: tuple[str, ...] = ()) -> None:
    from dashboard.processes import HEARTBEATS

    for name in HEARTBEATS:
        age = timedelta(minutes=4) if name in silent else timedelta(seconds=1)
        Heartbeat.objects.create(name=name, host="desk", pid=4242, beaten_at=clock.now() - age)
    EventSource.objects.create(
        resource=resource(),
        kind="event_grid",
        address="http://127.0.0.1:9/topics/acs/eventsubscriptions/tapedeck",
        last_pull_at=clock.now(),
        last_notification_at=clock.now() - timedelta(seconds=41),
    )


def live_rows(count: int, by: User) -> None:
    """`count` live recordings, in every state that Live shows, and three calls that nobody records."""
    now = clock.now()
    for number in range(count):
        names = (NAMES[number % 12], NAMES[(number * 5 + 3) % 12], *NAMES[3 : 3 + number % 3])
        began = now - timedelta(minutes=2 + 4 * number, seconds=number)
        row = recording(names=names, began=began, started_by=by if number % 4 else None)
        if number % 6 == 2:
            since = now - timedelta(minutes=7 if number == 2 else 1)
            Recording.objects.filter(pk=row.pk).update(state="paused", paused_since=since, paused_ms=12_000)
        if number == 1:
            command(row, CommandVerb.PAUSE, CommandState.ACKNOWLEDGED, requested_by=by)
        if number == 3:
            command(row, CommandVerb.PAUSE, CommandState.CONTRADICTED, requested_by=by)
        if number == 4:
            Recording.objects.filter(pk=row.pk).update(state="stopping")
            command(row, CommandVerb.STOP, CommandState.REQUESTED, requested_by=by)
    for number in range(3):
        call(*NAMES[number * 3 : number * 3 + 2 + number], started=now - timedelta(minutes=3 * number + 1))


def library(count: int, by: User) -> None:
    """`count` finished recordings: most secured, some on their way, a few lost."""
    random.seed(7)
    for number in range(count):
        began = clock.now() - timedelta(hours=1 + 2.3 * number, minutes=random.randint(0, 50))
        names = tuple(random.sample(NAMES, random.randint(2, 4)))
        row = recording(RecordingState.ENDED, names=names, began=began, started_by=by, duration_ms=1_800_000)
        _fate(row, number)


def _fate(row: Recording, number: int) -> None:
    if number == 1:
        chunk(row, left=0.9)
    elif number == 2:
        failing(row, left=0.18, error="The service failed (503) after 3.8 MB. It is tried again.")
    elif number == 3:
        failing(row, left=0.06, error="The connection broke after 412 MB; the next attempt goes on from there.")
    elif number == 4:
        for index in range(3):
            secured(row, index, minutes=41, pauses=1 + index % 2)
    elif number == 9:
        lost(row)
    elif number:
        secured(row, minutes=random.randint(4, 55), pauses=number % 3)


def trouble() -> None:
    Condition.objects.report(
        Condition.Kind.UNREACHABLE, resource=resource(), detail="No connection to 127.0.0.1:8801 within 3 s."
    )
