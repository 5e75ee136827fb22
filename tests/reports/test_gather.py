"""From a run's folder to its page: a small store and two dictionaries, no language model."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from small_run import DIMENSIONS, SENTENCE, WIDTH, add_dictionary, prose, write_store

import sparsetime
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.errors import StoreError
from sparsetime.explorer.excerpts import choose_excerpts
from sparsetime.features.contexts import ContextWord, FeatureContext
from sparsetime.features.step_text import gap_text
from sparsetime.reports.feature_cards import shaded
from sparsetime.reports.run_page import gather


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    texts = ["<script>alert(1)</script> " + prose(0, 40), *(prose(n, 30) for n in (1, 2, 3))]
    store = write_store(folder / "activations", texts)
    for name in ("batch_topk", "temporal_matryoshka"):
        sae = add_dictionary(folder, store, name)
        names = ["fvu", "l0", "dwell"]
        sparsetime.evaluate(sae, store, metrics=names, progress=False).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def page(run):
    return gather(run)


def test_the_dictionary_with_parts_comes_first(page):
    assert [entry.key for entry in page.dictionaries] == ["temporal_matryoshka", "batch_topk"]
    assert [entry.parts for entry in page.dictionaries] == [("high", "low"), None]
    assert page.dictionaries[1].title == "BatchTopK SAE"


def test_every_passage_is_scored_by_every_dictionary(page):
    assert len(page.timeline.passages) == 4
    for passage in page.timeline.passages:
        assert len(passage.words) == len(passage.gaps) <= 128
        assert [code.dictionary for code in passage.codes] == [
            entry.key for entry in page.dictionaries
        ]
        for code in passage.codes:
            assert code.features and len(code.offsets) == len(passage.words) + 1
            assert code.offsets[-1] == len(code.features) == len(code.percents)
            known = page.timeline.dictionaries[passage.codes.index(code)].features
            assert set(code.features) <= {each.feature for each in known}


def test_figures_stand_in_the_table_with_their_definitions(page):
    assert [row.name for row in page.comparison] == ["fvu", "l0", "dwell", *_others(page)]
    assert {row.name for row in page.comparison} == {entry.name for entry in page.definitions}
    first = page.comparison[0].cells
    assert first[0].text.endswith("%") and first[0].first and not first[1].first


def _others(page):
    return [row.name for row in page.comparison if row.name not in ("fvu", "l0", "dwell")]


def test_charts_show_training_density_and_dwell(page):
    training, density, dwell = page.charts
    assert training.curves[0].x == [10, 20, 30]
    assert sum(density.curves[0].y) <= WIDTH
    assert [curve.hue for curve in dwell.curves] == ["high", "low", "plain"]
    assert [curve.label.rpartition(", ")[2] for curve in dwell.curves[:2]] == ["high", "low"]
    assert sum(dwell.curves[2].y) == pytest.approx(100)


def test_features_come_with_shaded_passages(page):
    cards = page.features[0].cards
    assert cards and all(card.passages for card in cards)
    assert any(piece.shade == 8 for piece in cards[0].passages[0].pieces)


def test_the_model_is_named_without_this_machines_folders(page):
    assert page.title == "What tiny follows while it reads"
    assert "somewhere" not in page.model_dump_json()


def test_the_report_is_written_into_the_run(run):
    path = sparsetime.report(run)
    html = path.read_text("utf-8")
    assert path == run / "report.html" and html.startswith("<!doctype html>")
    assert "<script>alert" not in html


def test_a_run_without_evaluations_still_has_a_page(tmp_path):
    store = write_store(tmp_path / "store", [SENTENCE * 3])
    add_dictionary(tmp_path, store, "topk")
    page = gather(tmp_path)
    assert page.comparison == [] and len(page.timeline.passages) == 1
    assert sparsetime.report(tmp_path).exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"there is no run at .*: the folder does not exist"):
        gather(tmp_path / "nothing")
    with pytest.raises(StoreError, match=r"an activation store, best in activations/, and it hol"):
        gather(tmp_path)


def test_a_run_without_a_dictionary_or_index_is_refused(tmp_path):
    write_store(tmp_path / "activations", [SENTENCE])
    with pytest.raises(StoreError, match=r"holds no dictionary .*sparsetime train"):
        gather(tmp_path)
    sparsetime.dictionary("topk", d_in=DIMENSIONS, width=WIDTH, k=4).save(str(tmp_path / "topk"))
    with pytest.raises(
        StoreError, match=r"topk is not shown: it has no feature index in features/; make"
    ):
        gather(tmp_path)


def test_excerpts_begin_at_paragraphs_of_prose(tmp_path):
    code = "x = f(1)\n" * 80
    store = write_store(tmp_path / "store", [code + "\n" + SENTENCE * 30])
    excerpt = choose_excerpts(store)[0]
    assert excerpt.words[:3] == ["The", "quiet", "river"]
    assert len(excerpt.words) == excerpt.stop - excerpt.first == 128


def test_sources_take_turns(tmp_path):
    store = write_store(tmp_path / "store", [SENTENCE * 20, "A b. " * 200] * 2)
    sources = [excerpt.sequence % 2 for excerpt in choose_excerpts(store)]
    assert sources == [1, 0, 1, 0]


def test_without_text_every_step_has_its_time(tmp_path):
    out = tmp_path / "store"
    writer = StoreWriter(
        out, model_name="m", model_hash="h", site="s", d=2, dtype="float32", unit="second",
        capture={},
    )  # fmt: skip
    steps = pa.table(
        {"sequence": np.zeros(25, np.int32), "position": np.arange(25, dtype=np.int32)}
    )
    sequences = pa.table({"id": ["a"], "length": [25], "start": [2.0], "step": [0.5]})
    writer.append(torch.zeros(25, 2), steps, sequences)
    (excerpt,) = choose_excerpts(writer.finish())
    assert excerpt.words[:3] == ["2.0", "2.5", "3.0"] and excerpt.words[-1] == "14.0"
    assert len(set(excerpt.words)) == 25
    assert (excerpt.time(0), excerpt.time(24)) == ("2.0 seconds", "14.0 seconds")


@pytest.mark.parametrize(
    ("between", "printed"),
    [
        ("", ""),
        (" ", " "),
        ("\n   ", " "),
        ("\n\n", "\n\n"),
        (" \n \n  \n", "\n\n"),
        (" # ", " # "),
    ],
)
def test_gaps(between, printed):
    assert gap_text(between) == printed


def test_white_space_is_as_dark_as_its_lighter_neighbour():
    words = [("a", 0.0), ("b", 4.0), ("c", 2.0), ("d", 0.0)]
    passage = FeatureContext(
        feature=0, sequence=0, id="x", position=1,
        words=tuple(ContextWord(t, " ", i, i, s, False) for i, (t, s) in enumerate(words)),
    )  # fmt: skip
    assert [(piece.text, piece.shade) for piece in shaded(passage, 4.0)] == [
        ("a ", 0), ("b", 8), (" c", 4), (" d", 0),
    ]  # fmt: skip
