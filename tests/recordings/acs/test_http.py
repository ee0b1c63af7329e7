"""One door to the network: it times out, follows nobody, and shows credentials to allowed hosts only."""

import os
import socket
import threading
from contextlib import closing

import pytest

from recordings.acs import errors, http
from recordings.acs.http import Door
from recordings.acs.signing import host_of
from tests.misbehaving import Misbehaving, Reply


class Listener:
    """Writes down what a door tells."""

    def __init__(self):
        self.heard = []

    def answered(self, host, *, date, error):
        self.heard.append(("answered", host, bool(date), type(error).__name__))

    def silent(self, host, error):
        self.heard.append(("silent", host, error.sent))


def _door(*servers, **columns):
    hosts = tuple(host_of(server.endpoint) for server in servers)
    return Door(hosts=hosts, authorise=lambda *_: {"Authorization": "secret"}, **columns)


def _closed_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def test_an_answer_comes_whole_with_its_status_and_headers():
    with Misbehaving(Reply(status=202, body=b'{"a": 1}', headers={"X-A": "1"})) as server:
        response = _door(server).send("POST", f"{server.endpoint}/x", body=b"hello")
    assert (response.status, response.headers["x-a"], response.json_object()) == (202, "1", {"a": 1})
    assert (server.seen[0].body, server.seen[0].headers["authorization"]) == (b"hello", "secret")


def test_the_agent_names_itself_and_wants_bytes_as_they_are():
    with Misbehaving(Reply()) as server:
        _door(server).send("GET", server.endpoint)
    assert server.seen[0].headers["user-agent"].startswith("tapedeck/")
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_a_host_that_is_not_allowed_gets_no_request_at_all():
    with Misbehaving(Reply()) as server, Misbehaving(Reply()) as other:
        with pytest.raises(errors.HostNotAllowed):
            _door(other).send("GET", f"{server.endpoint}/x")
        assert server.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    with Misbehaving(Reply()) as other:
        redirect = Reply(status=status, headers={"Location": f"{other.endpoint}/x"})
        with Misbehaving(redirect) as server, pytest.raises(errors.BadAnswer) as caught:
            _door(server, other).send("GET", f"{server.endpoint}/x")
        assert other.seen == []
    assert not caught.value.retryable


def test_a_server_that_is_not_there_got_nothing():
    listener, host = Listener(), f"127.0.0.1:{_closed_port()}"
    door = Door(hosts=(host,), authorise=lambda *_: {}, contact=listener)
    with pytest.raises(errors.Unreachable, match="No connection") as caught:
        door.send("GET", f"http://{host}/")
    assert (caught.value.sent, caught.value.retryable) == (False, True)
    assert listener.heard == [("silent", host, False)]


def test_a_server_that_speaks_no_tls_got_nothing():
    with Misbehaving(Reply()) as server:
        port = server.endpoint.rpartition(":")[2]
        with pytest.raises(errors.Unreachable) as caught:
            _door(server).send("GET", f"https://127.0.0.1:{port}/")
    assert not caught.value.sent


def test_a_server_that_does_not_answer_in_time_may_have_acted():
    with Misbehaving(Reply(wait=5)) as server, pytest.raises(errors.Unreachable, match="in time") as caught:
        _door(server).send("POST", server.endpoint, seconds=0.2)
    assert caught.value.sent


def test_a_server_that_hangs_up_may_have_acted():
    with Misbehaving(Reply(hang_up=True)) as server, pytest.raises(errors.Unreachable, match="broke") as caught:
        _door(server).send("POST", server.endpoint)
    assert caught.value.sent


def test_an_answer_that_drips_is_given_up_at_the_deadline():
    reply = Reply(body=b"x" * 100, drip=0.1)
    with Misbehaving(reply) as server, pytest.raises(errors.Unreachable, match="too slowly"):
        _door(server).send("GET", server.endpoint, seconds=0.3)


def test_an_answer_without_an_end_is_cut_off():
    with (
        Misbehaving(Reply(body=b"x" * (http.LONGEST_DOCUMENT_BYTES + 1))) as server,
        pytest.raises(errors.BadAnswer, match="too long"),
    ):
        _door(server).send("GET", server.endpoint)


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe"])
def test_an_answer_that_is_no_json_says_what_to_check(body):
    with Misbehaving(Reply(body=body)) as server:
        response = _door(server).send("GET", server.endpoint)
    with pytest.raises(errors.BadAnswer, match="endpoint"):
        response.json()


def test_json_of_another_shape_is_a_bad_answer():
    with Misbehaving(Reply(body=b"[]")) as server:
        response = _door(server).send("GET", server.endpoint)
    with pytest.raises(errors.BadAnswer, match="shape"):
        response.json_object()


def test_the_contact_hears_of_every_answer():
    listener = Listener()
    with Misbehaving(Reply(), Reply(status=503)) as server:
        door = _door(server, contact=listener)
        door.send("GET", server.endpoint)
        with pytest.raises(errors.ServiceFault):
            door.send("GET", server.endpoint)
        host = host_of(server.endpoint)
    assert listener.heard == [("answered", host, True, "NoneType"), ("answered", host, True, "ServiceFault")]


def test_a_stream_that_is_refused_reads_the_reason():
    reply = Reply(status=404, body=b'{"error":{"code":"8522","message":"x"}}')
    with (
        Misbehaving(reply) as server,
        pytest.raises(errors.NotFound) as caught,
        _door(server).stream(server.endpoint, headers={}),
    ):
        pass
    assert caught.value.code == "8522"


def test_a_netrc_file_does_not_replace_the_signature(tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    os.environ["NETRC"] = str(tmp_path / "netrc")
    with Misbehaving(Reply()) as server:
        _door(server).send("GET", server.endpoint)
    assert server.seen[0].headers["authorization"] == "secret"


def test_cookies_are_not_kept():
    with Misbehaving(Reply(headers={"Set-Cookie": "a=1"})) as server:
        _door(server).send("GET", server.endpoint)
        _door(server).send("GET", server.endpoint)
    assert "cookie" not in server.seen[1].headers


def test_a_proxy_is_not_asked_for_this_machine():
    os.environ |= {"HTTP_PROXY": f"http://127.0.0.1:{_closed_port()}", "ALL_PROXY": "http://127.0.0.1:1"}
    with Misbehaving(Reply(status=204)) as server:
        assert _door(server).send("GET", server.endpoint).status == 204


def test_a_dead_proxy_means_that_nothing_was_sent():
    os.environ["HTTPS_PROXY"] = f"http://127.0.0.1:{_closed_port()}"
    door = Door(hosts=("a.test",), authorise=lambda *_: {})
    with pytest.raises(errors.Unreachable) as caught:
        door.send("GET", "https://a.test/")
    assert not caught.value.sent


def test_each_thread_has_connections_of_its_own():
    sessions = []
    thread = threading.Thread(target=lambda: sessions.append(http._session()))
    thread.start()
    thread.join()
    assert sessions[0] is not http._session()
    assert http._session() is http._session()


def test_a_forked_process_does_not_share_the_sockets():
    mine = http._session()
    http._of_this_thread.session = (os.getppid(), mine)  # as a child finds it after a fork
    assert http._session() is not mine


def test_an_address_that_no_host_can_have_is_not_tried():
    door = Door(hosts=("*.a.test",), authorise=lambda *_: {})
    with pytest.raises(errors.HostNotAllowed, match="Nothing was sent"):
        door.send("GET", f"https://{'x' * 70}.a.test/")
