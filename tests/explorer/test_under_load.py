"""The explorer's server under many live requests and many equal ones."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from small_served_run import Net, port_of, request, write_run

import sparsetime
from sparsetime.explorer.server.shared_answers import SharedAnswers
from sparsetime.explorer.server.shared_call import SharedCall
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.models import load

READERS, KEYS = 200, 70
BOUND = 10.0  # seconds for pages under load; without the other tests they take some tenths


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("load"))


@pytest.fixture
def explorer(run):
    served = sparsetime.explore(run, browser=False, model=Net())
    yield served
    served.stop()


def live(port, page, value):
    body = {"values": [[value, 0.0]] * 4, "page": page}
    return asyncio.create_task(request(port, "/api/dictionaries/topk/live", body))


async def all_but_one(tasks):
    """The tasks that are done once one is left."""
    done, pending = set(), set(tasks)
    while len(pending) > 1:
        new, pending = await asyncio.wait(
            pending, timeout=BOUND, return_when=asyncio.FIRST_COMPLETED
        )
        assert new, "no answer in time"
        done |= new
    return done


def test_pages_answer_while_live_requests_wait_for_the_model(explorer, monkeypatch):
    """200 people and one who types 70 keys, all before the model is loaded."""
    loading, loaded = threading.Event(), threading.Event()
    load_model = load.load_model

    def slowly(model):
        loading.set()
        assert loaded.wait(60)
        return load_model(model)

    monkeypatch.setattr(load, "load_model", slowly)

    async def visit():
        port = port_of(explorer)
        assert (await request(port, "/api/run"))[0] == 200  # the run is read
        readers = [live(port, f"reader {n}", 0.1) for n in range(READERS)]
        typed = []
        for n in range(KEYS):
            typed.append(live(port, "typist", n / KEYS))
            await asyncio.sleep(0)
        effects = asyncio.create_task(
            request(port, "/api/dictionaries/topk/features/3/logit_effects")
        )
        await asyncio.to_thread(loading.wait, 10)
        began = time.monotonic()
        pages = ["/", "/web/main.js", "/api/run", "/api/dictionaries/topk/features",
                 "/api/dictionaries/topk/sequences/0/timeline"]  # fmt: skip
        answers = await asyncio.wait_for(
            asyncio.gather(*(request(port, path) for path in pages * 4)), BOUND
        )
        assert {status for status, _ in answers} == {200}
        await all_but_one(typed)
        last = live(port, "typist", 1.0)
        older = await asyncio.wait_for(asyncio.gather(*typed), BOUND)
        assert time.monotonic() - began < BOUND
        assert not loaded.is_set() and not any(task.done() for task in [*readers, last])
        await asyncio.sleep(1.5)  # long enough for lines that say what a run waits for
        loaded.set()
        newest = await asyncio.gather(*readers, last)
        return older, newest, await effects

    older, newest, effects = asyncio.run(visit())
    # 409, or a last line where the lines of the answer had begun.
    assert {status for status, _ in older} <= {200, 409}
    for _, body in older:
        assert b"a newer text of the same page" in body and b'"features"' not in body
    assert {status for status, _ in newest} == {200}
    for _, body in newest:
        lines = [json.loads(line) for line in body.splitlines() if line.startswith(b"{")]
        # On a busy machine a request may have waited a while before the loading began.
        states = [line["state"] for line in lines if "state" in line]
        assert "loading" in states and set(states) <= {"waiting", "loading", "running"}
        assert sum(len(line.get("features", [])) for line in lines) == 4
    assert effects[0] == 400 and b"no unembedding" in effects[1]


def test_the_worker_ends_with_its_last_run(explorer):
    port = port_of(explorer)

    async def visit():
        return await live(port, "", 0.5)

    assert asyncio.run(visit())[0] == 200
    deadline = time.monotonic() + 5
    while any(thread.name == "sparsetime live" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stopping_answers_who_waits(run, monkeypatch):
    """A server waits for its last answers; a live run must not be what it waits for."""
    loading, loaded = threading.Event(), threading.Event()
    monkeypatch.setattr(load, "load_model", lambda model: loading.set() or loaded.wait(60))
    explorer = sparsetime.explore(run, browser=False, model=Net())

    async def visit():
        waiting = [live(port_of(explorer), f"page {n}", 0.5) for n in range(3)]
        await asyncio.to_thread(loading.wait, 10)
        began = time.monotonic()
        await asyncio.to_thread(explorer.stop)
        return await asyncio.gather(*waiting), time.monotonic() - began

    answers, seconds = asyncio.run(visit())
    loaded.set()
    assert all(b"the explorer was stopped" in body for _, body in answers)
    assert seconds < 2


def test_callers_at_once_share_one_reading(run):
    read = []

    def slowly():
        read.append(threading.current_thread())
        time.sleep(0.1)
        return Workbench(run).opened

    async def visit():
        reading = SharedCall(slowly)
        found = await asyncio.gather(*(reading() for _ in range(100)))
        assert len(set(map(id, found))) == 1
        await reading()

    asyncio.run(visit())
    assert len(read) == 2


async def asked_of(app, method, path, query=b""):
    """The messages of an application's answer, its headers changed as outer middleware does."""
    messages = []

    async def send(message):
        if "headers" in message:
            message["headers"].append((b"seen", str(len(messages)).encode()))
        messages.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    await app(scope, None, send)
    return messages


def test_equal_requests_at_once_are_computed_once():
    computed = []

    async def slow(scope, receive, send):
        computed.append((scope["method"], scope["path"], scope["query_string"]))
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    async def visit():
        app = SharedAnswers(slow)
        answers = await asyncio.gather(*(asked_of(app, "GET", "/api/run") for _ in range(50)))
        assert all(start["headers"] == [(b"a", b"b"), (b"seen", b"0")] for start, _ in answers)
        assert {body["body"] for _, body in answers} == {b"/api/run"} and len(computed) == 1
        await asyncio.gather(*(asked_of(app, "GET", "/api/run", q) for q in (b"a=1", b"a=2")))
        assert len(computed) == 3
        await asyncio.gather(*(asked_of(app, "GET", "/") for _ in range(2)))
        assert len(computed) == 5, "pages need no computing"
        before = asyncio.create_task(asked_of(app, "GET", "/api/labels"))
        await asyncio.sleep(0.01)
        await asked_of(app, "PUT", "/api/label")
        after = asyncio.create_task(asked_of(app, "GET", "/api/labels"))
        await asyncio.gather(before, after)
        assert [path for _, path, _ in computed].count("/api/labels") == 2, (
            "it sees what was written"
        )

    asyncio.run(visit())


def test_an_answer_that_waits_for_its_reader_to_leave_leaves_the_loop_to_others():
    async def watching(scope, receive, send):
        assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 0.05)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def visit():
        return await asyncio.wait_for(asked_of(SharedAnswers(watching), "GET", "/api/run"), 5)

    assert asyncio.run(visit())[0]["status"] == 200


def test_an_error_reaches_all_who_ask_for_it():
    async def broken(scope, receive, send):
        await asyncio.sleep(0.01)
        raise ZeroDivisionError

    async def visit():
        app = SharedAnswers(broken)
        tasks = [asked_of(app, "GET", "/api/run") for _ in range(3)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(error) for error in asyncio.run(visit())] == [ZeroDivisionError] * 3
