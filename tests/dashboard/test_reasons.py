"""The reason that may go along with a command from the page of a recording."""

from django.urls import reverse

from recordings.models import Command
from recordings.states import CommandState, CommandVerb
from tests.dashboard import cast
from tests.dashboard.test_controls import acs, call, recording, service  # noqa: F401  (fixtures)

OFFERED = "<option>Card data</option>"


def test_a_reason_is_kept_with_its_command(desk, recording):  # noqa: F811
    desk.post(reverse("pause", args=[recording.pk]), {"reason": "Card data"})
    assert Command.objects.get(verb="pause").reason == "Card data"
    assert ": Card data" in desk.get(reverse("recording", args=[recording.pk])).content.decode()


def test_a_reason_is_asked_of_those_who_may_act_while_there_is_something_to_do(desk, window, olga):
    row = cast.recording()
    address = reverse("recording", args=[row.pk])
    assert OFFERED in desk.get(address).content.decode()
    assert OFFERED not in window.get(address).content.decode()
    cast.command(row, CommandVerb.PAUSE, CommandState.ACKNOWLEDGED, requested_by=olga)
    assert OFFERED not in desk.get(address).content.decode()
