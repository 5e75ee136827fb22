"""One score as a small SVG file, for a README or a slide: legible on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from sparsetime.explorer.report_schema import PART_HUES, ScorePanel, ScorePassage, ScoreRow

_PITCH, _ROW, _GUTTER, _EDGE, _WORDS, _TAIL = 7.0, 13.0, 236.0, 8.0, 82.0, 36.0
_APART, _LEADER, _LONGEST_WORD = 10.5, 11.0, 14
_STYLE = """
text{font:10px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#6e7781}
.w{font-size:9.5px;fill:#737c86}
.n{font-variant-numeric:tabular-nums;font-size:9.5px}
.high{fill:#d1600a}.low{fill:#2f7fc1}.plain{fill:#7a8490}
.r{opacity:.2}.k{fill:none;stroke:#8b949e;stroke-opacity:.6;stroke-width:.7}.l{fill:none;stroke:#8b949e;stroke-opacity:.22}
@media(prefers-color-scheme:dark){text,.w{fill:#adb5bd}.high{fill:#f2934a}.low{fill:#63aee8}
.plain{fill:#9aa4b0}}
""".replace("\n", "")


def score_svg(passage: ScorePassage, dictionary: str, *, steps: int = 110, rows: int = 30) -> str:
    """The score of one dictionary over the first `steps` steps of a passage, as an SVG document.

    At most `rows` rows, spread evenly over the dwell order; features silent in those steps are
    left out. Errors: KeyError where the passage has no such dictionary.
    """
    panels = {panel.dictionary: panel for panel in passage.panels}
    chosen = _spread(panels[dictionary], min(steps, len(passage.words)), rows)
    count = min(steps, len(passage.words))
    written = written_words(passage.words[:count], passage.gaps[:count])
    pitch = max(_PITCH, len(written) * _APART / max(count, 1))
    width = _EDGE + _GUTTER + count * pitch + _TAIL
    top = _WORDS + _EDGE
    height = top + len(chosen) * _ROW + _EDGE
    body = [*_words(written, count, pitch, top)]
    for index, row in enumerate(chosen):
        body.extend(_row(row, top + index * _ROW, count, pitch))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">'
        f"<title>The score of a passage: {escape(passage.title)}</title>"
        f"<style>{_STYLE}</style>{''.join(body)}</svg>\n"
    )


def runs(steps: list[int]) -> Iterator[tuple[int, int]]:
    """Segments of consecutive steps, as (first, one past the last)."""
    start = previous = None
    for step in steps:
        if start is None or previous is None:
            start = step
        elif step != previous + 1:
            yield start, previous + 1
            start = step
        previous = step
    if start is not None and previous is not None:
        yield start, previous + 1


def written_words(words: Sequence[str], gaps: Sequence[str]) -> list[tuple[str, int, int]]:
    """Words as written, as (text, first step, one past the last).

    The pieces that a tokenizer cut apart are joined; steps without a letter or digit have none.
    """
    written: list[tuple[str, int, int]] = []
    for step, (word, gap) in enumerate(zip(words, gaps, strict=True)):
        if not any(character.isalnum() for character in word):
            continue
        if written and written[-1][2] == step and not gap:
            text, first, _ = written[-1]
            written[-1] = (text + word, first, step + 1)
        else:
            written.append((word, step, step + 1))
    return written


def spread(wanted: Sequence[float], apart: float, limit: float) -> list[float]:
    """Places nearest to the wanted ones (ascending) in least squares, at least `apart` apart.

    Where they fit, all lie in [0, limit]. This is isotonic regression by pooling neighbours.
    """
    blocks: list[tuple[float, int]] = []
    for index, x in enumerate(wanted):
        mean, size = x - index * apart, 1
        while blocks and blocks[-1][0] > mean:
            other_mean, other = blocks.pop()
            mean = (mean * size + other_mean * other) / (size + other)
            size += other
        blocks.append((mean, size))
    last = limit - (len(wanted) - 1) * apart
    bases = [max(0.0, min(mean, last)) for mean, size in blocks for _ in range(size)]
    return [base + index * apart for index, base in enumerate(bases)]


def _spread(panel: ScorePanel, steps: int, rows: int) -> list[ScoreRow]:
    awake = [row for row in panel.rows if row.steps and row.steps[0] < steps]
    if len(awake) <= rows:
        return awake
    return [awake[round(i * (len(awake) - 1) / max(rows - 1, 1))] for i in range(rows)]


def _words(
    written: list[tuple[str, int, int]], count: int, pitch: float, top: float
) -> Iterator[str]:
    left = _EDGE + _GUTTER
    wanted = [(first + end) / 2 * pitch for _, first, end in written]
    placed = spread(wanted, _APART, count * pitch)
    for (word, _, _), column, x in zip(written, wanted, placed, strict=True):
        text = word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…"
        y = top - _LEADER
        yield (
            f'<path class="k" d="M{left + column:.1f} {top - 1:.0f}L{left + x:.1f} {y + 1:.0f}"/>'
            f'<text class="w" transform="translate({left + x + 3:.1f} {y:.0f})rotate(-64)">'
            f"{escape(text)}</text>"
        )


def _row(row: ScoreRow, y: float, count: int, pitch: float) -> Iterator[str]:
    left = _EDGE + _GUTTER
    hue = PART_HUES[row.part]
    words = ", ".join(row.words[:4])
    label = words if len(words) <= 34 else words[:33].rstrip(", ") + "…"
    yield (
        f'<text x="{left - 42:.0f}" y="{y + 10:.1f}" text-anchor="end">{escape(label)}</text>'
        f'<text class="n {hue}" x="{left - 10:.0f}" y="{y + 10:.1f}" text-anchor="end">'
        f"{row.dwell:.1f}</text>"
        f'<path class="l" d="M{left:.0f} {y + _ROW:.1f}h{count * pitch:.1f}"/>'
    )
    cells = [(s, v) for s, v in zip(row.steps, row.strengths, strict=True) if s < count]
    full = _ROW - 2
    ribbons = "".join(
        f"M{left + a * pitch:.1f} {y + 1:.1f}h{(b - a) * pitch:.1f}v{full:.1f}"
        f"h{(a - b) * pitch:.1f}z"
        for a, b in runs([step for step, _ in cells])
    )
    bars = "".join(
        f"M{left + s * pitch:.1f} {y + _ROW - 1:.1f}v-{max(1.5, full * v / 100):.1f}"
        f"h{pitch:.1f}V{y + _ROW - 1:.1f}z"
        for s, v in cells
    )
    yield f'<path class="r {hue}" d="{ribbons}"/><path class="{hue}" d="{bars}"/>'
