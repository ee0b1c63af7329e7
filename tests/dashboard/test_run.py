"""`manage.py run`, really run: what it prints, starts again, and leaves behind."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.dashboard.settings_of import manage
from tests.stack import Stack, free_port, wait_until

pytestmark = pytest.mark.xdist_group("run")

LONGEST_STOP = 9
"""Seconds. Five are promised on a machine that has nothing else to do; tests beside this one take their share."""


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """The product on its defaults, for one test alone."""
    with Stack(tmp_path) as stack:
        yield stack


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product on its defaults, for tests that leave it running."""
    with Stack(tmp_path_factory.mktemp("shared")) as stack:
        yield stack


def tree(stack: Stack) -> list[psutil.Process]:
    """Everything that the command has started, directly or not."""
    assert stack.process
    return psutil.Process(stack.process.pid).children(recursive=True)


def survivors(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def health(stack: Stack) -> dict[str, object]:
    answer: dict[str, object] = httpx.get(f"{stack.url}/healthz").json()
    return answer


@pytest.mark.slow
def test_it_says_one_line_stops_soon_and_goes_on_where_it_stopped(own_stack: Stack) -> None:
    ready = f"Tapedeck is ready: {own_stack.url}  user: admin  password: {own_stack.admin_password}"
    assert own_stack.ready_line == ready
    assert health(own_stack)["status"] == "ok"
    everything = tree(own_stack)
    assert len(everything) >= 9
    assert own_stack.stop() < LONGEST_STOP
    assert survivors(everything) == []

    own_stack.start()
    assert own_stack.ready_line == ready


@pytest.mark.slow
@pytest.mark.services
def test_it_runs_on_postgresql_and_rabbitmq(tmp_path: Path) -> None:
    with Stack(tmp_path, engine="services") as stack:
        assert health(stack)["status"] == "ok"
        everything = tree(stack)
        assert stack.stop() < LONGEST_STOP
        assert survivors(everything) == []


@pytest.mark.slow
def test_what_dies_is_started_again(shared_stack: Stack) -> None:
    killed = {name: shared_stack.kill(name) for name in ("web", "worker-media", "beat", "local_acs")}
    for name, pid in killed.items():
        shared_stack.wait_for_restart(name, after=pid)
    wait_until(lambda: _answers(shared_stack), within=60)


def _answers(stack: Stack) -> bool:
    try:
        return health(stack)["status"] == "ok"
    except httpx.HTTPError:
        return False


@pytest.mark.slow
def test_nothing_outlives_a_command_that_is_killed(own_stack: Stack) -> None:
    everything = tree(own_stack)
    assert own_stack.process
    own_stack.process.kill()
    own_stack.process.wait()
    wait_until(lambda: not survivors(everything), within=20)


@pytest.mark.slow
def test_a_supervisor_that_is_killed_is_started_again(shared_stack: Stack) -> None:
    before = shared_stack.kill("supervisor")
    shared_stack.wait_for_restart("supervisor", after=before)
    wait_until(lambda: _answers(shared_stack), within=60)


@pytest.mark.slow
def test_a_second_start_on_the_same_data_says_so(shared_stack: Stack) -> None:
    assert shared_stack.process
    ports = {"TAPEDECK_PORT": str(free_port()), "LOCAL_ACS_PORT": str(free_port())}
    second = manage(shared_stack.data, ports, "run")
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.strip() == (
        f"CommandError: Tapedeck is already running on {shared_stack.data} (process {shared_stack.process.pid})."
        " Stop it first, or choose another folder with TAPEDECK_DATA."
    )


@pytest.mark.parametrize("variable", ["TAPEDECK_PORT", "LOCAL_ACS_PORT"])
def test_a_busy_port_is_named_with_its_variable(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"TAPEDECK_PORT": str(free_port()), "LOCAL_ACS_PORT": str(free_port()), variable: port}
        done = manage(tmp_path, ports, "run")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"CommandError: Port {port} on 127.0.0.1 cannot be used: Address already in use."
        f" Stop what uses it, or choose another port with {variable}."
    )


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid"])
def test_a_host_that_is_not_of_this_machine_is_named_with_its_variable(tmp_path: Path, host: str) -> None:
    ports = {"TAPEDECK_PORT": str(free_port()), "LOCAL_ACS_PORT": str(free_port())}
    done = manage(tmp_path, {**ports, "TAPEDECK_HOST": host}, "run")
    assert done.returncode == 1
    assert f"TAPEDECK_HOST is {host}, which is no address of this machine" in done.stderr


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    ports = {"TAPEDECK_PORT": str(free_port()), "LOCAL_ACS_PORT": str(free_port())}
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    done = manage(tmp_path, {**ports, "DATABASE_URL": away}, "run")
    assert done.returncode == 1
    assert "The database does not answer; see DATABASE_URL." in done.stderr


@pytest.mark.slow
def test_a_process_that_cannot_start_ends_the_run_with_its_log(tmp_path: Path) -> None:
    ports = {"TAPEDECK_PORT": str(free_port()), "LOCAL_ACS_PORT": str(free_port())}
    done = manage(tmp_path, {**ports, "LOCAL_ACS_PAUSE_TWICE": "never"}, "run")
    assert done.returncode == 1
    assert "Not up: local_acs." in done.stderr
    assert "LOCAL_ACS_PAUSE_TWICE" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_a_stop_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    with subprocess.Popen(
        [sys.executable, "manage.py", "run"],
        env=stack.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as starting:
        wait_until(lambda: stack.pids.get("beat"), within=60)
        everything = psutil.Process(starting.pid).children(recursive=True)
        starting.send_signal(signal.SIGTERM)
        assert starting.wait(20) == 0
        assert starting.stdout
        assert starting.stdout.read() == ""
        assert starting.stderr
        assert starting.stderr.read() == "Tapedeck has stopped.\n"
    assert survivors(everything) == []
