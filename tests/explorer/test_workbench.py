"""The functions behind the explorer's views, on small runs whose answers are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from small_run import WIDTH, add_dictionary, add_untrained, prose, write_store

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError, StoreError, UnknownNameError
from sparsetime.explorer.workbench.atom_matches import neighbours
from sparsetime.explorer.workbench.coactivation import coactivation_view
from sparsetime.explorer.workbench.compare import compare
from sparsetime.explorer.workbench.documents import document, documents
from sparsetime.explorer.workbench.feature import feature
from sparsetime.explorer.workbench.feature_list import features
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.explorer.workbench.overview import overview, training
from sparsetime.explorer.workbench.schema import Label
from sparsetime.explorer.workbench.timeline import enriched_features, timeline
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features import coactivation as measure
from sparsetime.features.change_points import boundaries
from sparsetime.features.enrichment import enrichment
from sparsetime.features.feature_events import FeatureEvents
from sparsetime.files import Folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 20) for n in range(5)])
    for name in ("batch_topk", "temporal_matryoshka"):
        add_dictionary(folder, store, name)
    return folder


@pytest.fixture(scope="module")
def workbench(run):
    return Workbench(run)


@pytest.fixture
def opened(workbench):
    return workbench.opened


def dense(opened, key, sequence):
    return np.abs(opened.code(key, sequence).dense().detach().numpy())


def test_the_overview_counts_every_living_feature_once(workbench):
    page = overview(workbench)
    assert [view.entry.key for view in page.dictionaries] == ["temporal_matryoshka", "batch_topk"]
    for view in page.dictionaries:
        assert sum(view.density.counts) == sum(view.dwell.counts) == view.width - view.dead
        assert view.aligned_with == [
            other.entry.key for other in page.dictionaries if other is not view
        ]
    assert sum(page.dictionaries[0].density.first) < sum(page.dictionaries[0].density.counts)
    assert page.dictionaries[1].density.first is None


def test_training_is_shown_up_to_a_line_cut_off(workbench):
    curve = training(workbench)[0]
    assert (curve.label, curve.x, curve.figure) == ("batch_topk", [10, 20, 30], "fvu")
    assert curve.finished


def test_a_run_that_is_still_trained_opens(tmp_path):
    write_store(tmp_path / "activations", [prose(0, 5)])
    Folder(str(tmp_path / "topk")).append_lines("metrics.jsonl", [{"rows": 5, "loss": 2.0}])
    bench = Workbench(tmp_path)
    assert overview(bench).dictionaries == []
    (curve,) = training(bench)
    assert (curve.figure, curve.finished, curve.y) == ("loss", False, [2.0])


def test_features_fit_the_filters(opened):
    table = opened.dictionary("batch_topk").table
    page = features(opened, "batch_topk", dwell=(1.2, 3.0), density=(0.01, 0.5), limit=500)
    fits = (table.dwell >= 1.2) & (table.dwell <= 3) & (table.density >= 0.01)
    fits &= table.density <= 0.5
    assert {line.feature for line in page.lines} == set(np.flatnonzero(fits).tolist())
    assert page.total == len(page.lines) > 0


def test_features_are_found_by_their_words_and_sorted(opened):
    found = features(opened, "batch_topk", words="RIVER", sort="dwell", limit=500)
    assert found.lines and all("river" in " ".join(line.words) for line in found.lines)
    dwell = [line.dwell for line in found.lines]
    assert dwell == sorted(dwell, reverse=True)
    up = features(opened, "batch_topk", words="river", sort="dwell", ascending=True, limit=500)
    assert [line.dwell for line in up.lines] == sorted(dwell)
    assert features(opened, "batch_topk", words="river zzz").total == 0


def test_pages_of_a_list_follow_one_another(opened):
    whole = features(opened, "batch_topk", limit=500).lines
    parts = [features(opened, "batch_topk", offset=n, limit=7).lines for n in range(0, 500, 7)]
    assert [line.feature for part in parts for line in part] == [line.feature for line in whole]


def test_groups_are_separate(opened):
    key = "temporal_matryoshka"
    assert opened.dictionary(key).entry.parts == ("high", "low")
    end = opened.dictionary(key).table.groups[0]
    high = features(opened, key, part="first", limit=500).lines
    assert high and all(line.part == "first" and line.feature < end for line in high)
    low = features(opened, key, part="rest", limit=500).lines
    assert low and all(line.part == "rest" and line.feature >= end for line in low)
    assert len(high) + len(low) == features(opened, key, limit=500).total


def test_the_roll_is_the_code(opened):
    found = timeline(opened, "batch_topk", 2, 10, 60, rows=2000, densest=1.0)
    code = dense(opened, "batch_topk", 2)[10:60]
    assert {row.feature for row in found.rows} == set(np.flatnonzero(code.any(0)).tolist())
    assert found.active_features == len(found.rows) and found.stride == 1
    peak = opened.dictionary("batch_topk").table.peak
    for row in found.rows:
        assert row.columns == np.flatnonzero(code[:, row.feature]).tolist()
        value = code[row.columns, row.feature]
        expected = np.clip(np.rint(100 * value / peak[row.feature]), 1, 100)
        assert np.abs(np.array(row.strengths) - expected).max() <= 1
    assert sum(row.energy for row in found.rows) == pytest.approx(1)
    assert sorted(row.place for row in found.rows) == list(range(len(found.rows)))


def test_a_long_stretch_is_shown_in_columns_of_their_strongest(opened):
    found = timeline(opened, "batch_topk", 2, columns=16, rows=5)
    code = dense(opened, "batch_topk", 2)
    assert found.stride == -(-len(code) // 16)
    for row in found.rows:
        active = np.flatnonzero(code[:, row.feature]) // found.stride
        assert row.columns == np.unique(active).tolist()


def test_what_is_always_on_can_be_hidden_and_asked_for(opened):
    density = opened.dictionary("batch_topk").table.density
    found = timeline(opened, "batch_topk", 0, rows=2000, densest=0.05)
    assert found.rows and all(density[row.feature] <= 0.05 for row in found.rows)
    loud = int(density.argmax())
    also = timeline(opened, "batch_topk", 0, rows=4, densest=0.05, also=(loud,))
    assert also.rows[0].feature == loud and len(also.rows) == 5


def test_reach_shows_more_steps_of_the_same_rows(opened):
    near = timeline(opened, "batch_topk", 1, 40, 60, rows=9)
    far = timeline(opened, "batch_topk", 1, 40, 60, rows=9, reach=15)
    assert [row.feature for row in far.rows] == [row.feature for row in near.rows]
    assert (far.first, far.stop) == (25, 75)
    assert near.rows[0].columns == [c - 15 for c in far.rows[0].columns if 15 <= c < 35]


def test_specific_features_are_of_the_stretch(opened):
    found = enriched_features(opened, "batch_topk", 0, 5, 12)
    code = dense(opened, "batch_topk", 0)[5:12]
    assert found
    for each in found:
        assert each.share == pytest.approx((code[:, each.feature] > 0).mean())
        assert each.share > each.density
    assert [each.nats for each in found] == sorted((e.nats for e in found), reverse=True)


def test_moments_stand_in_their_words(opened):
    number = features(opened, "batch_topk").lines[0].feature
    view = feature(opened, "batch_topk", number)
    table = opened.dictionary("batch_topk").table
    assert view.bands[0].moments[0].value == pytest.approx(table.peak[number])
    for moment in (m for band in view.bands for m in band.moments):
        code = dense(opened, "batch_topk", moment.sequence)
        whole = opened.dictionary("batch_topk").store.sequence(moment.sequence).text.split()
        stop = moment.first + len(moment.words)
        assert moment.words == whole[moment.first : stop]
        assert moment.first + moment.here == moment.position
        assert moment.strengths[moment.here] > 0
        lit = [s > 0 for s in moment.strengths]
        assert lit == (code[moment.first : stop, number] > 0).tolist()
    assert sum(view.run_lengths.counts) == view.runs
    assert sum(view.strengths.counts) == view.count


def test_neighbours_are_living_features(opened):
    alive = np.flatnonzero(opened.dictionary("batch_topk").table.density > 0).tolist()
    seen, number = [alive[0]], alive[0]
    assert feature(opened, "batch_topk", number).earlier is None
    while (number := feature(opened, "batch_topk", number).later) is not None:
        seen.append(number)
    assert seen == alive


def test_coactivation_never_holds_the_feature_itself(opened):
    number = features(opened, "temporal_matryoshka", sort="density").lines[0].feature
    view = coactivation_view(opened, "temporal_matryoshka", number)
    assert view.documents > 0 and view.together and view.nearest and view.elsewhere
    for each in [*view.together, *view.before, *view.after]:
        assert each.feature != number and each.share > each.chance
    cosines = [each.share for each in view.nearest]
    assert cosines == sorted(cosines, reverse=True) and number not in {
        each.feature for each in view.nearest
    }
    assert {each.dictionary for each in view.elsewhere} == {"batch_topk"}


def test_a_dictionary_is_its_own_match(opened):
    view = compare(opened, "batch_topk", "batch_topk")
    alive = int((opened.dictionary("batch_topk").table.density > 0).sum())
    assert (view.shared, view.only_left, view.only_right) == (alive, 0, 0)
    assert (view.split_left, view.split_right) == (0, 0)
    assert all(match.left.feature == match.right.feature for match in view.matches)


def test_a_feature_is_split_where_several_have_it_as_their_nearest(opened, monkeypatch):
    from sparsetime.explorer.workbench.atom_matches import AtomMatches

    left, right = np.array([2, 5]), np.array([1, 3, 4])
    found = AtomMatches(
        (left, right),
        to_right=np.array([0, 1]),
        cosine=np.array([0.9, 0.3]),
        to_left=np.array([0, 0, 0]),
        back=np.array([0.9, 0.8, 0.2]),
    )
    monkeypatch.setattr(opened, "neighbours", lambda *_: found)
    view = compare(opened, "batch_topk", "temporal_matryoshka")
    assert [(m.left.feature, m.right.feature, m.cosine) for m in view.matches] == [(2, 1, 0.9)]
    assert (view.shared, view.split_left, view.split_right) == (1, 1, 0)
    (split,) = view.splits_left
    assert split.whole.feature == 2
    assert [part.feature for part in split.parts] == [1, 3] and split.cosines == [0.9, 0.8]
    assert [line.feature for line in view.alone_left] == [5]
    assert [line.feature for line in view.alone_right] == [4]


def test_neighbours_are_kept_and_written_again_where_damaged(tmp_path):
    folder, living = Folder(str(tmp_path)), (np.arange(3), np.arange(2))
    atoms = (torch.randn(3, 4), torch.randn(2, 4))
    first = neighbours(folder, ("a", "b"), living, lambda: atoms)
    kept = neighbours(folder, ("a", "b"), living, lambda: 1 / 0)
    assert np.array_equal(first.to_right, kept.to_right)
    assert np.array_equal(first.back, kept.back)
    (tmp_path / "matches" / "a-b.safetensors").write_bytes(b"half")
    again = neighbours(folder, ("a", "b"), living, lambda: atoms)
    assert np.array_equal(first.cosine, again.cosine)


def test_sequences_are_found_by_name_and_by_text(opened):
    assert documents(opened, "batch_topk").total == 5
    assert [line.sequence for line in documents(opened, "batch_topk", "text 3").lines] == [3]
    phrase = " ".join(opened.dictionary("batch_topk").store.sequence(4).text.split()[3:12])
    assert [line.sequence for line in documents(opened, "batch_topk", phrase.upper()).lines] == [4]


def test_words_of_a_stretch(opened):
    found = document(opened, "batch_topk", 1, 3, 9)
    assert found.words == opened.dictionary("batch_topk").store.sequence(1).text.split()[3:9]
    assert found.is_text and found.length == 140


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda o: features(o, "topk"), UnknownNameError, "unknown dictionary 'topk': did you"),
        (lambda o: feature(o, "batch_topk", WIDTH), ConfigError, f"has the features 0 to {95}"),
        (lambda o: timeline(o, "batch_topk", 9), DataError, "holds 5 sequences, numbers 0 to 4"),
        (lambda o: timeline(o, "batch_topk", 0, 500, 600), DataError, "whose steps are 0 to 139"),
        (lambda o: enriched_features(o, "batch_topk", 0, 9, 9), DataError, "9 to 9 are no segment"),
    ],
)
def test_what_does_not_exist_is_said(opened, call, error, said):
    with pytest.raises(error, match=said):
        call(opened)


def test_dictionaries_of_other_widths_are_not_compared(opened, monkeypatch):
    narrow = torch.randn(WIDTH, 3)
    atoms = type(opened).atoms
    monkeypatch.setattr(
        type(opened), "atoms", lambda o, key: narrow if key == "batch_topk" else atoms(o, key)
    )
    with pytest.raises(MismatchError, match="only dictionaries of the same site"):
        compare(opened, "temporal_matryoshka", "batch_topk")


def test_labels_outlive_a_crash_and_the_last_one_counts(tmp_path):
    folder = Folder(str(tmp_path))
    one, other = Labels(folder, {}), Labels(folder, {})
    one.add([Label(dictionary="a", feature=3, name="rivers", starred=True)])
    with open(tmp_path / "labels.jsonl", "a") as file:
        file.write('{"dictionary": "a", "feature": 3, "na')  # the power went
    other.add([Label(dictionary="a", feature=4, name="töwns\u2028")])
    one.add([Label(dictionary="a", feature=3, name="streams")])
    for labels in (one, other, Labels(folder, {})):
        assert [(x.feature, x.name, x.starred) for x in labels.all()] == [
            (3, "streams", False),
            (4, "töwns\u2028", False),
        ]
    one.add([Label(dictionary="a", feature=4)])
    assert [x.feature for x in other.all()] == [3]
    with pytest.raises(
        ConfigError, match=r"a name of 201 characters for feature .*; expected at most 200"
    ):
        one.add([Label(dictionary="a", feature=5, name="x" * 201)])


def test_a_new_index_is_seen_without_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr("sparsetime.explorer.workbench.workbench._LOOK_AGAIN", 0.0)
    store = write_store(tmp_path / "activations", [prose(n, 6) for n in range(3)])
    add_untrained(tmp_path, store, "one")
    bench = Workbench(tmp_path)
    first = bench.opened
    assert bench.opened is first and list(first.shown) == ["one"]
    add_untrained(tmp_path, store, "two")
    assert list(bench.opened.shown) == ["one", "two"]
    path = tmp_path / "two/features/codes.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    (tmp_path / "two/features/index.json").touch()
    opened = bench.opened
    assert list(opened.shown) == ["one"]
    assert "two is not shown" in opened.notes[0] and "bytes where" in opened.notes[0]


def test_runs_that_hold_nothing_to_show(tmp_path):
    with pytest.raises(StoreError, match="the folder does not exist"):
        Workbench(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="Make one with sparsetime capture"):
        Workbench(tmp_path / "empty")
    store = write_store(tmp_path / "activations", [prose(0, 6)])
    with pytest.raises(StoreError, match="make one with sparsetime train, then sparsetime index"):
        Workbench(tmp_path)
    add_untrained(tmp_path, store, "topk", indexed=False)
    with pytest.raises(StoreError, match=r"topk is not shown: it has no feature index .* index"):
        Workbench(tmp_path)


def code_of(rows):
    return SparseCode.from_dense(torch.tensor(rows, dtype=torch.float32))


def test_a_boundary_lies_where_the_features_change():
    rng = np.random.default_rng(0)
    rows = np.zeros((180, 12))
    for part, (a, b) in enumerate([(0, 70), (70, 130), (130, 180)]):
        rows[a:b, 4 * part : 4 * part + 4] = rng.random((b - a, 4)) < 0.6
    assert boundaries(code_of(rows.tolist()), np.ones(12)).tolist() == pytest.approx(
        [70, 130], abs=2
    )
    assert len(boundaries(code_of(rows[:40].tolist()), np.ones(12))) == 0


def test_specificity_is_the_likelihood_ratio():
    code = code_of([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    found, nats = enrichment(code, np.array([0.1, 0.25, 0.5]))
    assert found.tolist() == [0]
    assert nats[0] == pytest.approx(4 * np.log(1 / 0.1))


def test_coactivation_counts_what_comes_before_and_after():
    rows = np.zeros((60, 4))
    rows[[10, 30, 50], 0] = 1
    rows[[8, 28, 48], 1] = 1
    rows[[13, 33], 2] = 1
    rows[:, 3] = 1
    found = measure.coactivation([code_of(rows.tolist())], 0)
    assert found.before.tolist() == [0, 1, 0, 1]
    assert found.after.tolist() == pytest.approx([0, 0, 2 / 3, 1])
    assert found.together.tolist() == [1, 0, 0, 1]
    assert measure.lift(found.together, found.chance)[3] == 0


def test_moments_come_from_all_strengths_and_other_sequences():
    value = np.arange(100, 0, -1.0)
    moments = FeatureEvents(np.arange(100) % 10, np.arange(100) // 10, value)
    top = moments.sample_band(0.0, 1.0, 4)
    assert top.tolist() == [0, 1, 2, 3]
    middle = moments.sample_band(0.4, 0.6, 3)
    assert all(40 <= m < 60 for m in middle) and len(set(moments.sequence[middle])) == 3
    one = FeatureEvents(np.zeros(4, int), np.array([7, 1, 2, 3]), np.array([4.0, 3, 2, 1]))
    assert one.sample_band(0.0, 1.0, 2).tolist() == [0, 1]
    assert one.run_lengths().tolist() == [3, 1]
    assert one.activations(0, 2, 5).tolist() == [2, 1, 0]


def test_labels_are_lines_of_json(tmp_path):
    Labels(Folder(str(tmp_path)), {}).add([Label(dictionary="a", feature=1, name="<b>")])
    lines = (tmp_path / "labels.jsonl").read_text().split()
    assert [json.loads(line)["name"] for line in lines] == ["<b>"]


def test_labels_of_earlier_weights_are_stale_and_name_nothing(tmp_path):
    folder = Folder(str(tmp_path))
    Labels(folder, {"topk": "before"}).add([Label(dictionary="topk", feature=3, name="rivers")])
    same, other = Labels(folder, {"topk": "before"}), Labels(folder, {"topk": "after"})
    assert same.of("topk", 3).name == "rivers" and not same.all()[0].stale
    assert other.of("topk", 3).name == ""
    assert [(label.name, label.stale, label.weights) for label in other.all()] == [
        ("rivers", True, "before")
    ]
    other.add([Label(dictionary="topk", feature=3, name="clocks")])
    assert other.of("topk", 3).name == "clocks" and same.all()[0].stale


def test_rows_of_a_group_fire_together(opened):
    found = timeline(opened, "batch_topk", 0, rows=40)
    rows = sorted(found.rows, key=lambda row: row.place)
    assert [row.group for row in rows] == sorted(row.group for row in rows)
    assert 1 < len({row.group for row in rows}) < len(rows)


def test_a_renderer_is_a_file_of_javascript(run, tmp_path):
    with pytest.raises(ConfigError, match="is not a JavaScript module"):
        Workbench(run, renderers=[tmp_path / "none.js"])
