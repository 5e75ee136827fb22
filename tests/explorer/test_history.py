"""The history of a feature in the explorer: its record, its pictures, and no snapshot elsewhere."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from browsing import CONTRAST, watched_page
from small_run import DIMENSIONS, WIDTH, add_dictionary, prose, write_store

import sparsetime
from sparsetime.errors import StoreError
from sparsetime.explorer.run_contents import dictionary_names
from sparsetime.explorer.workbench.feature import feature
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder
from sparsetime.reports.run_page import gather

WATCHED, PLAIN = "batch_topk", "temporal_matryoshka"
ROWS = [128, 384, 1280, 4096]  # of three snapshots and the end


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two dictionaries, of which one kept three snapshots."""
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 40) for n in range(3)])
    add_dictionary(folder, store, PLAIN)
    sae = sparsetime.dictionary(WATCHED, d_in=DIMENSIONS, width=WIDTH, k=4)
    settings = {"rows": 4_000, "batch": 128, "snapshots": 3, "show": False}
    sae = sparsetime.train(sae, store, out=folder / WATCHED, **settings).dictionary
    sparsetime.index(sae, store, out=folder / WATCHED / "features", progress=False)
    sparsetime.evaluate(sae, store, ["fvu", "l0"], out=folder / WATCHED, progress=False)
    return folder


@pytest.fixture(scope="module")
def number(run):
    """A feature that fires."""
    density = Workbench(run).opened.dictionary(WATCHED).table.density
    return int(density.argsort()[-5])


@pytest.fixture(scope="module")
def explorer(run):
    explorer = sparsetime.explore(run, browser=False)
    yield explorer
    explorer.stop()


@pytest.fixture
def tab(browser):
    with watched_page(browser) as page:
        yield page


def visit(tab, address):
    tab.goto(address)
    tab.wait_for_selector(".view[data-ready]")


def test_the_record_is_that_of_the_index(run, number):
    opened = Workbench(run).opened
    known = opened.dictionary(WATCHED).index.history(number).to_pylist()
    found = feature(opened, WATCHED, number).history
    assert found.looked_at == len(opened.dictionary(WATCHED).store)
    assert [stage.rows for stage in found.stages] == ROWS
    for stage, row in zip(found.stages, known, strict=True):
        assert stage.model_dump() == {name: row[name] for name in stage.model_dump()}
    assert found.stages[-1].cosine == pytest.approx(1)
    assert found.stages[-1].overlap == 1
    line = feature(opened, WATCHED, number).line
    assert found.stages[-1].density == pytest.approx(line.density)
    assert found.stages[-1].words == line.words
    assert feature(opened, PLAIN, number).history is None


def test_no_snapshot_is_taken_for_a_dictionary(run):
    assert len(list((run / WATCHED / "snapshots").iterdir())) == 3
    folder = Folder(str(run))
    assert dictionary_names(folder) == [WATCHED, PLAIN]
    assert sorted(entry.key for entry in gather(run, progress=False).dictionaries) == [
        WATCHED,
        PLAIN,
    ]
    workbench = Workbench(run)
    assert sorted(workbench.opened.shown) == [WATCHED, PLAIN]
    assert workbench.opened.notes == []
    # Nor may the metrics of a snapshot pass for those of the run.
    early = sparsetime.load(run / WATCHED / "snapshots" / "000001")
    store = workbench.opened.dictionary(WATCHED).store
    with pytest.raises(StoreError, match="holds another dictionary than the one evaluated"):
        sparsetime.evaluate(early, store, ["fvu"], out=run / WATCHED, progress=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_the_history(tab, explorer, run, number, scheme):
    tab.emulate_media(color_scheme=scheme)
    visit(tab, f"{explorer.url}features/{WATCHED}/{number}")
    stages = feature(Workbench(run).opened, WATCHED, number).history.stages
    pictures = tab.locator(".history svg")
    assert pictures.count() == 4
    for picture, name in zip(
        pictures.all(), ("cosine", "overlap", "density", "dwell"), strict=True
    ):
        there = [each for each in stages if getattr(each, name) is not None]
        assert picture.locator("circle").count() == len(there)
        assert "at the end" in picture.get_attribute("aria-label")
    # Higher is more: the cosine's last point is at 1, the top of the picture, and all lie inside.
    heights = [float(dot.get_attribute("cy")) for dot in pictures.first.locator("circle").all()]
    assert heights[-1] == min(heights) == pytest.approx(8)
    assert max(heights) <= 90
    across = [float(dot.get_attribute("cx")) for dot in pictures.first.locator("circle").all()]
    gaps = [b - a for a, b in pairwise(across)]
    assert max(gaps) < 1.15 * min(gaps)  # spaced as the logarithm of the rows
    rows = tab.locator(".history tbody tr")
    assert rows.count() == 4
    assert rows.last.locator("th").inner_text() == "4,096, the end"
    assert rows.last.locator("td.words").inner_text() == ", ".join(stages[-1].words)
    for selector in (".history .count", ".history td", ".history td.words"):
        assert tab.evaluate(CONTRAST, selector) >= 3.0, selector
    for width in (420, 1280, 3840):
        tab.set_viewport_size({"width": width, "height": 1000})
        inside = "document.querySelector('.growth').getBoundingClientRect().right <= innerWidth"
        assert tab.evaluate(inside), width


def test_the_history_is_read_off_by_keys_and_mouse(tab, explorer, number):
    address = f"{explorer.url}features/{WATCHED}/{number}"
    visit(tab, address)
    chosen = tab.locator(".history tr.chosen th")
    height = tab.locator(".growth").bounding_box()["height"]
    tab.locator(".history svg").nth(1).focus()
    tab.keyboard.press("ArrowRight")
    assert chosen.all_inner_texts() == ["128"]
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert chosen.all_inner_texts() == ["1,280"]
    notes = tab.locator(".history output").all_inner_texts()
    assert len(notes) == 4
    assert all(note.endswith("at 1,280") for note in notes)
    assert tab.locator(".growth").bounding_box()["height"] == height  # nothing jumps
    tab.keyboard.press("End")
    assert chosen.all_inner_texts() == ["4,096, the end"]
    assert tab.url == address  # arrows lead to the neighbours elsewhere, and not here
    tab.keyboard.press("Escape")
    assert chosen.count() == 0
    box = tab.locator(".history svg").first.bounding_box()
    tab.mouse.move(box["x"] + 0.12 * box["width"], box["y"] + 40)
    assert chosen.all_inner_texts() == ["128"]
    tab.mouse.move(5, 5)
    assert chosen.count() == 0


def test_without_snapshots_the_page_says_how_to_get_them(tab, explorer, number):
    visit(tab, f"{explorer.url}features/{PLAIN}/{number}")
    said = tab.locator(".history").inner_text()
    assert "No snapshots of the dictionary were kept" in said
    assert "Train with snapshots=6 (--set snapshots=6 on the command line) and index again" in said
    assert tab.locator(".history svg").count() == 0


def test_an_export_draws_it_too(tab, run, number, tmp_path):
    sparsetime.export(run, tmp_path / "www", progress=False)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        visit(tab, f"http://127.0.0.1:{server.server_address[1]}/#/features/{WATCHED}/{number}")
        assert tab.locator(".history svg circle").count() >= 12
        assert tab.locator(".history tbody tr").count() == 4
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
