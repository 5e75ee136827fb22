"""The HTTP API and what guards it."""

from __future__ import annotations

import re
import threading

import pytest
from fastapi.testclient import TestClient
from small_run import add_dictionary, prose, write_store

from sparsetime.explorer.module_preloads import preloads
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.server.body_limit import MOST_BYTES
from sparsetime.explorer.workbench.workbench import Workbench

HOSTILE = "<script>alert(1)</script> \u202e & \"quotes' {{ 7*7 }} <!-- "


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [HOSTILE + prose(0, 20), prose(1, 20)])
    for name in ("batch_topk", "temporal_matryoshka"):
        add_dictionary(folder, store, name)
    (folder / "secret.txt").write_text("nobody's business")
    return folder


@pytest.fixture(scope="module")
def app(run):
    return make_app(Workbench(run))


@pytest.fixture
def client(app):
    with TestClient(app, base_url="http://localhost") as client:
        yield client


PATHS = [
    "/api/preview",
    "/api/run",
    "/api/training",
    "/api/dictionaries/batch_topk/features?words=river&sort=dwell",
    "/api/dictionaries/batch_topk/features/3",
    "/api/dictionaries/batch_topk/features/3/coactivation",
    "/api/dictionaries/batch_topk/features/3/conditions",
    "/api/dictionaries/batch_topk/features/3/explanations",
    "/api/dictionaries/batch_topk/features/3/labels",
    "/api/dictionaries/batch_topk/features/3/lead_lag",
    "/api/dictionaries/batch_topk/features/3/peri_event",
    "/api/dictionaries/batch_topk/features/3/rhythm",
    "/api/dictionaries/batch_topk/features/3/triggered_average",
    "/api/dictionaries/batch_topk/columns",
    "/api/dictionaries/batch_topk/recording_labels",
    "/api/dictionaries/batch_topk/sequences",
    "/api/dictionaries/batch_topk/sequences/0/words?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/timeline?first=2&stop=90&also=3",
    "/api/dictionaries/batch_topk/sequences/0/specific?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/input?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/alike?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/spectrogram?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/cost?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/tracks?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/reads?first=2&stop=9",
    "/api/dictionaries/batch_topk/sequences/0/moments?first=2&stop=9",
    "/api/dictionaries/batch_topk/moments?words=river",
    "/api/compare?left=batch_topk&right=temporal_matryoshka",
    "/api/matches?left=batch_topk&right=temporal_matryoshka",
    "/api/flow?keys=batch_topk&keys=temporal_matryoshka",
    "/api/dictionaries/batch_topk/explanations",
    "/api/dictionaries/batch_topk/effects",
    "/api/dictionaries/batch_topk/judged",
    "/api/attention",
    "/api/circuits",
    "/api/evaluation",
    "/api/labels",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_route_answers_with_json(client, path):
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"


def test_every_route_is_described(client):
    described = client.get("/api/openapi.json").json()["paths"]
    called = {path.partition("?")[0] for path in PATHS}
    named = {
        path.format(key="batch_topk", number=3, sequence=0, name="first", head=0)
        for path, methods in described.items()
        if "get" in methods
    }
    elsewhere = {
        "/api/dictionaries/batch_topk/features/3/logit_effects",  # needs a model: test_live
        "/api/dictionaries/batch_topk/sequences/0/sound.wav",  # needs a sound: test_sound
        "/api/circuits/first",  # needs a circuit: test_circuits
        "/api/attention/first",  # needs kept attention: test_attention_view
        "/api/attention/first/lanes",
        "/api/attention/first/heads/0/map",
        "/api/attention/first/heads/0/moment",
        "/api/attention/first/heads/0/pairs",
    }
    assert called | elsewhere == named
    for path, methods in described.items():
        for route in methods.values():
            assert route["description"]
            if path.endswith(("/live", "/sound.wav")):
                continue  # lines of JSON, which OpenAPI has no word for; and no JSON
            assert route["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize("path", ["/", "/timeline", "/live", "/features", "/features/batch_topk/3",
                                  "/compare", "/labels", "/api/docs"])  # fmt: skip
def test_pages_load_only_what_this_server_has(client, path):
    response = client.get(path)
    assert response.status_code == 200 and "//" not in response.text.replace("<!", "")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_page_asks_for_all_its_modules_at_once(client):
    """Else a browser finds each only when it has read the module that imports it."""
    asked = re.findall(r'rel="modulepreload" href="/([^"]+)"', client.get("/timeline").text)
    assert len(asked) == len(set(asked))
    assert {"web/main.js", "views/timeline/view.js", "lanes/series/lane.js"} <= set(asked)
    assert "web/time_text.js" in asked, "an import of an import of an import"
    assert "web/export_api.js" not in asked, "of exported folders alone"
    assert all(client.get(f"/{path}").status_code == 200 for path in asked)
    assert "views/timeline/view.js" not in client.get("/labels").text


def test_modules_that_are_asked_for_are_those_served_at_that_moment(tmp_path):
    """Views and lanes may be added while a process runs; what is not served is not asked for."""
    imports = {
        "web/main.js": 'import { a } from "./a.js";\nimport b from "../lanes/gone/b.js";\n',
        "web/a.js": "export const a = 1;\n",
        "views/late/view.js": 'export { a } from "../../web/a.js";\n',
    }
    served = {}
    for number, (name, text) in enumerate(imports.items()):
        served[name] = tmp_path / f"{number}.js"
        served[name].write_text(text)
    late = served.pop("views/late/view.js")
    assert preloads("late", served) == ["web/main.js", "web/a.js"]
    served["views/late/view.js"] = late
    assert set(preloads("late", served)) == set(imports)


def test_plotly_comes_from_the_installed_package(client):
    response = client.get("/plotly.js")
    assert response.headers["content-type"].startswith("text/javascript")
    assert b"plotly.js" in response.content[:400]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/dictionaries/nope/features", 404, "unknown dictionary 'nope'"),
        ("/api/dictionaries/batch_topk/features/96", 400, "feature 96 does not exist"),
        ("/api/dictionaries/batch_topk/sequences/7/words", 400, "sequence 7 is not in the index"),
        ("/api/dictionaries/batch_topk/sequences/0/timeline?also=96", 400, "feature 96 does not"),
        ("/nonsense", 404, "there is no page /nonsense"),
    ],
)
def test_what_does_not_exist_is_said(client, path, status, said):
    response = client.get(path)
    assert response.status_code == status
    assert said in response.json()["error"]


def test_people_get_a_page_where_there_is_none(client):
    browser = {"accept": "text/html,application/xhtml+xml"}
    response = client.get("/features/7", headers=browser)
    assert response.status_code == 404 and "<nav" in response.text
    assert "error" in client.get("/api/nonsense", headers=browser).json()


@pytest.mark.parametrize(
    "path",
    [
        "/web/..%2f..%2frun.py",
        "/web/%2e%2e/run.py",
        "/web/workbench.html.j2",
        "/../secret.txt",
        "/secret.txt",
        "/api/dictionaries/..%2f../features",
        "/api/dictionaries/activations/features",
        "/api/dictionaries/%2fetc/features/0",
    ],
)
def test_no_path_leads_out(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert "nobody" not in response.text and "def " not in response.text


@pytest.mark.parametrize("path", ["?limit=0", "?limit=501", "?sort=price", "?offset=-1",
                                  "?words=" + "x" * 201, "?density_min=thin"])  # fmt: skip
def test_settings_out_of_range_are_refused(client, path):
    assert client.get("/api/dictionaries/batch_topk/features" + path).status_code == 422


def test_other_names_for_this_machine_are_refused(app):
    with TestClient(app, base_url="http://evil.example") as client:
        response = client.get("/api/run")
    assert response.status_code == 403 and "evil.example" in response.json()["error"]


def test_pages_from_elsewhere_are_refused(client):
    label = {"name": "x"}
    path = "/api/dictionaries/batch_topk/features/1/label"
    refused = client.put(path, json=label, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert client.get("/api/labels").json() == []
    allowed = client.put(path, json=label, headers={"Origin": "http://localhost"})
    assert allowed.json()["name"] == "x"
    client.put(path, json={})
    assert client.get("/api/labels").json() == []


def test_with_a_token_only_who_brings_it_is_let_in(run):
    app = make_app(Workbench(run), frozenset(), token="sesame")
    with TestClient(app, base_url="http://some.host") as client:
        assert client.get("/api/run").status_code == 403
        assert client.get("/api/run?token=wrong").status_code == 403
        first = client.get("/?token=sesame")
        assert "httponly" in first.headers["set-cookie"].lower()
        assert client.get("/api/run").status_code == 200


def test_labels_go_out_and_come_back(client):
    shown = client.get("/api/dictionaries/batch_topk/features").json()["lines"][0]["feature"]
    given = [
        {"dictionary": "batch_topk", "feature": shown, "name": "<b>rivers</b>", "starred": True},
        {"dictionary": "temporal_matryoshka", "feature": 5, "name": "", "starred": True},
    ]

    def said(response):
        return [{k: x[k] for k in given[0]} for x in response.json() if not x["stale"]]

    answer = client.post("/api/labels", json=given)
    assert said(answer) == given
    assert all(
        re.fullmatch(r"[0-9a-f]{64}\+[0-9a-f]{16}", label["weights"]) for label in answer.json()
    )
    assert said(client.post("/api/labels", json=answer.json())) == given, "an export comes back"
    assert said(client.get("/api/labels")) == given
    found = client.get("/api/dictionaries/batch_topk/features?starred=true").json()
    assert [line["label"] for line in found["lines"]] == ["<b>rivers</b>"]
    wrong = [{"dictionary": "batch_topk", "feature": 960, "name": "no"}]
    assert client.post("/api/labels", json=wrong).status_code == 400
    assert said(client.get("/api/labels")) == given
    client.post("/api/labels", json=[{k: x[k] for k in ("dictionary", "feature")} for x in given])


def test_bodies_have_a_limit(client):
    response = client.post("/api/labels", content=b"x" * (MOST_BYTES + 1))
    assert response.status_code == 413 and "at most" in response.json()["error"]
    chunked = client.post("/api/labels", content=iter([b"[", b"]"]))
    assert chunked.status_code == 413


def test_many_may_ask_at_once(app):
    wrong = []

    def ask():
        with TestClient(app, base_url="http://localhost") as client:
            wrong.extend(path for path in PATHS if client.get(path).status_code != 200)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_only_renderers_that_were_named_are_served(run, tmp_path):
    mine = tmp_path / "mine.js"
    mine.write_text("export default 1;")
    app = make_app(Workbench(run, renderers=[mine]))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/renderers/0.js").text == "export default 1;"
        assert client.get("/api/run").json()["renderers"] == ["/renderers/0.js"]
        assert client.get("/renderers/1.js").status_code == 404
