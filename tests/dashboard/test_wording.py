"""How durations, sizes, times and urgency are written."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from dashboard.templatetags import wording
from dashboard.urgency import AMBER_BELOW, URGENT_BELOW, Urgency, urgency
from recordings.models import Recording

NOON = datetime(2026, 6, 1, 12, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0:00"), (65.9, "1:05"), (3727, "1:02:07"), (90_000, "25:00:00"), (-4, "0:00"), (None, "–")],
)
def test_a_clock_time(seconds, written):
    assert wording.clock_time(seconds) == written


def test_a_duration_is_given_in_milliseconds():
    assert wording.duration(3_727_400) == "1:02:07"
    assert wording.duration(None) == "–"


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (4_210, "4.2 KB"),
        (412_000_000, "412 MB"),
        (999_600, "1.0 MB"),
        (None, "–"),
    ],
)
def test_a_size(count, written):
    assert wording.size(count) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(119, "119 s"), (125, "2 min"), (7300, "2 h"), (200_000, "2 d"), (None, "–")]
)
def test_a_span(seconds, written):
    assert wording.span(seconds) == written


def test_a_moment_stands_in_the_viewers_zone_with_utc_on_hover():
    with timezone.override("Europe/Berlin"):
        shown = wording.moment(NOON)
    assert ">1 Jun 2026, 14:00:05<" in shown
    assert 'title="2026-06-01 12:00:05 UTC"' in shown


def test_a_moment_in_utc_says_so():
    assert ">12:00:05 UTC<" in wording.moment(NOON, "time")
    assert ">1 Jun 2026<" in wording.moment(NOON, "day")
    assert "–" in wording.moment(None)


def test_a_short_moment_names_the_day_unless_it_is_today():
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        assert ">12:00:05 UTC<" in wording.moment(NOON, "short")
        assert ">31 May, 12:00 UTC<" in wording.moment(NOON - DAY, "short")


@time_machine.travel(NOON, tick=False)
def test_what_ticks_carries_the_moment_it_counts_from():
    shown = wording.ago(NOON - timedelta(seconds=12))
    assert ">12 s ago<" in shown
    assert f'data-at="{(int(NOON.timestamp()) - 12) * 1000}"' in shown
    assert ">7:05<" in wording.elapsed(NOON - timedelta(seconds=365), 60_000)
    assert ">7:05<" in wording.elapsed(None, 425_000)
    assert ">never<" in wording.ago(None)
    assert wording.since(None) == "–"


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("left", "kind"),
    [(0.26, "calm"), (0.2499, "amber"), (0.11, "amber"), (0.0999, "urgent"), (0, "over"), (-1, "over")],
)
def test_a_countdown_is_as_urgent_as_its_share_of_time_left(left, kind):
    assert urgency(until=NOON + DAY * left, window=DAY, now=NOON) == Urgency(kind)
    assert wording.countdown(NOON + DAY * left, 86_400)["urgency"] == kind


def test_a_countdown_without_an_end_or_a_window_does_not_fail():
    assert wording.countdown(None, 0) == {"until": None}
    assert urgency(until=NOON, window=timedelta(0), now=NOON) == Urgency.OVER


def test_script_and_server_agree_on_the_limits_of_urgency():
    script = (settings.BASE_DIR / "static/js/clock.js").read_text()
    found = {name: float(value) for name, value in re.findall(r"const (\w+_BELOW) = ([\d.]+);", script)}
    assert found == {"AMBER_BELOW": AMBER_BELOW, "URGENT_BELOW": URGENT_BELOW}


def test_an_icon_with_a_label_speaks_and_one_without_is_silent():
    assert 'role="img" aria-label="confirmed"' in wording.icon("check", "confirmed")
    assert 'aria-hidden="true"' in wording.icon("check")


def test_every_icon_that_a_page_names_is_in_the_sprite():
    from dashboard.status import ICONS

    pages = "".join(path.read_text() for path in Path(settings.BASE_DIR / "templates").rglob("*.html"))
    sprite = (settings.BASE_DIR / "static/icons.svg").read_text()
    wanted = set(re.findall(r'{% icon "([\w-]+)"', pages)) | set(ICONS.values())
    assert wanted - set(re.findall(r'<symbol id="([\w-]+)"', sprite)) == set()


def test_json_is_laid_out_and_anything_else_left_alone():
    assert wording.pretty_json('{"a":1}') == json.dumps({"a": 1}, indent=2)
    assert wording.pretty_json("not json") == "not json"


@pytest.mark.parametrize(
    ("triple", "written"),
    [
        (("audioVideo", "mixed", "mp4"), "Video and audio, MP4"),
        (("audio", "unmixed", "wav"), "Audio, WAV with a channel per participant"),
        (("audio", "mixed", "ogg"), "audio mixed ogg"),
        (("", "", ""), "–"),
    ],
)
def test_a_kind_reads_as_on_the_start_form(triple, written):
    content, channel, form = triple
    assert wording.kind(Recording(content_type=content, channel_type=channel, format_type=form)) == written


@pytest.mark.parametrize(
    ("reason", "written"),
    [("InitiatorLeft", "The recording was stopped"), ("CallEnded", "The call ended"), ("NewReason", "NewReason")],
)
def test_the_end_of_a_session_is_told_in_words(reason, written):
    assert wording.session_end(reason) == written
