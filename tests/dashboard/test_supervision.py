"""The supervisor's configuration, and a supervisor with programs of its own."""

import configparser
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from pytest_django.fixtures import Settings

from dashboard import leash, processes, supervision
from dashboard.processes import Process
from tests.stack import wait_until

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
)


def supervisor(data: Path, *listed: Process) -> supervision.Supervisor:
    return supervision.Supervisor(listed, base=Path.cwd(), data=data)


def parsed(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=None)
    parser.read_string(text)
    return parser


def test_the_list_names_every_process() -> None:
    names = [process.name for process in processes.every_process()]
    assert names == ["web", "worker-control", "worker-media", "worker-derived", "beat", "local_acs"]


def test_with_a_real_resource_the_embedded_service_is_not_started(settings: Settings) -> None:
    settings.TAPEDECK_EMBEDDED = False
    assert "local_acs" not in [process.name for process in processes.every_process()]


def test_both_sides_get_the_same_keys_and_retention(settings: Settings) -> None:
    environ = processes.local_acs().environment
    assert environ["LOCAL_ACS_ACCESS_KEY"] == settings.ACS_ACCESS_KEY
    assert environ["LOCAL_ACS_EVENT_GRID_KEY"] == settings.EVENT_GRID_KEY
    assert environ["LOCAL_ACS_RETENTION_SECONDS"] == str(settings.ACS_RETENTION_SECONDS)
    assert environ["LOCAL_ACS_TOPIC"] == settings.EVENT_GRID_TOPIC


def test_each_process_has_a_section_and_all_are_one_group(data_folder: Path) -> None:
    written = parsed(supervision.configuration(processes.every_process(), base=Path("/app"), data=data_folder))
    assert written["program:web"]["stdout_logfile"] == f"{data_folder}/log/web.log"
    assert written["program:worker-derived"]["command"].split()[5] == "10"
    assert written["group:tapedeck"]["programs"] == "web,worker-control,worker-media,worker-derived,beat,local_acs"


def test_a_percent_sign_is_no_expansion(tmp_path: Path) -> None:
    odd = Process(name="odd", command=("/bin/echo", "100%"), environment={"RATE": "5%"})
    written = parsed(supervision.configuration([odd], base=Path("/app"), data=tmp_path / "100%"))
    assert written["program:odd"]["command"].endswith("/bin/echo 100%%")
    assert written["program:odd"]["environment"] == 'RATE="5%%"'
    assert "100%%/log" in written["program:odd"]["stdout_logfile"]


def test_the_configuration_is_for_its_owner_only(data_folder: Path) -> None:
    running = supervisor(data_folder, Process(name="one", command=SLEEPER))
    try:
        running.start()
        assert (data_folder / "run" / "supervisord.conf").stat().st_mode & 0o777 == 0o600
    finally:
        running.stop()


def test_what_dies_is_started_again_with_its_environment(data_folder: Path) -> None:
    show = (sys.executable, "-c", "import os, time; print(os.environ['COLOUR'], flush=True); time.sleep(60)")
    running = supervisor(data_folder, Process(name="one", command=show, environment={"COLOUR": "green=50%, really"}))
    try:
        running.start()
        log = supervision.log_file(data_folder, "one")
        wait_until(lambda: log.exists() and log.read_text() == "green=50%, really\n")
        first = running.pid("one")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: log.read_text().count("green") == 2)
        assert running.pid("one") not in {0, first}
    finally:
        running.stop()
    assert running.pid("one") == 0


def test_a_process_that_will_not_stop_is_killed(data_folder: Path) -> None:
    running = supervisor(data_folder, Process(name="one", command=STUBBORN))
    running.start()
    log = supervision.log_file(data_folder, "one")
    wait_until(lambda: log.exists() and "up" in log.read_text())
    pid = running.pid("one")
    running.stop()
    wait_until(lambda: not psutil.pid_exists(pid), within=5)  # whoever is its parent now has to notice


def test_the_processes_die_with_a_supervisor_that_is_killed(data_folder: Path) -> None:
    running = supervisor(data_folder, Process(name="one", command=SLEEPER))
    running.start()
    pid = wait_until(lambda: running.pid("one"))
    assert running.child
    running.child.kill()
    assert running.has_ended(within=5)
    wait_until(lambda: not psutil.pid_exists(pid))
    running.stop()


def test_a_supervisor_that_hangs_is_killed_with_its_processes(data_folder: Path) -> None:
    running = supervisor(data_folder, Process(name="one", command=SLEEPER))
    running.start()
    pid = wait_until(lambda: running.pid("one"))
    assert running.child
    running.child.send_signal(signal.SIGSTOP)
    running.stop()
    wait_until(lambda: not psutil.pid_exists(pid))


def test_a_supervisor_that_was_never_started_has_ended(data_folder: Path) -> None:
    running = supervisor(data_folder, Process(name="one", command=SLEEPER))
    assert running.has_ended(within=0)
    running.stop()


def test_the_leash_leaves_a_process_id_and_yields(tmp_path: Path) -> None:
    show = "import os; print(os.getpid(), os.nice(0))"
    command = [sys.executable, "-m", leash.__name__, str(tmp_path / "pid"), "7", sys.executable, "-c", show]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    pid, niceness = done.stdout.split()
    assert (tmp_path / "pid").read_text().strip() == pid
    assert int(niceness) == os.nice(0) + 7


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_the_leash_ties_a_process_to_its_parent(tmp_path: Path) -> None:
    child = [sys.executable, "-m", leash.__name__, str(tmp_path / "pid"), "0", *SLEEPER]
    script = f"import subprocess; subprocess.run({child!r})"
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "TAPEDECK_SUPERVISED": "1"}, stdout=subprocess.PIPE
    )
    assert parent.stdout
    assert parent.stdout.readline() == b"up\n"
    pid = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid))
