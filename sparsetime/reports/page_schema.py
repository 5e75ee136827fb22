"""Records of the report's pages: charts, feature cards, and the embedded timeline."""

from __future__ import annotations

from pydantic import Field

from sparsetime.explorer.records import (
    ComparisonRow,
    Curve,
    Definition,
    DictionaryEntry,
    FrozenRecord,
    Part,
    Text,
)
from sparsetime.explorer.workbench.input_records import InputView
from sparsetime.explorer.workbench.schema import TimelineFeature


class Chart(FrozenRecord):
    """A small chart: lines, or outlines of histograms, over a linear or logarithmic axis.

    x_names: where x counts things, their names, from 1 on. reach: points that the axes reach to
    besides those of the curves, so that charts side by side can have the same ones.
    """

    title: Text
    caption: Text
    x_label: Text
    y_label: Text
    x_log: bool = False
    y_log: bool = False
    steps: bool = False  # histogram outlines: `x` are bin edges, one more than `y`
    dots: bool = False  # every point of a curve is marked
    x_names: list[Text] = Field(default=[])
    reach: list[tuple[float, float]] = Field(default=[])
    curves: list[Curve]


class Piece(FrozenRecord):
    """A segment of text under one shade: 0 none, 8 the feature's maximum.

    here: whether it holds the step of the moment.
    """

    text: Text
    shade: int
    here: bool = False


class ShadedPassage(FrozenRecord):
    """One of a feature's top activations with the text around it."""

    source: Text
    activation: Text
    pieces: list[Piece]
    is_text: bool = True  # otherwise each piece is the bar of a step
    picture: Text = ""  # what the model read there, as HTML; empty where that is text or not kept


class FeatureCard(FrozenRecord):
    """A feature and where it fires most."""

    feature: int
    part: Part
    name: Text  # of a feature table, such as a label that it detects; empty without any
    words: list[Text]
    facts: list[Text]  # "lasts 12.3 tokens", "active on 0.4% of tokens"
    passages: list[ShadedPassage]


class FeatureList(FrozenRecord):
    """The most telling features of one dictionary."""

    dictionary: Text
    cards: list[FeatureCard]
    of: int = 0  # features that fire at all


class PassageCode(FrozenRecord):
    """A dictionary's code of a passage; see `explorer.page_code` for its arrays."""

    dictionary: Text
    offsets: list[int]
    features: list[int]
    percents: list[int]
    boundaries: list[int]  # steps of the passage before which the active features change most


class Passage(FrozenRecord):
    """A passage and the codes of it; its text is each gap and its word in turn."""

    title: Text
    source: Text  # where the passage stands
    first: int  # the step of the sequence that it begins at
    words: list[Text]  # one a step
    gaps: list[Text]  # the white space before each word
    is_text: bool  # otherwise the words are times
    start: float = 0.0  # the time of step 0 of the sequence, in `time_unit`
    step: float = 1.0  # the time from a step to the next
    time_unit: Text = ""  # a plural; empty where the time of a step is its number
    input: InputView | None = None  # what the model read; None where that is text or not kept
    codes: list[PassageCode]


class EmbeddedDictionary(FrozenRecord):
    """A dictionary and the features that fire in the passages."""

    entry: DictionaryEntry
    features: list[TimelineFeature]


class EmbeddedTimeline(FrozenRecord):
    """All that the explorer's timeline draws in a report, without a server."""

    unit: Text
    step: float | None = None  # how long a step lasts, in `time_unit`
    time_unit: Text = ""  # a plural; empty where the name of a step says how long it is
    sequence_name: Text = "document"  # document, recording or sequence
    dictionaries: list[EmbeddedDictionary]
    passages: list[Passage]


class PageData(FrozenRecord):
    """Everything on the page."""

    title: Text
    lead: Text
    unit: Text  # of a step, in the singular: token, frame, step
    sequence_name: Text = "document"  # what a sequence is called: document, recording, sequence
    notes: list[Text] = Field(default=[])  # what is left out, and why
    facts: list[tuple[Text, Text]]
    dictionaries: list[DictionaryEntry]
    timeline: EmbeddedTimeline
    comparison: list[ComparisonRow]
    comparison_notes: list[Text] = Field(default=[])  # documents of the evaluation
    charts: list[Chart]
    features: list[FeatureList]
    definitions: list[Definition]
