"""A plausible page without a model: two dictionaries over real prose, one slow, one fast."""

from __future__ import annotations

import re
from collections import Counter
from types import SimpleNamespace

import numpy as np

from sparsetime import seeds
from sparsetime.explorer import records, row_choice
from sparsetime.explorer.excerpts import Excerpt
from sparsetime.explorer.workbench.timeline import feature_of, row_cells
from sparsetime.reports import page_schema, run_page

WIDTH = 600
STEPS = 128


def passage_words(text):
    words, gaps, end = [], [], 0
    for match in re.finditer(r"\w+|[^\w\s]", text):
        gap = text[end : match.start()]
        gaps.append("\n\n" if "\n\n" in gap else " " if gap else "")
        words.append(match[0])
        end = match.end()
    return words[:STEPS], gaps[:STEPS]


def random_code(words, rng, slow_share):
    """Slow features hold for segments, fast ones fire on their own word."""
    import torch

    from sparsetime.codes import SparseCode

    dense = np.zeros((len(words), WIDTH), np.float32)
    for feature in range(WIDTH):
        if rng.random() > 0.25:
            continue
        if feature < WIDTH * slow_share:
            for _ in range(rng.integers(1, 4)):
                start = rng.integers(0, len(words))
                stop = min(len(words), start + int(rng.gamma(2, 9)) + 1)
                swell = np.sin(np.linspace(0.3, 2.9, stop - start)) * rng.uniform(0.3, 1)
                swell = swell * rng.uniform(0.7, 1.1, stop - start)
                dense[start:stop, feature] = np.clip(swell, 0.02, 1)
        else:
            for step in rng.choice(len(words), rng.integers(2, 9), replace=False):
                dense[step, feature] = rng.uniform(0.2, 1)
    return SparseCode.from_dense(torch.from_numpy(dense))


def feature_table(code, words, groups, rng):
    dense = code.dense().numpy() > 0
    dwell = np.ones(WIDTH)
    starts = (dense & ~np.vstack([np.zeros((1, WIDTH), bool), dense[:-1]])).sum(0)
    dwell = dense.sum(0) / np.maximum(starts, 1)
    common_words = []
    for feature in range(WIDTH):
        counts = Counter(w for w, on in zip(words, dense[:, feature], strict=True) if on)
        common_words.append([w.lower() for w, _ in counts.most_common(5) if len(w) > 2])
    return row_choice.FeatureTable(
        dwell=dwell,
        density=rng.uniform(0.0005, 0.05, WIDTH),
        peak=np.full(WIDTH, 1.05),
        words=common_words,
        groups=groups,
    )


def drawn_rows(code, table, rows=36):
    """The rows that a timeline of a code shows, in order."""
    chosen = row_choice.choose_rows(code, table, rows)
    return [
        SimpleNamespace(
            **feature_of(table, int(number)).model_dump(),
            steps=columns.tolist(),
            strengths=percents.tolist(),
        )
        for number, (columns, percents) in zip(chosen, row_cells(code, chosen, table), strict=True)
    ]


def embedded_rows(page, passage, key):
    """The same out of the record of a page, its values in whole percent of their peaks."""
    from sparsetime.codes import SparseCode

    known = {each.entry.key: each.features for each in page.timeline.dictionaries}[key]
    held = next(c for c in page.timeline.passages[passage].codes if c.dictionary == key)
    dense = np.zeros((len(held.offsets) - 1, WIDTH), np.float32)
    steps = np.repeat(np.arange(len(dense)), np.diff(held.offsets))
    dense[steps, held.features] = np.array(held.percents) * 1.05
    parts = [each.part for each in known]
    groups = (parts.index("rest"), WIDTH) if "rest" in parts else (WIDTH,)
    table = row_choice.FeatureTable(
        dwell=np.array([each.dwell for each in known]),
        density=np.array([each.density for each in known]),
        peak=np.full(WIDTH, 105.0),
        words=[each.words for each in known],
        groups=groups,
    )
    import torch

    return drawn_rows(SparseCode.from_dense(torch.from_numpy(dense)), table)


def fake_page(titles=("assert", "with", "try", "lambda"), change=lambda text: text):
    from pydoc_data.topics import topics

    rng = seeds.numpy_generator(0, "planted codes")
    entries = [
        records.DictionaryEntry(
            key="temporal",
            title="Temporal SAE",
            note="3,072 features, 614 high and 2,458 low",
            parts=("high", "low"),
        ),
        records.DictionaryEntry(
            key="batchtopk",
            title="BatchTopK",
            note="3,072 features",
            parts=None,
        ),
    ]
    passages, cards, features = [], {}, {"temporal": {}, "batchtopk": {}}
    for title in titles:
        text = topics[title].split("\n", 3)[3]
        words, gaps = passage_words(change(text))
        excerpt = Excerpt(0, f"topics/{title}", change(title), 0, len(words), words, gaps)
        codes = []
        for key, slow, groups in (("temporal", 0.3, (120, WIDTH)), ("batchtopk", 0.12, (WIDTH,))):
            code = random_code(words, rng, slow)
            # One table a dictionary, as its index has it: of the first passage.
            table = features[key].setdefault("table", feature_table(code, words, groups, rng))
            codes.append((key, code, table))
            cards.setdefault(key, []).extend(
                card(row, words, gaps, title) for row in drawn_rows(code, table)[::5]
            )
        passages.append(run_page.passage(excerpt, codes))
    dictionaries = [
        page_schema.EmbeddedDictionary(
            entry=entry,
            features=[feature_of(features[entry.key]["table"], number) for number in range(WIDTH)],
        )
        for entry in entries
    ]
    return page_schema.PageData(
        title="What all-MiniLM-L6-v2 follows while it reads",
        lead="Two dictionaries of its third layer, over the same half a million tokens.",
        unit="token",
        facts=[
            ("model", "all-MiniLM-L6-v2 (22.7M parameters)"),
            ("site", "encoder.layer.3"),
            ("corpus", "512,344 tokens in 247 documents"),
            ("trained on", "4,000,000 rows, seed 0"),
        ],
        dictionaries=entries,
        timeline=page_schema.EmbeddedTimeline(
            unit="token", dictionaries=dictionaries, passages=passages
        ),
        comparison=comparison(change),
        charts=charts(rng),
        features=[page_schema.FeatureList(dictionary=k, cards=v) for k, v in cards.items()],
        definitions=[
            records.Definition(
                name=row.name,
                label=row.label,
                definition=row.definition,
                range="0 to 1, lower is better",
                source="Bhalla et al. 2025, section 4",
            )
            for row in comparison(change)
        ],
    )


def card(row, words, gaps, title):
    shade = dict(zip(row.steps, row.strengths, strict=True))
    passages = []
    for at in row.steps[:: max(1, len(row.steps) // 3)][:3]:
        begin = max(0, at - 14)
        pieces = [
            page_schema.Piece(text=gaps[i] + words[i], shade=-(-shade.get(i, 0) * 8 // 100))
            for i in range(begin, min(len(words), at + 14))
        ]
        passages.append(
            page_schema.ShadedPassage(source=f"topics/{title}", activation="4.21", pieces=pieces)
        )
    return page_schema.FeatureCard(
        name="",
        feature=row.feature,
        part=row.part,
        words=row.words,
        facts=[f"lasts {row.dwell:.1f} tokens", f"active on {row.density:.2%} of tokens"],
        passages=passages,
    )


def comparison(change):
    rows = [
        ("fvu", "Unexplained variance", "Share of the variance that is lost.", "0.131", "0.128"),
        ("l0", "Active features", "Features active at a step, on average.", "32.0", "32.0"),
        ("dwell", "Dwell", "Mean length of a run of active steps.", "6.2", "1.9"),
        ("smoothness", "Smoothness", "Largest change of a feature between steps.", "0.11", "0.18"),
        (
            "document",
            "Document probe",
            "Accuracy of a linear probe for the document.",
            "91%",
            "84%",
        ),
        ("kind", "Token kind probe", "Accuracy of a linear probe for the kind.", "95%", "96%"),
    ]
    return [
        records.ComparisonRow(
            name=name,
            label=label,
            definition=change(definition),
            cells=[
                records.ComparisonCell(text=a, first="0.21", rest="0.45"),
                records.ComparisonCell(text=b),
            ],
        )
        for name, label, definition, a, b in rows
    ]


def charts(rng):
    x = [1e4 * i for i in range(1, 101)]
    edges = [float(e) for e in np.geomspace(1e-5, 0.3, 31)]
    dwell = [float(e) for e in np.geomspace(1, 60, 25)]
    bell = [float(v) for v in 220 * np.exp(-((np.linspace(-2, 2, 30)) ** 2))]

    def curves(slow, fast, grid):
        return [
            records.Curve(label="Temporal SAE", hue="high", x=grid, y=slow),
            records.Curve(label="BatchTopK", hue="plain", x=grid, y=fast),
        ]

    return [
        page_schema.Chart(
            title="Loss",
            caption="Share of variance left unexplained while training.",
            x_label="rows seen",
            y_label="unexplained variance",
            curves=curves(
                [0.13 + 0.8 / (1 + i / 4) + rng.normal(0, 0.004) for i in range(100)],
                [0.12 + 0.8 / (1 + i / 3) + rng.normal(0, 0.004) for i in range(100)],
                x,
            ),
        ),
        page_schema.Chart(
            title="How often features fire",
            caption="Number of features by the share of tokens on which they are active.",
            x_label="share of tokens",
            y_label="features",
            x_log=True,
            steps=True,
            curves=curves(bell, bell[::-1], edges),
        ),
        page_schema.Chart(
            title="How long features last",
            caption="Number of features by their mean dwell.",
            x_label="mean dwell, tokens",
            y_label="features",
            x_log=True,
            steps=True,
            curves=curves(
                [300 / (1 + i / 6) for i in range(24)], [700 / (1 + i) for i in range(24)], dwell
            ),
        ),
    ]
