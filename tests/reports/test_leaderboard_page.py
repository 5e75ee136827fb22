"""The page of a leaderboard, from a board made by hand."""

import re
from dataclasses import replace

import pytest

import sparsetime as st
from sparsetime.comparison.entry import DwellOctave, LeaderboardEntry, ProbeAccuracy
from sparsetime.comparison.grid import cells
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.reports.leaderboard_page import leaderboard_page
from sparsetime.reports.svg_charts import chart_svg

PARTS = {"slow_fast": ["slow", "fast"], "temporal_matryoshka": ["high", "low"]}
RECIPES = ["batch_topk", "slow_fast", "temporal_matryoshka"]


def entry(cell):
    worse = 1 + RECIPES.index(cell.recipe)
    octaves = [DwellOctave(dwell=2.0, features=4, recovered=0.5, found=3.0 * worse)]
    octaves.append(DwellOctave(dwell=4.0, features=2, recovered=0.0, found=None))
    readers = ["code", *PARTS.get(cell.recipe, ())]
    return LeaderboardEntry(
        cell=cell,
        terms={},
        metrics={
            "l0": float(cell.k),
            "fvu": 8 / cell.width * worse / cell.k + cell.seed,
            "smoothness": 1.0 / worse,
        },
        left_out={},
        probes=[
            ProbeAccuracy(label=label, reader=reader, accuracy=0.5 + worse / 10, baseline=0.2)
            for label in ("kind", "<module>")
            for reader in readers
            if cell.bed == "python"
        ],
        octaves=octaves if cell.bed == "synthetic" else [],
        seconds=1.0,
    )


@pytest.fixture
def board(tmp_path):
    settings = LeaderboardSettings.model_validate(
        {
            **{"recipes": RECIPES, "widths": [8, 16], "ks": [2, 4, 8], "seeds": [0, 1]},
            "beds": ["synthetic", "python"],
            "ladder": {"python": ["kind", "<module>"]},
        }
    )
    raw = ProbeAccuracy(label="kind", reader="activations", accuracy=0.9, baseline=0.2)
    entries = tuple(map(entry, cells(settings)))
    made = Leaderboard(str(tmp_path), settings, entries, {"synthetic": [], "python": [raw]})
    made.save()
    return made


def panels_of(board, name):
    (bed,) = [bed for bed in leaderboard_page(board).beds if bed.name == name]
    return {panel.title: [chart for _, chart in panel.charts] for panel in bed.panels}


def test_the_pictures_are_means_over_seeds(board):
    assert list(panels_of(board, "synthetic")) == [
        "Error against sparsity",
        "Smoothness against error",
        "Planted features found",
        "Recovered timescales",
    ]
    found = panels_of(board, "python")
    assert list(found) == ["Error against sparsity", "Smoothness against error", "Ladder of labels"]
    frontier, wider = found["Error against sparsity"]
    assert frontier.title == "Error against sparsity: python, width 8"
    assert [curve.label for curve in frontier.curves] == RECIPES
    assert len({curve.hue for curve in frontier.curves}) == 3
    assert frontier.curves[1].x == [2.0, 4.0, 8.0]
    assert frontier.curves[1].y == pytest.approx([1.5, 1.0, 0.75])
    assert wider.curves[1].y == pytest.approx([1.0, 0.75, 0.625])
    smooth = found["Smoothness against error"][0].curves[0]
    assert smooth.x == sorted(smooth.x)


def test_widths_are_drawn_on_the_same_axes(board):
    """The lowest and the highest point of either chart are at the same heights in both."""
    one, other = map(chart_svg, panels_of(board, "python")["Error against sparsity"])
    marks = re.compile(r'<(?:text class="tick"|path class="mark").*?>[^<]*')
    assert marks.findall(one) == marks.findall(other)
    assert one.count("<circle") == len(RECIPES) * 3


def test_a_ladder_names_its_rungs_and_what_needs_no_code(board):
    (narrow, _) = panels_of(board, "python")["Ladder of labels"]
    labels = [curve.label for curve in narrow.curves]
    assert labels == [*RECIPES, "activations", "most frequent class"]
    assert [curve.y for curve in narrow.curves[-2:]] == [[0.9], [0.2]]
    svg = chart_svg(narrow)
    assert ">kind</text>" in svg and ">&lt;module&gt;</text>" in svg


def test_planted_features_are_weighed_by_their_number(board):
    found = panels_of(board, "synthetic")
    shares = found["Planted features found"][0].curves[0]
    assert shares.x == pytest.approx([2 * 2**0.5, 4 * 2**0.5]) and shares.y == [0.5, 0.0]
    dwells = found["Recovered timescales"][0].curves
    assert [curve.y for curve in dwells[:2]] == [[3.0], [6.0]]  # an octave without any is left out
    assert dwells[-1].label == "as planted" and dwells[-1].x == dwells[-1].y


def test_all_testbeds_and_widths_stand_in_one_table(board):
    table = leaderboard_page(board).overview
    assert table.columns == [
        *("recipe", "synthetic, width 8", "synthetic, width 16"),
        *("python, width 8", "python, width 16"),
    ]
    assert table.rows[0] == ["batch_topk", "0.750 (1)", "0.625 (1)", "0.750 (1)", "0.625 (1)"]
    assert [row[0] for row in table.rows[1:3]] == RECIPES[1:]
    assert table.rows[-2] == ["L0", *["4.0"] * 4]
    assert table.rows[-1] == ["Kendall's tau over seeds", *["1.00"] * 4]


def test_a_recipe_that_does_not_reach_the_l0_comes_last(board):
    far = [
        entry.model_copy(update={"metrics": {**entry.metrics, "l0": 50.0 + entry.cell.k}})
        if entry.cell.recipe == "batch_topk" and entry.cell.bed == "python"
        else entry
        for entry in board.entries
    ]
    settings = board.settings.model_copy(update={"baseline": "slow_fast"})
    table = leaderboard_page(replace(board, entries=tuple(far), settings=settings)).overview
    # First of three on synthetic, and last of three on python.
    assert ["batch_topk", "0.750 (1)", "0.625 (1)", *["not reached"] * 2] in table.rows
    assert table.rows[0][0] == "slow_fast"


def test_the_tables_rank_compare_and_say_what_they_leave_out(board):
    page = leaderboard_page(board)
    code = page.beds[1]
    standing = code.rankings[0]
    assert standing.title == "python, width 8: FVU at L0 4.0"
    assert standing.rows[0] == ["batch_topk", "0.7500", "0.71", "", "0.2500", "1.2500"]
    # A seed moves every value by 1 here, a recipe by a quarter.
    assert standing.rows[1][:4] == ["slow_fast", "1.0000", "0.71", "+0.2500, within noise"]
    assert "Kendall's tau between the rankings of two seeds: 1.00" in standing.notes[0]
    assert page.compared.title == "Against batch_topk, at equal L0 and FVU"
    assert any("Not compared: smoothness" in note for note in page.compared.notes)
    assert page.beds[0].probes is None  # synthetic has no labels to probe here
    assert code.probes.title == "What a linear probe reads on python, at k 4"
    assert code.probes.columns == ["reader", "width", "kind", "<module>"]
    assert code.probes.rows[0] == ["batch_topk", "8", "0.600", "0.600"]
    assert ["slow_fast, slow", "8", "0.700", "0.700"] in code.probes.rows
    assert code.probes.rows[-2] == ["activations", "", "0.900", "not measured"]
    assert code.probes.rows[-1] == ["most frequent class", "", "0.200", "not measured"]


def test_the_report_of_a_leaderboard_is_one_safe_file(board):
    html = st.report(board.path, progress=False).read_text()
    assert "the default of each width</dd>" in html
    assert 'id="on-python"' in html  # a bare id="prose" would be dressed as a report's prose
    assert html.count("<svg") == 14 and "72 dictionaries of 3 recipes" in html
    assert "<module>" not in html and "&lt;module&gt;" in html
    assert not re.search(r'(src|href)="http', html)
