"""The page of a leaderboard, from a board made by hand."""

import re

import pytest

import sparsetime as st
from sparsetime.evaluation.leaderboard.board import Leaderboard
from sparsetime.evaluation.leaderboard.cells import cells
from sparsetime.evaluation.leaderboard.record import Entry, Octave, Probed
from sparsetime.evaluation.leaderboard.settings import LeaderboardSettings
from sparsetime.explorer.leaderboard_page import leaderboard_page

PARTS = {"slow_fast": ["slow", "fast"], "temporal_matryoshka": ["high", "low"]}
RECIPES = ["batch_topk", "slow_fast", "temporal_matryoshka"]


def entry(cell):
    worse = 1 + RECIPES.index(cell.recipe)
    octaves = [Octave(dwell=2.0, features=4, recovered=0.5, found=3.0 * worse)]
    octaves.append(Octave(dwell=4.0, features=2, recovered=0.0, found=None))
    readers = ["code", *PARTS.get(cell.recipe, ())]
    return Entry(
        cell=cell,
        terms={},
        figures={"l0": float(cell.k), "fvu": worse / cell.k + cell.seed, "smoothness": 1.0 / worse},
        left_out={},
        probes=[
            Probed(label=label, reader=reader, accuracy=0.5 + worse / 10, baseline=0.2)
            for label in ("kind", "<module>")
            for reader in readers
            if cell.bed == "code"
        ],
        octaves=octaves if cell.bed == "orchestra" else [],
        seconds=1.0,
    )


@pytest.fixture
def board(tmp_path):
    settings = LeaderboardSettings.model_validate(
        {
            **{"recipes": RECIPES, "widths": [8], "ks": [2, 4, 8], "seeds": [0, 1]},
            "beds": ["orchestra", "code"],
            "ladder": {"code": ["kind", "<module>"]},
        }
    )
    raw = Probed(label="kind", reader="activations", accuracy=0.9, baseline=0.2)
    entries = tuple(map(entry, cells(settings)))
    made = Leaderboard(str(tmp_path), settings, entries, {"orchestra": [], "code": [raw]})
    made.save()
    return made


def test_the_pictures_are_means_over_seeds(board):
    found = {chart.title: chart for chart in leaderboard_page(board).charts}
    assert list(found) == [
        "Error against sparsity: orchestra, width 8",
        "Smoothness against error: orchestra, width 8",
        "Planted features found: orchestra, width 8",
        "Recovered timescales: orchestra, width 8",
        "Error against sparsity: code, width 8",
        "Smoothness against error: code, width 8",
        "Ladder of labels: code, width 8",
    ]
    frontier = found["Error against sparsity: code, width 8"]
    assert [curve.label for curve in frontier.curves] == RECIPES
    assert len({curve.hue for curve in frontier.curves}) == 3
    assert frontier.curves[1].x == [2.0, 4.0, 8.0]
    assert frontier.curves[1].y == pytest.approx([1.5, 1.0, 0.75])
    smooth = found["Smoothness against error: code, width 8"].curves[0]
    assert smooth.x == sorted(smooth.x)


def test_planted_features_are_weighed_by_their_number(board):
    found = {chart.title: chart for chart in leaderboard_page(board).charts}
    shares = found["Planted features found: orchestra, width 8"].curves[0]
    assert shares.x == pytest.approx([2 * 2**0.5, 4 * 2**0.5]) and shares.y == [0.5, 0.0]
    dwells = found["Recovered timescales: orchestra, width 8"].curves
    assert [curve.y for curve in dwells[:2]] == [[3.0], [6.0]]  # an octave without any is left out
    assert dwells[-1].label == "as planted" and dwells[-1].x == dwells[-1].y


def test_the_tables_rank_compare_and_say_what_they_leave_out(board):
    tables = {table.title: table for table in leaderboard_page(board).tables}
    standing = tables["code, width 8: FVU at L0 4.0"]
    assert standing.rows[0] == ["batch_topk", "0.7500", "0.2500", "1.2500"]
    assert "Kendall's tau between the rankings of two seeds: 1.00" in standing.notes[0]
    compared = tables["Against batch_topk, at equal L0 and FVU"]
    assert any("Not compared: smoothness" in note for note in compared.notes)
    probes = tables["What a linear probe reads, at k 4"]
    assert probes.rows[0] == ["batch_topk", "8", "0.600", "0.600"]
    assert ["slow_fast, slow", "8", "0.700", "0.700"] in probes.rows
    assert probes.rows[-1] == ["activations", "", "0.900", "not measured"]


def test_the_report_of_a_leaderboard_is_one_safe_file(board):
    html = st.report(board.path, progress=False).read_text()
    assert html.count("<svg") == 7 and "36 dictionaries of 3 recipes" in html
    assert "<module>" not in html and "&lt;module&gt;" in html
    assert not re.search(r'(src|href)="http', html)
