"""A headless Chromium for the tests that look at pages, and how to measure ink on paper."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--disable-background-networking", "--disable-component-update", "--disable-quic"]

# The contrast of the text of the first element that a selector finds, as WCAG 2 defines it.
CONTRAST = """selector => {
  const light = (colour) => {
    const c = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * c[0] + .7152 * c[1] + .0722 * c[2];
  };
  const ink = light(getComputedStyle(document.querySelector(selector)).color);
  const paper = light(getComputedStyle(document.documentElement).backgroundColor);
  return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
}"""


@contextmanager
def watched_page(browser, prefixes=("",), allowed=(), width=1440, height=1000):
    """A page that must log nothing, open no dialog, and request only addresses with a prefix.

    allowed: beginnings of lines that it may log. One test after the other has the same page, since
    a window of its own takes half a second to open; what a test can leave behind is cleared. The
    page of a test that failed is not used again.
    """
    page = _pages.pop(browser, None) or browser.new_page()
    page.set_viewport_size({"width": width, "height": height})
    said, asked = [], []
    watching = {
        "console": lambda message: said.append(message.text),
        "pageerror": lambda error: said.append(str(error)),
        "dialog": lambda dialog: said.append(dialog.message),
        "request": lambda request: asked.append(request.url),
    }
    for event, note in watching.items():
        page.on(event, note)
    yield page
    assert [line for line in said if not line.startswith(tuple(allowed))] == []
    assert all(url.startswith(prefixes) for url in asked)
    for event, note in watching.items():
        page.remove_listener(event, note)
    _clear(page)
    _pages[browser] = page


# The page of each browser that waits for the next test.
_pages = WeakKeyDictionary()


def _clear(page):
    page.unroute_all(behavior="ignoreErrors")
    page.evaluate(
        "() => { try { localStorage.clear(); sessionStorage.clear(); } catch { /* no origin */ } }"
    )
    page.context.clear_cookies()
    page.goto("about:blank")
    page.mouse.move(0, 0)
    page.emulate_media(media="null", color_scheme="light")


@contextmanager
def launched():
    """A browser, or a skipped test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        known = next(filter(None, map(shutil.which, BROWSERS)), engine.chromium.executable_path)
        if not Path(known).exists():
            if os.environ.get("CI"):
                pytest.fail("the browser tests need chromium, and this CI machine has none")
            pytest.skip("chromium is not installed: apt install chromium, or playwright install")
        browser = engine.chromium.launch(executable_path=known, args=ARGUMENTS)
        yield browser
        browser.close()
