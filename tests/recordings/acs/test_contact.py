"""How requests went is kept: last contact, clock skew, and the conditions that become banners."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from recordings import clock
from recordings.acs import errors
from recordings.acs.client import Client
from recordings.acs.contact import ResourceContact
from recordings.models import Condition
from tests import rows
from tests.misbehaving import Misbehaving, Reply, document, refusal
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db

HOST = "acs.test"
SILENCE = errors.Unreachable("No connection.", sent=False)
REFUSED_KEY = errors.CredentialsRefused("Check the key.", http_status=401)
OK = document({"recordingState": "active"})


@pytest.fixture
def resource():
    return rows.resource()


def _open():
    return list(Condition.objects.open().values_list("kind", "host", "detail"))


def test_silence_opens_a_condition_that_holds_the_queue_for_a_while(resource):
    ResourceContact(resource).silent(HOST, SILENCE)
    assert _open() == [("unreachable", HOST, "No connection.")]
    assert Condition.objects.holding(resource, host=HOST).exists()


def test_an_answer_of_that_host_ends_it(resource):
    ResourceContact(resource).silent(HOST, SILENCE)
    ResourceContact(resource).answered(HOST, date="", error=errors.ServiceFault("x", http_status=503))
    assert _open() == []


def test_an_answer_of_another_host_does_not(resource):
    ResourceContact(resource).silent("storage.test", SILENCE)
    ResourceContact(resource).answered(HOST, date="", error=None)
    assert _open() == [("unreachable", "storage.test", "No connection.")]


def test_a_refused_key_is_a_condition_and_proves_that_the_host_is_there(resource):
    ResourceContact(resource).silent(HOST, SILENCE)
    ResourceContact(resource).answered(HOST, date="", error=REFUSED_KEY)
    assert _open() == [("credentials_refused", HOST, "Check the key.")]


@pytest.mark.parametrize(
    ("error", "ends_it"),
    [
        (None, True),
        (errors.Refused("x", http_status=409), True),
        (errors.NotFound("x", code="8522"), True),
        (errors.NotFound("x"), False),
        (errors.ServiceFault("x", http_status=500), False),
        (errors.Throttled("x"), False),
    ],
)
def test_only_an_answer_that_came_past_the_lock_clears_a_refused_key(resource, error, ends_it):
    ResourceContact(resource).answered(HOST, date="", error=REFUSED_KEY)
    ResourceContact(resource).answered(HOST, date="", error=error)
    assert (_open() == []) is ends_it


def test_last_contact_and_skew_are_kept(resource):
    ahead = format_datetime(clock.now() + timedelta(minutes=7), usegmt=True)
    ResourceContact(resource).answered(HOST, date=ahead, error=None)
    resource.refresh_from_db()
    assert resource.last_contact_at is not None
    assert abs(resource.clock_skew_ms - 7 * 60_000) <= 1500


def test_last_contact_is_not_written_at_every_answer(resource):
    contact = ResourceContact(resource)
    contact.answered(HOST, date="", error=None)
    first = resource.last_contact_at
    contact.answered(HOST, date="", error=None)
    resource.refresh_from_db()
    assert resource.last_contact_at == first


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026"])
def test_a_date_that_is_none_leaves_the_skew_unknown(resource, date):
    ResourceContact(resource).answered(HOST, date=date, error=None)
    resource.refresh_from_db()
    assert (resource.clock_skew_ms, resource.last_contact_at is None) == (None, False)


def test_a_client_keeps_it_all_by_itself(settings):
    with Misbehaving(refusal(401, "Denied"), OK) as server:
        resource = connect(settings, server.endpoint)
        with pytest.raises(errors.CredentialsRefused):
            Client(resource).state("abc")
        assert Condition.objects.open().count() == 1
        Client(resource).state("abc")
    resource.refresh_from_db()
    assert Condition.objects.open().count() == 0
    assert abs(resource.clock_skew_ms) < 2000


def test_a_transfer_that_breaks_off_raises_no_banner(settings):
    with Misbehaving(Reply(body=b"x", length=9)) as server:
        acs = Client(connect(settings, server.endpoint))
        url = f"{server.endpoint}/v1/objects/a"
        with pytest.raises(errors.Unreachable), acs.open_content(url, document_id="a") as content:
            list(content)
    assert _open() == []
