"""Commands from the pages, against the real embedded service: what operators are told, and what a stale page gets."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from recordings import tasks
from recordings.models import Call, Command, Recording, Resource
from recordings.states import CommandState, RecordingState
from tests.dashboard import cast
from tests.dashboard.test_live import HTMX, text_of
from tests.embedded import LocalAcs

FROM_RECORDING = {"HX-Current-URL": "http://testserver/recordings/01890000-0000-7000-8000-000000000000/"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAcs]:
    with LocalAcs(tmp_path_factory.mktemp("service") / "local_acs") as running:
        yield running


@pytest.fixture
def acs(service: LocalAcs, settings: Settings) -> LocalAcs:
    settings.TAPEDECK_EMBEDDED = True
    settings.ACS_ENDPOINT = settings.LOCAL_ACS_ENDPOINT = service.endpoint
    settings.ACS_ACCESS_KEY, settings.LOCAL_ACS_MANAGEMENT_KEY = service.access_key, service.management_key
    settings.TAPEDECK_PUBLIC_URL = ""
    return service


@pytest.fixture
def call(acs: LocalAcs, db: None) -> Call:
    """A call that is live at the service and known here."""
    described = acs.call("Ada", "Grace")
    row = cast.call("Ada", "Grace")
    Call.objects.filter(pk=row.pk).update(server_call_id=described["serverCallId"])
    row.refresh_from_db()
    return row


def press(browser, name: str, pk: object, **headers: str):
    return browser.post(reverse(name, args=[pk]), headers=headers)


@pytest.fixture
def recording(desk, call: Call) -> Recording:
    press(desk, "record", call.pk)
    return Recording.objects.get()


def test_one_click_records_a_call_as_video(desk, call):
    answer = press(desk, "record", call.pk, **HTMX)
    row = Recording.objects.get()
    assert answer.status_code == 200
    assert f'id="r-{row.pk}"' in answer.content.decode()
    assert row.state == RecordingState.ACTIVE
    assert (row.content_type, row.channel_type, row.format_type) == ("audioVideo", "mixed", "mp4")


def test_without_htmx_a_command_leads_back_to_its_page(desk, recording):
    assert press(desk, "pause", recording.pk)["Location"] == "/"
    address = reverse("recording", args=[recording.pk])
    answer = desk.post(reverse("pause", args=[recording.pk]), headers={"Referer": f"http://testserver{address}"})
    assert answer["Location"] == address


def test_pause_is_acknowledged_and_shown_as_unconfirmed(desk, recording):
    page = press(desk, "pause", recording.pk, **HTMX).content.decode()
    assert "pause acknowledged, unconfirmed" in text_of(page)
    assert Command.objects.get(verb="pause").requested_by.username == "olga"


@pytest.fixture
def hints(monkeypatch) -> list[tuple[str, str]]:
    """The messages that would go to the broker, as task and row."""
    sent: list[tuple[str, str]] = []
    name = "celery.app.task.Task.apply_async"
    monkeypatch.setattr(name, lambda self, args=(), **_: sent.append((self.name.rpartition(".")[2], args[0])))
    return sent


def test_what_the_service_said_yes_to_is_asked_about_at_once(
    desk, recording, hints, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        press(desk, "pause", recording.pk, **HTMX)
    assert hints == [("ask", str(recording.pk))]
    tasks.ask(str(recording.pk))
    assert Command.objects.get(verb="pause").state == CommandState.CONFIRMED


def test_after_a_start_nothing_is_asked_at_once(desk, call, hints, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        press(desk, "record", call.pk, **HTMX)
    assert hints == []


def test_a_double_click_is_one_command(desk, recording):
    for _ in range(2):
        assert press(desk, "pause", recording.pk, **HTMX).status_code == 200
    assert Command.objects.filter(verb="pause").count() == 1


def test_a_stale_page_gets_409_with_the_reason_and_the_fresh_rows(desk):
    row = cast.recording(RecordingState.ENDED)
    answer = press(desk, "pause", row.pk, **HTMX)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert page.startswith('<div id="live"')
    assert 'class="message error"' in page


def test_a_stale_page_without_htmx_gets_409_as_a_whole_page(desk):
    answer = press(desk, "stop", cast.recording(RecordingState.ENDED).pk)
    assert answer.status_code == 409
    assert answer.content.decode().startswith("<!doctype html>")


def test_a_refusal_on_a_recordings_page_answers_with_that_page(desk):
    row = cast.recording(RecordingState.ENDED)
    answer = press(desk, "resume", row.pk, **HTMX, **FROM_RECORDING)
    assert answer.status_code == 409
    assert answer.content.decode().startswith('<div id="body"')


def test_a_call_that_has_ended_refuses_with_a_sentence(desk, acs):
    gone = cast.call("Ada")
    page = press(desk, "record", gone.pk, **HTMX).content.decode()
    assert "Start was refused" in text_of(page)
    assert Command.objects.get().state == CommandState.FAILED


def test_the_form_starts_with_every_choice(desk, call):
    page = desk.get(reverse("start"), {"call": str(call.pk)}).content.decode()
    assert f'<option value="{call.pk}" selected>Ada, Grace</option>' in page
    answer = desk.post(reverse("start"), {"call": call.pk, "kind": "mp3", "paused": "on", "reason": "as asked"})
    assert answer["Location"] == "/"
    command = Command.objects.get()
    assert (command.reason, command.body["pauseOnStart"], command.body["recordingFormatType"]) == (
        "as asked",
        True,
        "mp3",
    )


def test_a_second_start_of_the_same_kind_is_refused_with_the_rows_that_are(desk, call, recording):
    long_ago = recording.requested_at - timedelta(minutes=1)
    Command.objects.update(requested_at=long_ago, acknowledged_at=long_ago, settled_at=long_ago)
    answer = press(desk, "record", call.pk, **HTMX)
    assert answer.status_code == 409
    assert 'class="message error"' in answer.content.decode()
    assert Recording.objects.count() == 1


def test_a_garbled_referer_leads_home(desk, recording):
    answer = desk.post(reverse("pause", args=[recording.pk]), headers={"Referer": "http://testserver/no/such/page"})
    assert answer["Location"] == "/"


def test_the_form_takes_a_pasted_server_call_id(desk, acs):
    cast.resource()
    answer = desk.post(reverse("start"), {"server_call_id": acs.call("Ada")["serverCallId"], "kind": "wav"})
    assert answer.status_code == 302
    assert Recording.objects.get().state == RecordingState.ACTIVE


@pytest.mark.parametrize("also", [{}, {"server_call_id": "x"}])
def test_the_form_wants_one_call(desk, call, also):
    fields = {"kind": "video"} | ({"call": call.pk, **also} if also else {})
    answer = desk.post(reverse("start"), fields)
    assert answer.status_code == 422
    assert "one of the two" in answer.content.decode()


def test_without_a_resource_nothing_can_be_started_or_watched(desk, acs):
    Resource.objects.all().delete()
    answer = desk.post(reverse("start"), {"server_call_id": "x", "kind": "video"})
    assert answer.status_code == 409
    assert "No resource is known yet" in answer.content.decode()
    answer = desk.post(reverse("watch"), {"recording_id": "x"})
    assert "No resource is known yet" in answer.content.decode()


def test_watching_asks_the_service_first(desk, acs):
    cast.resource()
    answer = desk.post(reverse("watch"), {"recording_id": "bm8gc3VjaA"})
    assert answer.status_code == 422
    assert not Recording.objects.exists()


def test_a_recording_of_other_software_is_watched_by_its_id(desk, recording):
    remote_id = recording.recording_id
    Recording.objects.all().delete()
    answer = desk.post(reverse("watch"), {"recording_id": remote_id})
    found = Recording.objects.get()
    assert answer["Location"] == reverse("recording", args=[found.pk])
    assert found.origin == Recording.Origin.WATCHED


def test_a_service_that_is_away_is_said_and_the_command_stays_open(desk, recording, settings, call):
    settings.ACS_ENDPOINT = "http://127.0.0.1:9"
    Resource.objects.update(endpoint=settings.ACS_ENDPOINT)
    page = press(desk, "stop", recording.pk, **HTMX).content.decode()
    assert "not answered yet" not in page
    assert "stop asked, unconfirmed" in text_of(page)


def test_a_command_needs_the_token_of_a_page_of_ours(olga, recording):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(olga)
    answer = press(strict, "pause", recording.pk)
    assert answer.status_code == 403
    assert "The page was too old" in answer.content.decode()


def test_a_get_commands_nothing(desk, recording):
    for name in ("pause", "resume", "stop"):
        assert desk.get(reverse(name, args=[recording.pk])).status_code == 405
