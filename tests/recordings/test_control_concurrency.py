"""Two operators, two clicks and two workers at the same moment, each on a database connection of its own."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from recordings import clock, control, evidence, reconcile
from recordings.models import Command, Recording, StateChange
from recordings.states import CommandState, CommandVerb, RecordingState
from tests.misbehaving import Misbehaving, Reply
from tests.recordings import commanded
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db(transaction=True)


def _at_once(*acts: Callable[[], object]) -> list[object]:
    """Runs each in a thread of its own, all let go together; what each returned, or the Illegal it raised."""
    gate = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(number: int) -> None:
        try:
            gate.wait(10)
            results[number] = acts[number]()
        except control.Illegal as illegal:
            results[number] = illegal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def _fresh(recording):
    return Recording.objects.get(pk=recording.pk)


def test_four_clicks_at_once_send_one_pause(settings):
    with Misbehaving(Reply(status=202, wait=0.3)) as server:
        recording = commanded.recording(settings, server)
        acts = [lambda: control.pause(_fresh(recording), by=None) for _ in range(4)]
        commands = _at_once(*acts)
        assert len(server.seen) == 1
    assert len({command.pk for command in commands}) == 1


def test_of_a_pause_and_a_stop_at_once_one_is_told_to_wait(settings):
    with Misbehaving(Reply(status=202, wait=0.3)) as server:
        recording = commanded.recording(settings, server)
        results = _at_once(
            lambda: control.pause(_fresh(recording), by=None), lambda: control.stop(_fresh(recording), by=None)
        )
        assert len(server.seen) == 1
    assert sorted(type(result).__name__ for result in results) == ["Command", "Illegal"]
    assert Command.objects.count() == 1


def test_four_starts_of_a_call_at_once_make_one_recording(settings):
    with Misbehaving(Reply(status=200, body=commanded.ACTIVE.body, wait=0.3)) as server:
        resource = connect(settings, server.endpoint)
        acts = [lambda: control.start(resource=resource, locator=commanded.LOCATOR, by=None) for _ in range(4)]
        commands = _at_once(*acts)
        assert len(server.seen) == 1
    assert len({command.pk for command in commands}) == 1
    assert Recording.objects.count() == 1


def test_two_sweeps_at_once_send_an_unclear_command_once_more(settings):
    with Misbehaving(Reply(status=202, wait=0.3)) as server:
        recording = commanded.recording(settings, server, RecordingState.REQUESTED)
        Recording.objects.filter(pk=recording.pk).update(recording_id=None, identity="")
        body = {"callLocator": commanded.LOCATOR, "pauseOnStart": False} | {
            f"recording{part}Type": "x" for part in ("Content", "Channel", "Format")
        }
        commanded.command(recording, CommandVerb.START, CommandState.REQUESTED, body=body)
        _at_once(*[lambda: reconcile.ask(_fresh(recording)) for _ in range(3)])
        assert len(server.seen) == 1


def test_two_workers_ask_once(settings):
    with Misbehaving(Reply(body=commanded.INACTIVE.body, wait=0.3)) as server:
        recording = commanded.recording(settings, server)
        rows = [_fresh(recording) for _ in range(3)]
        _at_once(*[lambda row=row: reconcile.ask(row) for row in rows])
        assert len(server.seen) == 1


def test_the_same_word_by_callback_and_by_asking_at_once_is_one_change(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    commanded.command(recording, CommandVerb.PAUSE)
    now = clock.now()
    _at_once(*[lambda: evidence.observe(_fresh(recording), "inactive", at=now) for _ in range(4)])
    assert StateChange.objects.filter(recording=recording).count() == 1
    assert Command.objects.get().state == CommandState.CONFIRMED


def test_opposite_words_at_once_leave_the_newer_one(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    now = clock.now()
    _at_once(
        lambda: evidence.observe(_fresh(recording), "active", at=now - clock.seconds(1)),
        lambda: evidence.observe(_fresh(recording), "inactive", at=now),
    )
    assert (_fresh(recording).state, _fresh(recording).remote_state) == ("paused", "inactive")


def test_a_callback_that_overtakes_the_answer_confirms_the_pause_once(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")

    def callback():
        evidence.observe(_fresh(recording), "inactive", at=clock.now())
        connection.close()

    with Misbehaving(Reply(status=202, before=callback)) as server:
        settings.ACS_ENDPOINT = server.endpoint
        type(recording.resource).objects.update(endpoint=server.endpoint)
        command = control.pause(_fresh(recording), by=None)
    assert (command.state, _fresh(recording).state) == ("confirmed", "paused")


def test_a_file_that_ends_the_recording_while_a_stop_is_sent_settles_it(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")

    def file_event():
        evidence.ended(_fresh(recording), at=clock.now(), because="Its file was announced.")
        connection.close()

    with Misbehaving(Reply(status=204, before=file_event)) as server:
        settings.ACS_ENDPOINT = server.endpoint
        type(recording.resource).objects.update(endpoint=server.endpoint)
        command = control.stop(_fresh(recording), by=None)
    assert (command.state, _fresh(recording).state) == ("confirmed", "ended")
