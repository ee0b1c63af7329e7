"""What cannot be processed is rolled back, and the record of it survives."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from recordings.models import Call, Chunk, Notification, Recording
from recordings.pipeline import ingest, notification
from recordings.states import NotificationState
from tests.recordings import builders

pytestmark = pytest.mark.django_db(transaction=True)

POSTGRES_TRIGGER = """
    CREATE FUNCTION refuse() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''no chunk today''; END' LANGUAGE plpgsql;
    CREATE TRIGGER refuse BEFORE INSERT ON recordings_chunk EXECUTE FUNCTION refuse();
"""
SQLITE_TRIGGER = """
    CREATE TRIGGER refuse BEFORE INSERT ON recordings_chunk BEGIN SELECT RAISE(ABORT, 'no chunk today'); END
"""


@contextmanager
def broken_database() -> Iterator[None]:
    """A database that takes everything but chunks, as one that is damaged or full might."""
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(POSTGRES_TRIGGER if postgres else SQLITE_TRIGGER)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse() CASCADE" if postgres else "DROP TRIGGER refuse")


@pytest.fixture
def row() -> Notification:
    [row] = notification.accept(builders.file_event(), resource=builders.resource())
    return row


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL, logger="recordings.pipeline.ingest")


def test_the_record_of_a_failure_survives_the_rollback(row):
    with broken_database():
        ingest.ingest(row.pk)
    row.refresh_from_db()
    assert (row.state, row.tries) == (NotificationState.PENDING, 1)
    assert "no chunk today" in row.error
    assert not Recording.objects.exists()
    assert not Call.objects.exists()


def test_a_failed_entry_waits_before_it_is_tried_again(row):
    assert list(ingest.pending(5)) == [row]
    with broken_database():
        ingest.ingest(row.pk)
    assert list(ingest.pending(5)) == []


def test_an_entry_that_fails_again_and_again_is_kept_as_failed_and_can_be_replayed(row):
    with broken_database():
        for _ in range(ingest.MOST_TRIES + 1):
            ingest.ingest(row.pk)
    row.refresh_from_db()
    assert (row.state, row.tries) == (NotificationState.FAILED, ingest.MOST_TRIES)
    assert ingest.replay(row)
    assert (row.tries, row.error) == (0, "")
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert (row.state, Chunk.objects.count()) == (NotificationState.PROCESSED, 1)


def test_an_entry_that_is_gone_or_done_is_left_alone(row):
    ingest.ingest(row.pk)
    row.refresh_from_db()
    processed_at = row.processed_at
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert row.processed_at == processed_at
    row.delete()
    ingest.ingest(row.pk)
    ingest._record_failure(row.pk, RuntimeError("too late"))


def test_a_damaged_body_is_told(row):
    Notification.objects.update(body='{"type": ')
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert (row.state, row.tries) == (NotificationState.FAILED, 1)
    assert "not JSON" in row.error
