"""A recording that other software started is watched by its pasted id, once the service says that it exists."""

import pytest

from recordings import control
from recordings.acs import errors
from recordings.models import Adoption, Recording, StateChange
from tests import rows
from tests.misbehaving import Misbehaving, Reply
from tests.recordings import commanded
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db


def _watch(resource, recording_id="rec==", by=None):
    return control.watch(resource=resource, recording_id=recording_id, by=by)


@pytest.mark.parametrize(("reply", "state"), [(commanded.ACTIVE, "active"), (commanded.INACTIVE, "paused")])
def test_a_pasted_id_is_asked_about_and_adopted(settings, reply, state, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    with Misbehaving(reply) as server:
        recording = _watch(connect(settings, server.endpoint), by=ada)
        assert server.methods == ["GET rec=="]
    assert (recording.state, recording.recording_id, recording.recording_id_sent) == (state, "rec", "rec==")
    assert (recording.origin, recording.bucket, recording.identity) == ("watched", "recording", "r:rec")
    assert (Adoption.objects.get().by, StateChange.objects.get().new) == (ada, state)


def test_an_id_the_service_does_not_know_stores_nothing(settings):
    with Misbehaving(commanded.GONE) as server, pytest.raises(errors.NotFound, match="does not know this recording"):
        _watch(connect(settings, server.endpoint))
    assert not Recording.objects.exists()
    assert not Adoption.objects.exists()


@pytest.mark.parametrize("reply", [commanded.FAULT, Reply(hang_up=True), Reply(body=b"<html>")])
def test_a_service_that_cannot_tell_stores_nothing(settings, reply):
    with Misbehaving(reply) as server, pytest.raises(errors.AcsError):
        _watch(connect(settings, server.endpoint))
    assert not Recording.objects.exists()


@pytest.mark.parametrize("recording_id", ["", "  ", "==", "a" * 601, "a b", "../x", "https://a.test/", "é", "a\nb"])
def test_a_text_that_is_no_id_is_refused_without_asking(settings, recording_id):
    with Misbehaving(commanded.ACTIVE) as server:
        with pytest.raises(errors.NotFound, match="not a recording id"):
            _watch(connect(settings, server.endpoint), recording_id)
        assert server.seen == []


def test_a_known_recording_is_returned_without_asking(settings):
    resource = connect(settings, "http://127.0.0.1:9")
    known = rows.recording(resource=resource, recording_id="rec", identity="r:rec")
    assert _watch(resource) == known
    assert not Adoption.objects.exists()


def test_an_event_that_is_faster_wins(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        resource = connect(settings, server.endpoint)
        adopted = Recording(resource=resource, recording_id="rec", identity="r:rec", state="active")
        known = rows.recording(resource=resource, recording_id="rec", identity="r:rec")
        assert control._commit_adoption(adopted, None) == known


def test_a_retired_resource_says_what_is_missing(settings):
    connect(settings, "http://127.0.0.1:9")
    with pytest.raises(errors.CredentialsRefused, match="no longer hold"):
        _watch(rows.resource())
