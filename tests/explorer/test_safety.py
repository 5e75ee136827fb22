"""A test for each thing that the explorer promises about safety; `test_server` has the others."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

import forked
import pytest
from fastapi.testclient import TestClient
from small_run import add_dictionary, add_untrained, prose, write_store

import sparsetime
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.explorer.workbench.live import LONGEST
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder

SECRET = "nobody's business"
# What the words of a corpus may be made of: markup, a turn of direction, a null, half a pair.
NASTY = ["<script>alert(1)</script>", "\u202e", "\x00", "\ufeff", "\uffff", "e\u0301\u0301", "]]>"]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A run, and beside it another of the same shape that nobody named."""
    base = tmp_path_factory.mktemp("places")
    for name in ("run", "outside"):
        store = write_store(base / name / "activations", [prose(0, 20), prose(1, 20)])
        add_dictionary(base / name, store, "batch_topk")
        (base / name / "secret.txt").write_text(SECRET)
    (base / "secret.txt").write_text(SECRET)
    return base


@pytest.fixture
def run(places, tmp_path):
    """A copy to damage."""
    return shutil.copytree(places / "run", tmp_path / "run")


def client_of(run, **settings):
    return TestClient(
        make_app(Workbench(run), **settings),
        base_url="http://localhost",
        raise_server_exceptions=False,
    )


_watched: list[list[str]] = []


def _watch(event, arguments):
    if event == "open" and _watched and isinstance(arguments[0], str | bytes):
        _watched[-1].append(os.fsdecode(arguments[0]))


sys.addaudithook(_watch)  # cannot be taken away again: it looks away where nobody watches


def test_no_parameter_reads_outside_of_the_run(places):
    """Every parameter of every route, by the API's own description, as every kind of way out."""
    outside = places / "outside"
    ways = ["../outside/batch_topk", "../../secret.txt", "../secret.txt", f"{outside}/batch_topk",
            f"file://{outside}/batch_topk", "..\\outside\\batch_topk", "batch_topk/../../outside",
            "~/secret.txt", "secret.txt\x00", "%2e%2e%2foutside%2fbatch_topk"]  # fmt: skip
    fitting = {"key": "batch_topk", "number": "3", "sequence": "0", "left": "batch_topk",
               "right": "batch_topk", "first": "0", "stop": "9", "words": "river"}  # fmt: skip
    opened: list[str] = []
    with client_of(places / "run") as client:
        routes = client.get("/api/openapi.json").json()["paths"]
        _watched.append(opened)
        asked = 0
        for path, methods in routes.items():
            for method, route in methods.items():
                known = route.get("parameters", [])
                for tried in known:
                    for way in ways:
                        given = {each["name"]: fitting.get(each["name"]) for each in known}
                        given[tried["name"]] = way
                        quoted = {k: urllib.parse.quote(v or "", safe="") for k, v in given.items()}
                        query = {k: v for k, v in given.items() if v and f"{{{k}}}" not in path}
                        response = client.request(
                            method, path.format(**quoted), params=query, json={}
                        )
                        asked += 1
                        assert response.status_code < 500, (path, tried["name"], way)
                        assert SECRET not in response.text
        _watched.pop()
    assert asked > 300 and opened
    assert [path for path in opened if str(outside) in path or path.endswith("secret.txt")] == []


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "evil.example:7878",
        "",
        "[::2]",
    ],
)
def test_only_names_of_this_machine_are_answered(places, host):
    """A page elsewhere that points its own name at this machine sends that name."""
    with client_of(places / "run") as client:
        assert client.get("/api/run", headers={"Host": host}).status_code == 403
        for own in ("localhost:7878", "127.0.0.1", "[::1]:80"):
            assert client.get("/api/run", headers={"Host": own}).status_code == 200


def test_every_answer_carries_the_policy(places):
    with client_of(places / "run") as client:
        answers = [
            client.get("/"),
            client.get("/api/run"),
            client.get("/web/main.js"),
            client.get("/nonsense"),
            client.get("/api/dictionaries/nope/features"),
            client.get("/api/dictionaries/batch_topk/features?limit=0"),
            client.get("/api/run", headers={"Host": "evil.example"}),
            client.post("/api/labels", content=iter([b"[]"])),
        ]
    assert [each.status_code for each in answers] == [200, 200, 200, 404, 404, 422, 403, 413]
    for each in answers:
        policy = each.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy
        assert "unsafe-eval" not in policy and each.headers["x-content-type-options"] == "nosniff"


def test_words_of_any_kind_come_back_as_they_are(tmp_path):
    store = write_store(tmp_path / "activations", [f"{' '.join(NASTY)} {prose(0, 20)}"])
    add_untrained(tmp_path, store, "nasty")
    with client_of(tmp_path) as client:
        words = client.get("/api/dictionaries/nasty/sequences/0/words").json()["words"]
        assert words[: len(NASTY)] == [each for each in NASTY if each.split()]
        for page in ("/", "/timeline?s=0", "/features"):
            assert "alert(1)" not in client.get(page).text  # data never comes with a page
        broken = b'{"name": "\\ud800 half a pair", "starred": true}'
        at = "/api/dictionaries/nasty/features/3/label"
        answer = client.put(at, content=broken, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500
        assert client.get("/api/labels").status_code == 200


def test_live_input_has_a_limit(places):
    with client_of(places / "run") as client:
        at = "/api/dictionaries/batch_topk/live"
        answer = client.post(at, json={"text": "x" * (LONGEST + 1)})
        assert answer.status_code in (400, 422) and f"{LONGEST:,}" in answer.text
        many = client.post(at, json={"values": [[0.0] * 1000] * 201})
        assert many.status_code in (400, 422) and "200,000" in many.text


FILES = ["index.json", "features.parquet", "examples.parquet", "codes.parquet", "sequences.parquet"]
ASKED = [
    "/", "/api/preview", "/api/run", "/api/dictionaries/batch_topk/features",
    "/api/dictionaries/batch_topk/features/3",
    "/api/dictionaries/batch_topk/features/3/coactivation",
    "/api/dictionaries/batch_topk/sequences/0/timeline", "/api/compare?left=batch_topk&right=good",
]  # fmt: skip


@pytest.mark.parametrize("while_open", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_index_is_said_in_words(run, name, while_open):
    """Cut in half under an explorer that has it open, or before it is opened."""
    store = sparsetime.open_store(run / "activations")
    add_untrained(run, store, "good")
    file = run / "batch_topk" / "features" / name
    half = file.read_bytes()[: file.stat().st_size // 2]
    if not while_open:
        file.write_bytes(half)
    with client_of(run) as client:
        if while_open:
            client.get("/api/run")
            file.write_bytes(half)
        for path in ASKED:
            answer = client.get(path)
            assert answer.status_code < 500, (path, answer.text)
            assert "Traceback" not in answer.text
            if answer.status_code >= 400:
                assert len(answer.json()["error"]) > 20
        if not while_open:
            page = client.get("/api/run").json()
            assert [each["entry"]["key"] for each in page["dictionaries"]] == ["good"]
            assert re.search(r"batch_topk is not shown", " ".join(page["notes"]))


def test_explorers_and_a_training_use_one_folder(run):
    """Two explorers read and label while a dictionary is trained; then its index appears."""
    store = sparsetime.open_store(run / "activations")
    done = threading.Event()

    def train():
        sae = sparsetime.dictionary("topk", d_in=store.d, width=64, k=4)
        made = sparsetime.train(sae, store, out=str(run / "new"), rows=12_000, batch=64, show=False)
        sparsetime.index(made.dictionary, store, out=run / "new" / "features", progress=False)
        done.set()

    explorers = [client_of(run), client_of(run)]
    worker = threading.Thread(target=train)
    worker.start()
    rounds = 0
    while not done.is_set() or rounds < 3:
        for at, client in enumerate(explorers):
            for path in ("/api/run", "/api/training", "/api/dictionaries/batch_topk/features/3"):
                assert client.get(path).status_code == 200
            label = {"name": f"named by {at}, {rounds}"}
            client.put(f"/api/dictionaries/batch_topk/features/{at}/label", json=label)
        rounds += 1
    worker.join()
    for client in explorers:
        named = {each["feature"]: each["name"] for each in client.get("/api/labels").json()}
        assert named == {at: f"named by {at}, {rounds - 1}" for at in (0, 1)}
    with client_of(run) as client:
        keys = {each["entry"]["key"] for each in client.get("/api/run").json()["dictionaries"]}
    assert keys == {"batch_topk", "new"}


SERVER = """
import sparsetime
run, address = given
explorer = sparsetime.explore(run, browser=False)
address.send(explorer.url)
explorer.wait()
"""


def test_a_label_that_was_confirmed_outlives_a_kill(run):
    """The process is killed while names keep coming: all that it confirmed are there."""
    receiving, sending = forked.pipe(duplex=False)
    server = forked.start(SERVER, run, sending)
    sending.close()  # so that a server that ends early is an error here
    url = receiving.recv()
    confirmed: dict[int, str] = {}

    def name_features():
        for turn in range(10_000):
            number, name = turn % 96, f"name {turn}"
            asked = urllib.request.Request(
                f"{url}api/dictionaries/batch_topk/features/{number}/label",
                json.dumps({"name": name}).encode(),
                {"Content-Type": "application/json"},
                method="PUT",
            )
            try:
                urllib.request.urlopen(asked).close()
            except (urllib.error.URLError, OSError):
                return
            confirmed[number] = name

    naming = threading.Thread(target=name_features)
    naming.start()
    while len(confirmed) < 30:
        naming.join(0.01)
    server.kill()
    server.join()
    naming.join()
    with (run / "labels.jsonl").open("a") as file:
        file.write('{"dictionary": "batch_topk", "fea')  # and the disk kept half a line
    left = Labels(Folder(str(run)), {})
    turn = {label.feature: int(label.name.split()[1]) for label in left.all()}
    assert {n for n, name in confirmed.items() if turn[n] < int(name.split()[1])} == set()
    with client_of(run) as client:
        client.put("/api/dictionaries/batch_topk/features/95/label", json={"name": "afterwards"})
        assert "afterwards" in [each["name"] for each in client.get("/api/labels").json()]
