"""The page of a suite, from a record made by hand."""

import re

import pytest

import sparsetime as st
from sparsetime.reports.suite_page import suite_page
from sparsetime.suites.suite_record import Suite, SuiteEntry

ABOUT = {
    "settings": {"recipe": "topk", "train": {"rows": 5000}, "held_out": 0.1},
    "model_name": "<b>toy</b>",
    "model_hash": "0123456789abcdef",
}


def entry(pattern, depth, width, fvu, **rises):
    site = pattern.replace("*", str(depth))
    folder = f"{site}-{width}"
    return SuiteEntry(site, pattern, depth, width, folder, "abc", fvu, 4.0, 0.25, rises)


@pytest.fixture
def suite(tmp_path):
    entries = [
        entry(pattern, depth, width, 0.1 * (depth + 1) / width, tuned=0.01 * depth)
        for pattern in ("layers.*", "layers.*.mlp")
        for depth in range(3)
        for width in (8, 16)
    ]
    made = Suite(str(tmp_path), tuple(entries), ABOUT)
    made.save()
    return made


def test_a_chart_has_a_curve_for_every_kind_of_site_and_width(suite):
    page = suite_page(suite)
    assert [chart.title for chart in page.charts] == [
        "Unexplained variance",
        "Never active",
        "CE increase, tuned",
    ]
    labels = [curve.label for curve in page.charts[0].curves]
    assert labels == ["layers.*, 8", "layers.*, 16", "layers.*.mlp, 8", "layers.*.mlp, 16"]
    assert len({curve.hue for curve in page.charts[0].curves}) == 4
    assert page.charts[0].curves[1].x == [0.0, 1.0, 2.0]
    assert page.charts[0].curves[1].y == pytest.approx([0.1 / 16, 0.2 / 16, 0.3 / 16])
    assert page.rows[5] == ["layers.2", "16", "1.9%", "4.0", "25.0%", "0.020"]


def test_the_report_of_a_suite_is_one_safe_file(suite):
    html = st.report(suite.path, progress=False).read_text()
    assert html.count("<svg") == 3 and html.count('<tr><th scope="row">') == 12
    assert "<b>toy</b>" not in html and "&lt;b&gt;toy" in html
    assert "12 dictionaries of 6 sites" in html
    assert not re.search(r'(src|href)="http', html)


def test_what_was_not_measured_is_said(suite):
    other = entry("layers.*", 3, 8, 0.5)
    page = suite_page(Suite(suite.path, (*suite.entries, other), ABOUT))
    assert page.rows[-1][-1] == "not measured"
    assert max(page.charts[2].curves[0].x) == 2.0
