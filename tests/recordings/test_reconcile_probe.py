"""What was out of reach is tried again, so that a banner does not outlive its cause."""

import pytest

from recordings import clock, reconcile
from recordings.acs.signing import host_of
from recordings.models import Condition
from tests import rows
from tests.misbehaving import Misbehaving, Reply, refusal
from tests.recordings import commanded
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db

UNREACHABLE, REFUSED = Condition.Kind.UNREACHABLE, Condition.Kind.CREDENTIALS_REFUSED


def _report(resource, kind, *, host="", due=True):
    moment = clock.now() - clock.seconds(1) if due else clock.now() + clock.seconds(60)
    Condition.objects.report(kind, resource=resource, detail="Out of reach.", host=host, probe_at=moment)


def _is_open(kind):
    return Condition.objects.open().filter(kind=kind).exists()


@pytest.mark.parametrize("kind", [UNREACHABLE, REFUSED])
def test_an_endpoint_that_answers_again_closes_the_condition(settings, kind):
    with Misbehaving(commanded.GONE) as server:
        resource = connect(settings, server.endpoint)
        _report(resource, kind, host=host_of(server.endpoint))
        reconcile.probe()
    assert not _is_open(kind)


def test_a_service_that_still_does_not_answer_is_probed_later(settings):
    resource = connect(settings, "http://127.0.0.1:9")
    _report(resource, UNREACHABLE, host="127.0.0.1:9")
    reconcile.probe()
    assert Condition.objects.open().get().probe_at > clock.now()


def test_a_key_that_is_still_refused_stays_so(settings):
    with Misbehaving(refusal(401, "Denied")) as server:
        resource = connect(settings, server.endpoint)
        _report(resource, REFUSED)
        reconcile.probe()
    assert _is_open(REFUSED)


def test_nothing_is_probed_before_its_time(settings):
    with Misbehaving(commanded.GONE) as server:
        resource = connect(settings, server.endpoint)
        _report(resource, UNREACHABLE, due=False)
        reconcile.probe()
        assert server.seen == []


def test_a_content_host_is_knocked_at(settings):
    with Misbehaving(Reply(status=404)) as storage:
        resource = connect(settings, "http://127.0.0.1:9")
        settings.ACS_CONTENT_HOSTS = (host_of(storage.endpoint),)
        _report(resource, UNREACHABLE, host=host_of(storage.endpoint))
        reconcile.probe()
        assert storage.methods == ["GET "]
    assert not _is_open(UNREACHABLE)


def test_a_host_that_is_no_longer_allowed_is_forgotten(settings):
    with Misbehaving(Reply()) as storage:
        resource = connect(settings, "http://127.0.0.1:9")
        _report(resource, UNREACHABLE, host=host_of(storage.endpoint))
        reconcile.probe()
        assert storage.seen == []
    assert not _is_open(UNREACHABLE)


@pytest.mark.parametrize("waiting", [True, False])
def test_a_key_refused_by_a_content_host_is_for_a_waiting_file_to_try(settings, waiting):
    resource = connect(settings, "http://127.0.0.1:9")
    if waiting:
        rows.chunk(rows.recording(resource=resource))
    _report(resource, REFUSED, host="storage.test")
    reconcile.probe()
    assert _is_open(REFUSED) is waiting


def test_a_resource_whose_key_has_gone_has_no_banner(settings):
    resource = connect(settings, "http://127.0.0.1:9")
    _report(resource, UNREACHABLE)
    settings.ACS_ENDPOINT = "https://another.example.com"
    reconcile.probe()
    assert not _is_open(UNREACHABLE)


def test_other_conditions_are_left_alone(settings):
    connect(settings, "http://127.0.0.1:9")
    _report(None, Condition.Kind.DISK_FULL)
    _report(None, UNREACHABLE)
    reconcile.probe()
    assert Condition.objects.open().count() == 2
