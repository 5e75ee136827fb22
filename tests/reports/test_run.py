"""What of a run is shown, and what is left out with a word on why."""

from __future__ import annotations

import numpy as np
import pytest
from small_run import add_untrained, prose, write_store

import sparsetime
from sparsetime.errors import StoreError
from sparsetime.reports.report import render
from sparsetime.reports.run_page import gather

TEXTS = [prose(n, 12) for n in range(6)]


def view(store, places):
    return store.of_sequences(np.array(places, dtype=np.int64))


def evaluated(run, sae, store, name):
    sparsetime.evaluate(sae, store, ["l0", "dwell"], out=run / name, progress=False)


@pytest.fixture
def store(tmp_path):
    return write_store(tmp_path / "activations", TEXTS)


def test_what_other_weights_left_behind_is_not_shown(tmp_path, store):
    for name, seed in (("old", 0), ("fresh", 1)):
        evaluated(tmp_path, add_untrained(tmp_path, store, name, seed), store, name)
    assert gather(tmp_path, progress=False).notes == []
    retrained = add_untrained(tmp_path, store, "old", seed=2, indexed=False)
    page = gather(tmp_path, progress=False)
    assert [entry.key for entry in page.dictionaries] == ["fresh"]
    assert page.notes == [
        "old is not shown: its feature index was made from other weights or settings than it "
        "has now; make it again with sparsetime index --force."
    ]
    sparsetime.index(retrained, store, out=tmp_path / "old/features", force=True, progress=False)
    page = gather(tmp_path, progress=False)
    assert {entry.key for entry in page.dictionaries} == {"fresh", "old"}
    assert page.notes == [
        "The metrics of old are left out: they were computed from other weights or settings than "
        "it has now. Compute them again with sparsetime evaluate."
    ]
    pairs = zip(page.dictionaries, page.comparison[0].cells, strict=True)
    assert {entry.key: cell.text for entry, cell in pairs} == {"fresh": "4", "old": "not given"}
    assert page.notes[0] in render(page)
    evaluated(tmp_path, retrained, store, "old")
    assert gather(tmp_path, progress=False).notes == []


def test_what_another_store_left_behind_is_not_shown(tmp_path, store):
    other = write_store(tmp_path / "elsewhere/store", TEXTS[::-1])
    sae = add_untrained(tmp_path, store, "topk")
    evaluated(tmp_path, sae, other, "topk")
    page = gather(tmp_path, progress=False)
    assert page.comparison == []
    assert "they were computed from another store than the run holds" in page.notes[0]
    sparsetime.index(sae, other, out=tmp_path / "topk/features", force=True, progress=False)
    message = (
        r"holds nothing that can be shown. topk is not shown: its feature index was made from "
        r"another store than the run holds \(of .*tiny/model at layer\); make it again with sparset"
    )
    with pytest.raises(StoreError, match=message):
        gather(tmp_path, progress=False)


def test_a_dictionary_without_an_index_does_not_keep_the_others_from_the_page(tmp_path, store):
    add_untrained(tmp_path, store, "one")
    add_untrained(tmp_path, store, "two", indexed=False)
    page = gather(tmp_path, progress=False)
    assert [entry.key for entry in page.dictionaries] == ["one"]
    assert page.notes == [
        "two is not shown: it has no feature index in features/; make it with sparsetime index."
    ]


def test_sites_of_one_capture_are_shown_side_by_side(tmp_path):
    for site, texts in (("a", TEXTS), ("b", TEXTS)):
        store = write_store(tmp_path / "activations" / site, texts, site=site, model_hash=site)
        sae = add_untrained(tmp_path, store, f"topk_{site}")
        evaluated(tmp_path, sae, store, f"topk_{site}")
    page = gather(tmp_path, progress=False)
    assert page.lead.startswith("Two dictionaries of what the model computes at a")
    assert [entry.title for entry in page.dictionaries] == [
        "TopK SAE, topk_a",
        "TopK SAE, topk_b",
    ]
    assert all(len(passage.codes) == 2 for passage in page.timeline.passages)


def test_stores_of_different_documents_have_their_own_passages(tmp_path):
    for site, texts in (("a", TEXTS), ("b", TEXTS[:3])):
        store = write_store(tmp_path / "activations" / site, texts, site=site)
        sae = add_untrained(tmp_path, store, f"topk_{site}")
        evaluated(tmp_path, sae, store, f"topk_{site}")
    page = gather(tmp_path, progress=False)
    shown = [[code.dictionary for code in passage.codes] for passage in page.timeline.passages]
    assert shown == [["topk_a"], ["topk_a"], ["topk_b"], ["topk_b"]]
    assert page.comparison_notes[0] == (
        f"TopK SAE, topk_a was measured on 6 documents of {6 * 12 * 7:,} tokens."
    )


def test_passages_come_from_the_sequences_that_are_indexed(tmp_path, store):
    add_untrained(tmp_path, view(store, [1, 4]), "held_out")
    page = gather(tmp_path, progress=False)
    assert {passage.title for passage in page.timeline.passages} == {"text 1", "text 4"}
    add_untrained(tmp_path, view(store, [0, 4]), "other")
    page = gather(tmp_path, progress=False)
    assert {passage.title for passage in page.timeline.passages} == {"text 4"}
    add_untrained(tmp_path, view(store, [0]), "other")
    page = gather(tmp_path, progress=False)
    assert {passage.title: len(passage.codes) for passage in page.timeline.passages} == {
        "text 0": 1, "text 1": 1, "text 4": 1,
    }  # fmt: skip


def test_steps_seen_in_training_are_said_on_the_page(tmp_path, store):
    from sparsetime.activations.store.provenance import provenance

    sae = add_untrained(tmp_path, store, "topk")
    for trained, kind, said in (
        ([0, 1, 2], "documents", "50% of these tokens were also trained on by TopK SAE."),
        ([], "held-out documents", ""),
    ):
        sae.provenance = {"trained_on": provenance(view(store, trained))}
        evaluated(tmp_path, sae, store, "topk")
        page = gather(tmp_path, progress=False)
        assert page.comparison_notes == [
            f"Measured on 6 {kind} of {6 * 12 * 7:,} tokens.", *filter(None, [said]),
        ]  # fmt: skip
    assert page.comparison_notes[0] in render(page)


@pytest.mark.parametrize(
    ("unit", "step", "named", "lasting", "axis"),
    [
        ("token", [1.0] * 6, "token", "lasts {steps}", "tokens"),
        (
            "second",
            [0.01] * 6,
            "step",
            "lasts {time} seconds ({steps})",
            "seconds (steps of 0.01 seconds)",
        ),
        ("s", [1.0] * 6, "step", "lasts {time} s ({steps})", "s (steps of 1 s)"),
        ("second", [0.01] * 5 + [0.02], "step", "lasts {steps}", "steps"),
    ],
)
def test_lengths_are_in_the_unit_of_time_with_steps_beside(
    tmp_path, unit, step, named, lasting, axis
):
    store = write_store(tmp_path / "store", TEXTS, unit=unit, step=step)
    add_untrained(tmp_path, store, "topk")
    page = gather(tmp_path, progress=False)
    card = page.features[0].cards[0]
    dwell = (
        sparsetime.open_index(tmp_path / "topk/features")
        .features["dwell"]
        .to_pylist()[card.feature]
    )
    steps = f"{dwell:.3g} {named}{'s' * (dwell != 1)}"
    assert card.facts[0] == lasting.format(steps=steps, time=f"{dwell * step[0]:.3g}")
    assert page.unit == named and f"of {named}s" in card.facts[1]
    assert page.charts[2].x_label == f"mean dwell, {axis}"


def test_the_report_shows_how_far_it_is(tmp_path, store, capsys):
    add_untrained(tmp_path, store, "topk")
    add_untrained(tmp_path, store, "two", indexed=False)
    capsys.readouterr()
    sparsetime.report(tmp_path)
    assert "report: 4 of 4 readings of a dictionary" in capsys.readouterr().err
    sparsetime.report(tmp_path, progress=False)
    assert capsys.readouterr().err == ""
