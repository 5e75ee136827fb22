"""Plausible pages without a model, one of them over hostile text."""

from __future__ import annotations

import pytest
from report_pages import fake_page


@pytest.fixture(scope="session")
def page_data():
    return fake_page()


@pytest.fixture(scope="session")
def hostile_page():
    """The same page over text that tries to break out of it."""
    nasty = "<script>alert(1)</script> </style>\ud800\x00\u202e & \"quotes' {{ 7*7 }} <!-- "
    return fake_page(titles=("assert", "with"), change=lambda text: nasty + text)
