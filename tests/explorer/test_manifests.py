"""A view, a lane or a panel is one folder: a toy of each is served, listed, exported and drawn."""

from __future__ import annotations

import functools
import json
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient
from small_run import add_dictionary, prose, write_store

import sparsetime
from sparsetime.errors import ConfigError
from sparsetime.explorer import manifests
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench

TOYS = {
    "views/toy/view.py": """
from fastapi import APIRouter
from sparsetime.explorer.manifests import View
routes = APIRouter()
@routes.get("/toy")
def toy() -> dict[str, int]:
    "Three."
    return {"count": 3}
VIEW = View(title="Toy", path="/toy", order=15, key="t", moved_from=("/old-toy",),
            routes=routes, export=lambda workbench: {"toy.json": {"count": 3}})
""",
    "views/toy/view.js": """
import { ask } from "../../web/api.js";
import { h } from "../../web/dom.js";
export default async (at) => at.append(h("h1", {}, `toy ${(await ask("toy")).count}`));
""",
    "lanes/toy/lane.py": """
from pydantic import BaseModel
from sparsetime.explorer.manifests import Lane
class Toy(BaseModel):
    steps: list[int]
def answer(opened, key: str, sequence: int, first: int = 0, stop: int | None = None) -> Toy:
    "Every tenth step."
    return Toy(steps=list(range(first, stop or 100, 10)))
LANE = Lane(title="Toy", order=5, place="above", answer=answer)
""",
    "lanes/toy/lane.js": """
let steps = [];
export default {
  fits: () => true,
  height: () => 20,
  load: async (timeline) => { ({ steps } = await timeline.asked("toy", {})); },
  draw(chart) {
    chart.pen.fillStyle = "rgb(255, 0, 255)";
    for (const step of steps) chart.pen.fillRect(chart.x(step), 4, 6, chart.top - 8);
  },
};
""",
    "panels/toy/panel.py": """
from pydantic import BaseModel
from sparsetime.explorer.manifests import Panel
class Toy(BaseModel):
    number: int
def answer(opened, key: str, number: int) -> Toy:
    "The number itself."
    return Toy(number=number)
PANEL = Panel(title="Toy", order=5, place="main", answer=answer)
""",
    "panels/toy/panel.js": """
import { h } from "../../web/dom.js";
export default async (page) => h("p.toy", {}, `toy of ${(await page.answer("toy")).number}`);
""",
}
PACKAGES = {
    "views": manifests.views_package,
    "lanes": manifests.lanes_package,
    "panels": manifests.panels_package,
}


def write(folder, files):
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        (file.parent / "__init__.py").touch()


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Folders beside those of the package, as if they lay in it."""
    folder = tmp_path_factory.mktemp("toys")
    write(folder, TOYS)
    with pytest.MonkeyPatch.context() as patch:
        for name, package in PACKAGES.items():
            patch.setattr(package, "__path__", [*package.__path__, str(folder / name)])
        yield folder
    for name in [name for name in sys.modules if ".toy" in name]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 40) for n in range(3)])
    add_dictionary(folder, store, "batch_topk")
    return folder


@pytest.fixture(scope="module")
def client(toys, run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def exported(toys, run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("www")
    sparsetime.export(run, folder / "run", progress=False)
    return folder


@pytest.fixture(scope="module")
def bases(toys, run, exported):
    """Where the explorer and an export of it are served."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(exported))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    explorer = sparsetime.explore(run, browser=False)
    yield [explorer.url, f"http://127.0.0.1:{server.server_address[1]}/run/#/"]
    explorer.stop()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_view_is_served_listed_and_under_its_key(client):
    page = client.get("/toy")
    assert page.status_code == 200
    text = page.text.partition('id="manifests">')[2].partition("</script>")[0]
    views = {view["name"]: view for view in json.loads(text)["views"]}
    assert views["toy"]["key"] == "t" and views["toy"]["path"] == "/toy"
    assert list(views).index("overview") < list(views).index("toy") < list(views).index("timeline")
    assert ">Toy</a>" in page.text, "in the navigation"
    assert client.get("/views/toy/view.js").text == TOYS["views/toy/view.js"]
    assert client.get("/api/toy").json() == {"count": 3}
    moved = client.get("/old-toy?a=1", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, "/toy?a=1")


def test_answers_of_lanes_and_panels_are_served_and_described(client):
    at = "/api/dictionaries/batch_topk"
    assert client.get(f"{at}/sequences/0/toy?first=20&stop=45").json() == {"steps": [20, 30, 40]}
    assert client.get(f"{at}/features/7/toy").json() == {"number": 7}
    paths = client.get("/api/openapi.json").json()["paths"]
    described = paths["/api/dictionaries/{key}/features/{number}/toy"]["get"]
    assert described["description"] == "The number itself."


def test_an_export_holds_their_files(exported):
    out = exported / "run"
    assert json.loads((out / "data/toy.json").read_text()) == {"count": 3}
    for name in TOYS:
        if name.endswith(".js"):
            assert (out / name).read_text() == TOYS[name]
        else:
            assert not (out / name).exists(), "no Python in an export"
    sequence = next((out / "data/0/sequences").iterdir())
    assert json.loads(sequence.read_text())["lanes"]["toy"]["steps"][:2] == [0, 10]
    feature = next((out / "data/0/features").iterdir())
    assert json.loads(feature.read_text())["toy"] == {"number": int(feature.stem)}


MAGENTA = """() => { const c = document.querySelector("canvas.timeline");
  const d = c.getContext("2d").getImageData(0, 0, c.width, 20 * devicePixelRatio).data;
  let n = 0;
  for (let i = 0; i < d.length; i += 4) n += d[i] > 200 && d[i + 1] < 60 && d[i + 2] > 200;
  return n; }"""


@pytest.mark.parametrize("place", [0, 1], ids=["explorer", "export"])
def test_toys_are_drawn(browser, bases, run, place):
    tab, errors = browser.new_page(viewport={"width": 1440, "height": 1000}), []
    tab.on("pageerror", lambda error: errors.append(str(error)))

    def visit(path):
        tab.goto("about:blank")
        tab.goto(bases[place] + path)
        tab.wait_for_selector(".view[data-ready]")

    visit("toy")
    assert tab.locator("h1").inner_text() == "toy 3"
    visit("")
    assert tab.locator("#bar nav a", has_text="Toy").count() == 1
    tab.keyboard.press("?")
    keys = tab.locator("#key-help dt").all_inner_texts()
    assert "t" in keys and "d" in keys and ("v" in keys) == (place == 0), "live is not exported"
    tab.keyboard.press("Escape")
    visit("timeline?s=0&from=0&to=60")
    tab.wait_for_timeout(400)
    assert tab.evaluate(MAGENTA) > 200
    assert tab.locator("canvas.minimap").count() == 1
    features = Workbench(run).opened.dictionary("batch_topk").table.density
    number = int((features > 0).argmax())
    visit(f"features/batch_topk/{number}")
    assert tab.locator("p.toy").inner_text() == f"toy of {number}"
    assert errors == []
    tab.close()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"views/bad/view.py": "", "views/bad/view.js": ""}, "without a VIEW"),
        ({"views/bad/view.py": TOYS["views/toy/view.py"]}, "got no view.js beside"),
        (
            {
                "views/bad/view.py": "from sparsetime.explorer.manifests import View\n"
                "VIEW = View(title='Again', path='/again', order=1, key='o')",
                "views/bad/view.js": "",
            },
            "two views with the key 'o'",
        ),
        (
            {
                "views/bad/view.py": "from sparsetime.explorer.manifests import View\n"
                "VIEW = View(title='Naming', path='/naming', order=1, key='n')",
                "views/bad/view.js": "",
            },
            "got the key 'n' for the view Naming, expected one that no page has",
        ),
    ],
)
def test_a_folder_that_is_no_view_is_refused(tmp_path, monkeypatch, files, said):
    write(tmp_path, files)
    package = manifests.views_package
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "views")])
    try:
        with pytest.raises(ConfigError, match=said):
            manifests.views()
    finally:
        for name in [name for name in sys.modules if "views.bad" in name]:
            del sys.modules[name]


def test_the_folders_of_the_package_hold_manifests_and_modules():
    names = {view.name for view in manifests.views()}
    assert names >= {"overview", "timeline", "live", "features", "feature", "compare", "labels"}
    assert {lane.name for lane in manifests.lanes()} >= {
        "series", "video", "token_labels", "minimap"
    }  # fmt: skip
    assert {panel.name for panel in manifests.panels()} >= {
        "run_lengths", "activation_values", "positions", "history", "examples", "coactivation",
        "nearest_atoms", "logit_effects",
    }  # fmt: skip
    assets = manifests.assets()
    assert {"web/main.js", "web/style.css", "views/overview/preview.js"} <= assets.keys()
