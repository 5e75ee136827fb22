"""A run as plain files: the same views from any web server, within a size that is kept."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from browsing import watched_page
from small_run import add_dictionary, prose, write_store
from typer.testing import CliRunner

import sparsetime
from sparsetime.cli import app
from sparsetime.errors import ConfigError, StoreError
from sparsetime.explorer import export, manifests
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.explorer.workbench.schema import Label
from sparsetime.explorer.workbench.timeline import enriched_features, timeline
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder
from sparsetime.files.check_folder import check_folder

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> "
KEYS = ("temporal_matryoshka", "batch_topk")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    texts = [HOSTILE + prose(0, 60), *(prose(n, 40) for n in (1, 2, 3))]
    store = write_store(folder / "activations", texts)
    for name in KEYS:
        sae = add_dictionary(folder, store, name)
        sparsetime.evaluate(sae, store, ["fvu", "l0"], out=folder / name, progress=False)
    Labels(Folder(str(folder)), {}).add([Label(dictionary="batch_topk", feature=7, name="towns")])
    return folder


@pytest.fixture(scope="module")
def out(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("www") / "deep" / "run"
    sparsetime.export(run, folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def address(out):
    """A plain file server, the export in a folder of it."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(out.parent.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/deep/run/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tab(browser, address):
    with watched_page(browser, (address, "data:", "blob:")) as page:
        yield page


def visit(tab, address, view):
    tab.goto(f"{address}#{view}")
    tab.wait_for_selector(".view[data-ready]")


@pytest.mark.parametrize(
    ("view", "title"),
    [
        ("/", ""),
        ("/timeline", ""),
        (f"/timeline?d={','.join(KEYS)}&s=1", "text 1"),
        ("/features", "Features"),
        ("/features/batch_topk/7", ""),
        ("/compare", "Compare"),
        ("/labels", "Labels"),
    ],
)
def test_every_view_opens_from_plain_files(tab, address, view, title):
    visit(tab, address, view)
    assert tab.locator(".empty").count() == 0
    assert title in tab.locator("h1").first.inner_text()
    assert "exported:" in tab.locator("#foot").inner_text()
    assert tab.locator("#bar nav a", has_text="Live").count() == 0


def test_a_feature_has_all_panels_but_those_that_need_the_model(tab, address):
    """Those that take long are of some features, and the others say so."""
    visit(tab, address, "/features/batch_topk/7")
    lacking = [panel.title for panel in manifests.panels() if not panel.exported]
    assert lacking == ["Logit effects"]
    assert "what needs the model: “Logit effects”" in tab.locator(".left-out").inner_text()
    tab.wait_for_selector(".side .count:has-text('beyond 19 circular shifts')")
    tab.wait_for_selector(".chart:has-text('Power spectrum of its activation')")


def test_what_takes_long_is_of_the_most_informative_features(run, monkeypatch):
    computed = {panel.name for panel in manifests.panels() if panel.computed}
    assert computed == {"triggered_average", "rhythm", "lead_lag"}
    monkeypatch.setattr(export, "COMPUTED", 2)
    records = export._features(Workbench(run).opened, "batch_topk", [7, 5, 6])
    kept = [computed & json.loads(text).keys() for _, text in records]
    assert kept == [computed, computed, set()]


def test_the_training_is_drawn_and_a_link_leads_on(tab, address):
    visit(tab, address, "/")
    tab.wait_for_selector(".plot .scatterlayer .trace")
    tab.get_by_text("Read its timeline").first.click()
    tab.wait_for_selector("canvas.timeline")
    assert "#/timeline?" in tab.url
    tab.go_back()
    tab.wait_for_selector(".dictionary")


def test_a_search_and_a_label_work_without_a_server(tab, address):
    visit(tab, address, "/features?dictionary=batch_topk&words=towns")
    assert tab.locator(".line .name").all_inner_texts() == ["towns"]
    tab.locator(".line").first.click()
    tab.wait_for_selector("blockquote")
    assert "towns" in tab.locator(".head").inner_text()
    assert tab.locator(".naming input").count() == 0


def test_the_score_of_files_is_the_score_of_the_api(tab, address, run):
    visit(tab, address, "/timeline")
    opened = Workbench(run).opened
    ask = """([path, given]) => import("./web/api.js").then(({ ask }) => ask(path, given))"""
    for key in KEYS:
        base = f"dictionaries/{key}/sequences/2"
        for first, stop, rows in ((0, 60, 12), (30, 31, 48), (5, 200, 48)):
            given = {"first": first, "stop": stop, "rows": rows, "also": [3]}
            found = tab.evaluate(ask, [f"{base}/timeline", given])
            expected = timeline(opened, key, 2, first, stop, rows=rows, also=(3,))
            assert found["active_features"] == expected.active_features
            there = {r["feature"]: (r["columns"], r["strengths"]) for r in found["rows"]}
            here = {r.feature: (r.columns, r.strengths) for r in expected.rows}
            both = there.keys() & here.keys()
            assert {f: there[f] for f in both} == {f: here[f] for f in both}
            # Files know strengths in whole percent, so of two that are about as strong either may
            # be shown.
            np.testing.assert_allclose(
                sorted(r["energy"] for r in found["rows"] if r["feature"] not in both),
                sorted(r.energy for r in expected.rows if r.feature not in both),
                rtol=0.03,
            )
            assert len(both) >= len(here) - 1
            assert sorted(r["place"] for r in found["rows"]) == list(range(len(found["rows"])))
            if there.keys() == here.keys():
                order = {r["feature"]: (r["place"], r["group"]) for r in found["rows"]}
                assert order == {r.feature: (r.place, r.group) for r in expected.rows}
        found = tab.evaluate(ask, [f"{base}/specific", {"first": 5, "stop": 30}])
        expected = enriched_features(opened, key, 2, 5, 30)
        assert [each["feature"] for each in found] == [each.feature for each in expected]
        np.testing.assert_allclose(
            [each["nats"] for each in found], [each.nats for each in expected], rtol=1e-6
        )


def test_a_hostile_corpus_stays_text(tab, address):
    visit(tab, address, "/timeline?s=0&from=0&to=30")
    tab.wait_for_selector(".passage-text span")
    assert (
        tab.locator(".passage-text").inner_text().startswith("<script>alert(1)</script> <img src=x")
    )
    assert tab.locator("main script, main img").count() == 0


def test_what_was_left_out_is_said(run, tmp_path, browser):
    page = sparsetime.export(run, tmp_path / "small", megabytes=0.35, progress=False)
    text = page.read_text(encoding="utf-8")
    size = sum(
        path.stat().st_size
        for path in (tmp_path / "small" / "data").rglob("*.json")
        if path.parent.name in ("features", "sequences")
    )
    assert size <= 0.35e6
    foot = text[text.index("exported: ") :]
    held = json.loads((tmp_path / "small" / "data" / "0" / "holds.json").read_text())["features"]
    assert f"moments of {len(held)} of " in foot
    assert " of 4 sequences" in foot


def test_too_little_room_is_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="do not hold its list of features, a sequence and"):
        sparsetime.export(run, tmp_path / "none", megabytes=0.01, progress=False)
    assert not (tmp_path / "none" / "index.html").exists()


def test_files_are_not_written_over_unasked(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="is not empty: it has"):
        sparsetime.export(run, tmp_path, progress=False)


def test_a_renderer_goes_along(run, tmp_path):
    mine = tmp_path / "mine.js"
    mine.write_text("export default {};")
    sparsetime.export(run, tmp_path / "out", renderers=(mine,), progress=False)
    assert (tmp_path / "out" / "renderers" / "0.js").read_text() == "export default {};"
    written = json.loads((tmp_path / "out" / "data" / "run.json").read_text())
    assert written["renderers"] == ["../renderers/0.js"]


def test_what_a_full_disk_ended_is_finished_by_the_same_call(run, tmp_path, monkeypatch):
    """As the error advises; without force, which a folder of other files needs."""
    count = iter(range(1000))
    sync = os.fsync

    def full(number):
        if next(count) == 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(number)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"no room for .*free some space and repeat the call"):
            sparsetime.export(run, tmp_path / "out", megabytes=0.2, progress=False)
    assert not (tmp_path / "out" / "index.html").exists()
    page = sparsetime.export(run, tmp_path / "out", megabytes=0.2, progress=False)
    assert page.exists() and check_folder(Folder(str(tmp_path / "out"))).damaged == []
    with pytest.raises(StoreError, match="is not empty: it has"):
        sparsetime.export(run, tmp_path / "out", megabytes=0.2, progress=False)


def test_the_command_writes_the_same_folder(run, tmp_path):
    given = ["export", str(run), str(tmp_path / "public"), "--megabytes", "20"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "index.html" in done.stdout and "python -m http.server" in " ".join(done.stdout.split())
    assert (tmp_path / "public/data/run.json").exists()
    assert "<html" in (tmp_path / "public/index.html").read_text()
    again = CliRunner().invoke(app, given)
    assert again.exit_code == 2 and "--force" in again.stderr
    assert CliRunner().invoke(app, [*given, "--force"]).exit_code == 0


def test_a_run_whose_index_is_damaged_says_so(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    for key in KEYS:
        (copy / key / "features/codes.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"nothing to export yet.*codes\.parquet has 4 bytes"):
        sparsetime.export(copy, tmp_path / "public", progress=False)
