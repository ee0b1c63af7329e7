"""The main job over HTTP, without JavaScript: start, pause while a card number is read, resume, stop, play.

The finished file is decoded: its time codes prove that every wall second outside the pause is in it once, none inside.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from tests.decoding import assert_covers
from tests.flows.operator import Operator, Page
from tests.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TAKE_SECONDS = 2.5
PAUSE_SECONDS = 2.0


@dataclass
class Act:
    """One thing the operator did: the moments before it was sent and after it was shown as confirmed."""

    sent: datetime
    seen: datetime


@dataclass
class Told:
    """A whole story, as the operator lived through it."""

    page: Page
    start: Act
    pause: Act
    resume: Act
    stop: Act


@pytest.fixture
def operator(stack: Stack):
    with Operator(stack) as someone:
        yield someone


@pytest.fixture
def call(stack: Stack) -> dict[str, str]:
    """A live call of three people."""
    return stack.local("POST", "/local/calls", {"participants": ["Ada Byron", "Grace Hopper", "Alan Turing"]})


@pytest.mark.parametrize("kind", ["video", "mp3", "wav"])
@pytest.mark.xdist_group("flows")
def test_a_call_is_recorded_without_its_pause_and_played(operator, call, downloads, kind):
    told = _tell(operator, call, kind)
    assert "Secured" in told.page.text
    media, metadata = _download_both(operator, told.page, downloads, kind)
    _assert_truthful(told, metadata)
    interval = metadata["pauseResumeIntervals"][0]
    paused = datetime.fromisoformat(interval["startTime"])
    resumed = paused + timedelta(milliseconds=interval["duration"])
    began = datetime.fromisoformat(metadata["chunkStartTime"])
    ended = began + timedelta(milliseconds=_wall_ms(metadata))
    assert_covers(media, started=began, ended=ended, pauses=[(paused, resumed)])
    ledger = operator.ledger()
    assert ledger["balanced"] is True
    assert ledger["disagreements"] == []


def _tell(operator: Operator, call: dict[str, str], kind: str) -> Told:
    start, address = _start(operator, call, kind)
    sleep(TAKE_SECONDS)
    pause = _act(operator, address, "Pause", "Paused")
    sleep(PAUSE_SECONDS)
    resume = _act(operator, address, "Resume", "Recording")
    sleep(TAKE_SECONDS)
    stop = _act(operator, address, "Stop", "Ended")
    page = operator.await_page(address, lambda page: "Secured" in page.row("summary"), within=40, what="secured")
    return Told(page=page, start=start, pause=pause, resume=resume, stop=stop)


def _start(operator: Operator, call: dict[str, str], kind: str) -> tuple[Act, str]:
    shown = operator.await_page("/", lambda page: "Ada Byron" in page.row("live"), what="the live call")
    before = {row["id"] for row in shown.soup.select("tr[id^=r-]")}
    sent = datetime.now(UTC)
    if kind == "video":
        operator.press("Record", page=shown)
    else:
        operator.open("/start/")
        operator.press("Start recording", kind=kind, call="", server_call_id=call["serverCallId"])

    def new_row(page: Page) -> str:
        rows = [row["id"] for row in page.soup.select("tr[id^=r-]") if row["id"] not in before]
        return rows[0] if rows and _is_confirmed(page.row(str(rows[0])), "Recording") else ""

    page = operator.await_page("/", new_row, what="a confirmed recording")
    seen = datetime.now(UTC)
    return Act(sent, seen), f"/recordings/{new_row(page).removeprefix('r-')}/"


def _act(operator: Operator, address: str, button: str, becomes: str) -> Act:
    page = operator.open(address)
    sent = datetime.now(UTC)
    operator.press(button, page=page)
    operator.await_page(address, lambda page: _is_confirmed(page.row("summary"), becomes), what=becomes)
    return Act(sent, datetime.now(UTC))


def _is_confirmed(text: str, word: str) -> bool:
    return word in text and "unconfirmed" not in text


def _download_both(operator: Operator, page: Page, folder: Path, kind: str) -> tuple[Path, dict[str, object]]:
    suffix = {"video": "mp4"}.get(kind, kind)
    plays = [str(tag["src"]) for tag in page.soup.select("video[src], audio[src]")]
    media = operator.fetch(plays[0], folder / f"recording.{suffix}")
    downloads = page.links("Download")
    metadata = next(json.loads(body) for body in map(_body_of(operator), downloads) if body.startswith(b"{"))
    return media, metadata


def _body_of(operator: Operator):
    return lambda address: operator.http.get(address).content


def _wall_ms(metadata: dict[str, object]) -> float:
    """Length on the wall clock: what the file holds, and the pauses that it leaves out."""
    return metadata["chunkDuration"] + sum(interval["duration"] for interval in metadata["pauseResumeIntervals"])


def _assert_truthful(told: Told, metadata: dict[str, object]) -> None:
    """The metadata's moments lie between what the operator sent and what the operator was shown."""
    intervals = metadata["pauseResumeIntervals"]
    assert len(intervals) == 1
    paused = datetime.fromisoformat(intervals[0]["startTime"])
    resumed = paused + timedelta(milliseconds=intervals[0]["duration"])
    assert told.start.sent <= datetime.fromisoformat(metadata["chunkStartTime"]) <= told.start.seen
    assert told.pause.sent <= paused <= told.pause.seen
    assert told.resume.sent <= resumed <= told.resume.seen
