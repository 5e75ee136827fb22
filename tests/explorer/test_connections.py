"""Connections that send a request slowly, in part, or malformed."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from contextlib import closing, suppress

import pytest
from small_served_run import Net, port_of, request, write_run

import sparsetime
from sparsetime.explorer.server import timed_protocol
from sparsetime.models import load


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("connections"))


@pytest.fixture
def explorer(run):
    served = sparsetime.explore(run, browser=False, model=Net())
    yield served
    served.stop()


def exchange(port, sent):
    """What the server answers to raw bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(sent)
        answer = b""
        with suppress(ConnectionResetError):  # of a server that has read enough
            while part := connection.recv(65536):
                answer += part
    return answer


HALF_SENT = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: local",
    "half a body": b"POST /api/labels HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
    b"Content-Type: application/json\r\n\r\n[",
    "a whole request and half of the next": b"GET /web/dom.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    b"GET / HT",
}


@pytest.mark.parametrize("kind", HALF_SENT)
def test_requests_that_never_arrive_are_closed(explorer, monkeypatch, kind):
    monkeypatch.setattr(timed_protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(timed_protocol, "BODY_SECONDS", 0.3)
    began = time.monotonic()
    exchange(port_of(explorer), HALF_SENT[kind])  # ends only because the server closes
    assert time.monotonic() - began < 4


def test_an_idle_connection_takes_the_next_request(explorer, monkeypatch):
    """A client that reuses a connection seldom meets one that is just being closed."""
    monkeypatch.setattr(timed_protocol, "HEAD_SECONDS", 0.2)
    client = http.client.HTTPConnection("127.0.0.1", port_of(explorer), timeout=5)
    with closing(client):
        for _ in range(2):
            client.request("GET", "/web/dom.js", headers={"Host": "localhost"})
            answer = client.getresponse()
            assert answer.status == 200 and answer.read()
            time.sleep(0.5)
    assert timed_protocol.KEEP_SECONDS >= 60


def test_bodies_do_not_wait_for_the_acknowledgement_of_their_heads(explorer, monkeypatch):
    """Nagle's algorithm, which costs 40 ms an answer, is off on every connection."""
    options = []
    made = timed_protocol.TimedProtocol.connection_made

    def recorded(protocol, transport):
        made(protocol, transport)
        accepted = transport.get_extra_info("socket")
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(timed_protocol.TimedProtocol, "connection_made", recorded)
    exchange(port_of(explorer), b"GET /web/dom.js HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert options == [1]


def test_a_request_that_trickles_is_closed(explorer, monkeypatch):
    """Each byte comes in time; together they take too long."""
    monkeypatch.setattr(timed_protocol, "HEAD_SECONDS", 0.4)
    with socket.create_connection(("127.0.0.1", port_of(explorer)), timeout=5) as connection:
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200:
            time.sleep(0.02)
            try:
                connection.send(bytes([byte]))
            except OSError:
                return
        pytest.fail("the connection stayed open")


def test_a_slow_answer_is_no_slow_request(explorer, monkeypatch):
    """The limits are on what arrives: an answer may take longer."""
    monkeypatch.setattr(timed_protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(timed_protocol, "BODY_SECONDS", 0.3)
    load_model = load.load_model
    monkeypatch.setattr(load, "load_model", lambda model: time.sleep(1.2) or load_model(model))

    body = {"values": [[0.5, 0.0]] * 4}
    status, body = asyncio.run(request(port_of(explorer), "/api/dictionaries/topk/live", body))
    assert status == 200 and b'"features"' in body


POST = (
    b"POST /api/labels HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\n"
)
GET = b"GET / HTTP/1.1\r\nConnection: close\r\n"
MALFORMED = {
    "a length and chunks": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", 413),
    "chunks alone": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", 413),
    "no length": (POST + b"\r\n", 413),
    "a length of letters": (POST + b"Content-Length: two\r\n\r\n[]", 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", 400),
    "huge headers": (GET + b"Host: localhost\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n", 400),
    "a host that is no host": (GET + b"Host: [\r\n\r\n", 403),
    "an origin that is no address": (GET + b"Host: localhost\r\nOrigin: http://[\r\n\r\n", 403),
    "no host": (GET + b"\r\n", 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_requests_are_refused(explorer, monkeypatch, kind):
    monkeypatch.setattr(timed_protocol, "HEAD_SECONDS", 1.0)
    sent, status = MALFORMED[kind]
    port = port_of(explorer)
    answer = exchange(port, sent)
    refused = f"HTTP/1.1 {status} ".encode()
    assert answer.startswith(refused) or (kind == "huge headers" and not answer), answer[:200]
    if status in (403, 413):
        assert b"content-security-policy" in answer.lower()
    assert asyncio.run(request(port, "/"))[0] == 200, "and the next one is answered"
