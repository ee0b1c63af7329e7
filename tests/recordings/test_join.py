"""Two rows that turn out to be one recording leave one recording in the ledger, in the archive and after a rebuild."""

import pytest

from recordings import adoption, ledger, manifest, rebuild, storage
from recordings.models import Recording
from recordings.states import RecordingState
from tests import rows
from tests.recordings.test_rebuild import drop_all, everything, write_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twin(secured) -> Recording:
    """Another row for the secured recording, known by its call only; both have their manifests."""
    row = rows.recording(
        RecordingState.ACTIVE,
        resource=secured.resource,
        recording_id=None,
        identity="c:call@2026",
        origin=Recording.Origin.OPERATOR,
    )
    rows.notification(row)
    write_all()
    return row


def manifests() -> set[str]:
    return {key.rpartition("/")[0] for key in storage.walk() if "manifest" in key}


def test_the_ledger_balances_before_and_after_the_manifests_are_tidied(secured, twin):
    kept = adoption.merge(twin, into=secured.recording)
    assert kept.pk == twin.pk
    assert ledger.read().disagreements == []
    write_all()
    assert ledger.read().disagreements == []


def test_only_the_manifest_of_the_row_that_was_kept_remains(secured, twin):
    kept = adoption.merge(twin, into=secured.recording)
    write_all()
    assert manifests() == {manifest.folder(kept)}


def test_the_folder_of_the_row_that_was_kept_stays_where_it_was(secured, twin):
    before = manifest.folder(twin)
    kept = adoption.merge(twin, into=secured.recording)
    assert manifest.folder(kept) == before


def test_a_manifest_of_the_joined_row_that_comes_late_is_not_believed(secured, twin):
    stale = {key: storage.read_bytes(key).decode() for key in storage.walk() if "manifest" in key}
    gone = manifest.folder(secured.recording)
    adoption.merge(twin, into=secured.recording)
    write_all()
    for key, text in stale.items():
        if key.startswith(gone):
            storage.put_text(key, text)
    before = everything()
    drop_all()
    report = rebuild.rebuild()
    assert (report.rebuilt, report.problems) == (1, [])
    assert everything() == before
    assert ledger.read().balanced


def test_a_row_that_is_joined_twice_remembers_both(secured, twin):
    third = rows.recording(RecordingState.ENDED, resource=secured.resource, recording_id=None, identity="c:call@2027")
    rows.notification(third)
    write_all()
    adoption.merge(third, into=secured.recording)
    kept = adoption.merge(twin, into=Recording.objects.get(pk=secured.recording.pk))
    write_all()
    assert set(kept.joined_folders) == {manifest.folder(third), manifest.folder(secured.recording)}
    assert ledger.read().disagreements == []
    assert manifests() == {manifest.folder(kept)}
