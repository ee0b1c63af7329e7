"""Several workers process the events of one story at the same moment."""

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection

from recordings.models import Notification
from recordings.pipeline import ingest, notification
from recordings.states import NotificationState
from tests.recordings import builders, snapshots
from tests.recordings.pipeline.test_any_order import CALL_WITH_TWO_CHUNKS, STORY_OF_2021_THAT_LEARNS_ITS_ID

pytestmark = pytest.mark.django_db(transaction=True)


def work(pk: UUID) -> None:
    try:
        ingest.ingest(pk)
    finally:
        connection.close()


def settle() -> None:
    """What the sweep does once the pauses of entries that got into each other's way are over."""
    for _ in range(ingest.MOST_TRIES):
        for row in Notification.objects.filter(state=NotificationState.PENDING):
            ingest.ingest(row.pk)
    assert not Notification.objects.filter(state=NotificationState.PENDING).exists()


@pytest.mark.parametrize("story", [CALL_WITH_TWO_CHUNKS, STORY_OF_2021_THAT_LEARNS_ITS_ID], ids=["today", "2021"])
def test_workers_that_meet_leave_what_one_worker_leaves(story, caplog):
    caplog.set_level(logging.CRITICAL, logger="recordings.pipeline.ingest")
    with snapshots.forgotten():
        builders.take(*story)
        alone = snapshots.facts()
    for _ in range(3):
        Notification.objects.all().delete()
        _forget_all()
        keys = [row.pk for event in story for row in notification.accept(event, resource=builders.resource())]
        random.shuffle(keys)
        with ThreadPoolExecutor(8) as workers:
            list(workers.map(work, keys + keys))
        settle()
        assert snapshots.facts() == alone


def _forget_all() -> None:
    from recordings.models import Call, Participant, Recording

    for model in (Recording, Call, Participant):
        model.objects.all().delete()
