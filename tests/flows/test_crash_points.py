"""A worker is killed at each point of the pipeline; what starts again ends with one attempt and one object per file.

The points of the operator's commands have their deaths in tests/recordings/test_control_crash.py.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from recordings import crashpoints
from tests.flows.installation import Installation
from tests.recordings.test_control_crash import ASKING, PAUSING, STARTING, WATCHING
from tests.stack import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

DELETING = "remote_delete."
TAKING_OVER = ("retrieve.before_take_over", "retrieve.after_take_over")
COMMANDS = ("control.", "sending.", "reconcile.")
LOSSES = "losses."
FILE_POINTS = sorted(point for point in crashpoints.POINTS if not point.startswith((*COMMANDS, LOSSES)))
LOSS_POINTS = sorted(point for point in crashpoints.POINTS if point.startswith(LOSSES))

DONE = """
SELECT count(*) FROM recordings_recording WHERE bucket = 'secured' AND manifest_version >= version
AND NOT EXISTS (SELECT 1 FROM recordings_mediafile WHERE artefact = 'media' AND decoded_at IS NULL)
"""
DELETED = "SELECT count(*) FROM recordings_chunk WHERE remote_deleted_at IS NOT NULL"


@pytest.fixture
def installation(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    point = request.node.callspec.params.get("point", "")
    environ = {"ACS_DELETE_AFTER_ARCHIVE": "on"} if point.startswith(DELETING) else {}
    with Installation(tmp_path, **environ) as running:
        yield running


@pytest.mark.parametrize("point", FILE_POINTS)
def test_a_file_survives_a_death_at(installation, point):
    installation.record()
    if point in TAKING_OVER:
        installation.crash_worker("retrieve.mid_file")
    installation.crash_worker(point)
    done = DELETED if point.startswith(DELETING) else DONE
    with installation.worker():
        wait_until(lambda: installation.number(done) == 1, within=60, every=0.2, what=f"done after {point}")
    _assert_one_of_each(installation)
    _assert_balanced(installation, secured=1)


@pytest.mark.parametrize("point", LOSS_POINTS)
def test_a_loss_survives_a_death_at(installation, point):
    _announce_what_has_expired(installation)
    installation.crash_worker(point)
    with installation.worker():
        wait_until(lambda: installation.number(_count("loss")) == 1, within=60, every=0.2, what="a loss")
        wait_until(lambda: installation.number(_count("mediafile WHERE state = 'lost'")) == 1, every=0.2)
    _assert_balanced(installation, lost=1)


def test_every_point_has_its_death():
    commands = {*STARTING, *PAUSING, *ASKING, *WATCHING, "control.before_commit"}
    assert {*FILE_POINTS, *LOSS_POINTS} | commands == crashpoints.POINTS


def _count(what: str) -> str:
    return f"SELECT count(*) FROM recordings_{what}"  # noqa: S608


def _assert_one_of_each(installation: Installation) -> None:
    files = installation.number(_count("mediafile"))
    succeeded = installation.stack.query(
        "SELECT media_file_id, count(*) FROM recordings_attempt WHERE outcome = 'succeeded' GROUP BY media_file_id"
    )
    keys = installation.stack.query("SELECT archive_key FROM recordings_mediafile ORDER BY archive_key")
    assert files == 2
    assert [number for _, number in succeeded] == [1, 1], installation.log()
    assert [key for (key,) in keys] == installation.archived_objects()
    assert installation.number(_count("recording")) == 1
    assert installation.number(_count("chunk")) == 1


def _assert_balanced(installation: Installation, **buckets: int) -> None:
    said = json.loads(installation.stack.manage("ledger", "--json", check=False).stdout)
    assert said["disagreements"] == []
    assert said["balanced"] is True
    assert {bucket: number for bucket, number in said["buckets"].items() if number} == buckets


def _announce_what_has_expired(installation: Installation) -> None:
    """Publishes a file event of three days ago; temporary storage has long dropped the file."""
    then = datetime.now(UTC) - timedelta(days=3)
    document = "0-eus-d1-" + "0" * 32
    location = f"{installation.acs.endpoint}/v1/objects/{document}"
    chunk = {
        "documentId": document,
        "index": 0,
        "endReason": "SessionEnded",
        "contentLocation": f"{location}/content/video",
        "metadataLocation": f"{location}/content/acsmetadata",
        "deleteLocation": location,
    }
    event = {
        "specversion": "1.0",
        "id": "late",
        "source": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Communication/communicationServices/c",
        "subject": "/recording/call/c/serverCallId/s/recordingId/r",
        "type": "Microsoft.Communication.RecordingFileStatusUpdated",
        "time": then.isoformat(),
        "data": {
            "recordingStorageInfo": {"recordingChunks": [chunk]},
            "recordingStartTime": then.isoformat(),
            "recordingDurationMs": 5000,
            "sessionEndReason": "CallEnded",
        },
    }
    answer = httpx.post(
        f"{installation.acs.endpoint}/topics/acs:publish?api-version=2024-06-01",
        json=[event],
        headers={
            "Authorization": f"SharedAccessKey {installation.acs.event_grid_key}",
            "Content-Type": "application/cloudevents-batch+json; charset=utf-8",
        },
    )
    answer.raise_for_status()
