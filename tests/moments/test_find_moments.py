"""st.find_moments: every finder, spans with true times, coverage, and planted events."""

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError
from sparsetime.moments.finders.moment_finder import MomentFinder
from sparsetime.moments.step_scores import StepScores
from sparsetime.registry import components_of
from sparsetime.testbeds import haystacks


def scores_of(values):
    return StepScores(len(values), lambda steps: np.asarray(values, dtype=float)[steps])


def found(kind, values, budget=3, **settings):
    return MomentFinder.from_config({"kind": kind, **settings}).find(scores_of(values), budget)


@pytest.mark.parametrize("kind", components_of("moment_finder"))
def test_a_finder_gives_spans_in_order_within_the_sequence_and_budget(kind):
    values = np.sin(np.arange(97) / 5) ** 20 * np.arange(97)
    spans = found(kind, values, budget=5)
    assert 0 < len(spans) <= 5
    assert (spans[:, 0] < spans[:, 1]).all()
    assert (np.diff(spans[:, 0]) > 0).all()
    assert spans.min() >= 0
    assert spans.max() <= 97
    assert len(found(kind, [1.0, 3.0], budget=5)) <= 2


def test_top_takes_the_largest_and_spread_leaves_a_peak_for_another():
    values = [0, 9, 10, 9, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]
    assert found("top", values)[:, 0].tolist() == [1, 2, 3]
    assert 11 in found("spread", values)[:, 0]
    assert found("spread", values, weight=0.0)[:, 0].tolist() == [1, 2, 3]
    assert found("uniform", values)[:, 0].tolist() == [2, 7, 12]


def test_zoom_scores_a_share_and_finds_a_hill():
    step = np.arange(1000)
    hill = np.exp(-(((step - 637) / 60) ** 2))
    scores = scores_of(hill)
    spans = MomentFinder.from_config({"kind": "zoom", "share": 0.05}).find(scores, 1)
    assert abs(int(spans[0, 0]) - 637) <= 6
    assert scores.scored <= 50


def test_surprise_joins_neighbours_and_keeps_the_highest():
    values = np.tile([0.0, 1.0], 30)
    values[[10, 11, 13, 40]] = [9, 12, 9, 30]
    assert found("surprise", values).tolist() == [[10, 14], [40, 41]]
    assert found("surprise", values, budget=1).tolist() == [[40, 41]]
    assert len(found("surprise", np.zeros(5))) == 0


def test_moments_of_a_store_have_its_times(tmp_path):
    model = st.compose_model({"kind": "patches", "size": 4}, "bidirectional_attention", d=8, d_in=2)
    x = torch.randn(48, 2)
    document = st.Document("a", values=x, start=10.0, step=0.5, unit="second")
    store = st.capture(model, [document], "view", tmp_path, progress=False, dtype="float32")
    rows = torch.as_tensor(store.sequence(0).values)
    moments = st.find_moments(store, "top", query=rows[5], budget=1)
    row = moments.table.to_pylist()[0]
    assert (row["first_step"], row["start"], row["end"]) == (5, 20.0, 22.0)
    assert row["score"] == pytest.approx(1, abs=1e-5)
    assert moments.scored == {"a": 1.0}


def test_the_command_lists_moments_like_a_step(tmp_path):
    model = st.compose_model("values", "conv", d=8, d_in=2)
    documents = [st.Document(name, values=torch.randn(20, 2)) for name in ("a", "b")]
    documents.append(st.Document("c", values=torch.randn(100, 2)))
    out = str(tmp_path / "s")
    st.capture(model, documents, "view", out, progress=False)
    words = ["moments", out, "--how", "top", "--budget", "1"]
    result = CliRunner().invoke(app, [*words, "--like", "b:7"])
    assert result.exit_code == 0, result.output
    assert "3 moments; 100.0% of the steps were scored" in result.output
    assert any(line.split()[:3] == ["b", "7", "8"] for line in result.output.splitlines())
    result = CliRunner().invoke(app, ["moments", out, "--how", "uniform", "--budget", "10"])
    assert "21.4% of the steps were scored" in result.output  # 30 of 140
    for like, words_of_error in (("b", "expected SEQUENCE:STEP"), ("b:20", "a step below 20")):
        refused = CliRunner().invoke(app, [*words, "--like", like])
        assert refused.exit_code == 2
        assert words_of_error in " ".join(refused.output.split())


def test_coverage_precision_and_f1_are_those_of_intervals():
    x = torch.zeros(2, 20, 3)
    x[0, 4] = x[1, 9] = 1
    moments = st.find_moments(x, "top", query=torch.ones(3), budget=1)
    assert moments.of("0").tolist() == [[4, 5]]
    events = {"0": [(4.5, 6.0), (10, 12)], "1": [(0, 2)]}
    assert moments.coverage(events) == pytest.approx(1 / 3)
    assert moments.precision(events) == pytest.approx(1 / 2)
    assert moments.f1(events) == pytest.approx(0.4)
    assert moments.f1({"0": [(5, 6)], "1": [(0, 2)]}) == 0
    none = st.find_moments(torch.zeros(1, 5, 2), "surprise")
    assert (len(none), none.f1({"0": [(1, 2)]})) == (0, 0.0)
    assert np.isnan(none.f1({}))


def test_a_function_scores_rows_and_none_is_the_change():
    x = torch.zeros(1, 60, 2)
    x[0, 30:] = 5
    assert st.find_moments(x, "surprise").of("0").tolist() == [[30, 31]]
    by_function = st.find_moments(x, "top", query=lambda rows: rows[:, 0], budget=1)
    assert by_function.table["first_step"].to_pylist() == [30]
    with_gradients = torch.ones(2, requires_grad=True)
    for data, query in ((x * with_gradients, None), (x, with_gradients), (x.half(), torch.ones(2))):
        assert len(st.find_moments(data, "top", query=query, budget=1)) == 1


def test_haystacks_hold_their_events():
    bed = haystacks(3, time=240, events=3, d=16, scene=40)
    for number, rows in enumerate(bed.rows):
        similarity = rows @ bed.queries[number]
        inside = torch.zeros(240, dtype=torch.bool)
        for start, end in bed.events[str(number)]:
            inside[int(start) : int(end)] = True
        assert similarity[inside].mean() > similarity[~inside].mean() + 0.2
    again = haystacks(3, time=240, events=3, d=16, scene=40)
    assert torch.equal(again.rows, bed.rows)
    with pytest.raises(ConfigError, match="got 7 events in 6 scenes"):
        haystacks(3, time=240, events=7, scene=40)


def test_bad_input_is_refused_in_words():
    x = torch.randn(2, 10, 3)
    with pytest.raises(UnknownNameError, match="did you mean 'zoom'"):
        st.find_moments(x, "zom")
    with pytest.raises(UnknownNameError, match="setting of moment_finder 'top' 'share'"):
        st.find_moments(x, "top", share=0.1)
    with pytest.raises(ConfigError, match="got budget=0, expected at least 1 moment"):
        st.find_moments(x, budget=0)
    with pytest.raises(MismatchError, match=r"got a query of shape \[2\], expected the dimension"):
        st.find_moments(x, query=torch.ones(2))
    with pytest.raises(ConfigError, match="got str as query, expected a vector"):
        st.find_moments(x, query="dog")
    with pytest.raises(DataError, match="got a score that is not finite at step 0"):
        st.find_moments(x, query=lambda rows: rows[:, 0] * torch.nan)
    with pytest.raises(DataError, match="got scores of shape"):
        st.find_moments(x, query=lambda rows: rows)
    with pytest.raises(DataError, match="expected a store, or an array"):
        st.find_moments("texts")
