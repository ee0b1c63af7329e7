"""The file system broker hands over whole messages, whoever writes and reads at the same moment."""

import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from dashboard.file_broker import Channel, Transport

MESSAGES = 300
BINDER = """
import sys
from tests.dashboard.test_file_broker import channel
made = channel(sys.argv[1])
made.exchange_declare("tapedeck", "direct")
made.queue_bind(sys.argv[2], "tapedeck", sys.argv[2])
"""


def channel(folder: Path | str) -> Channel:
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": f"{folder}/control"}
    connection = Connection(transport=Transport, transport_options=options)
    made = connection.channel()
    assert isinstance(made, Channel)
    return made


def test_a_reader_that_is_faster_than_the_writer_sees_no_half_message(tmp_path):
    writer, reader = channel(tmp_path), channel(tmp_path)
    writing = threading.Thread(target=lambda: [writer._put("lane", {"number": n}) for n in range(MESSAGES)])
    writing.start()
    seen = []
    while len(seen) < MESSAGES:
        try:
            seen.append(reader._get("lane")["number"])
        except Empty:
            assert writing.is_alive() or len(list(tmp_path.glob("*.msg"))) > 0
    writing.join()
    assert sorted(seen) == list(range(MESSAGES))


def test_a_damaged_message_is_dropped_and_the_next_one_comes(tmp_path):
    (tmp_path / "000000000000000_x.lane.msg").touch()
    both = channel(tmp_path)
    both._put("lane", {"number": 1})
    assert both._get("lane") == {"number": 1}


@pytest.mark.slow
def test_processes_that_bind_at_once_keep_each_others_queues(tmp_path):
    queues = [f"lane-{number}" for number in range(6)]
    binders = [subprocess.Popen([sys.executable, "-c", BINDER, str(tmp_path), queue]) for queue in queues]
    assert [binder.wait(30) for binder in binders] == [0] * len(queues)
    assert sorted(row.queue for row in channel(tmp_path).get_table("tapedeck")) == queues
