"""What the report page shows, as plain records: everything here is JSON, nothing is computed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _whole_characters(value: object) -> object:
    """Half of a surrogate pair cannot be written to a page; a question mark takes its place."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_whole_characters)]
#: The first group of latents or the rest; empty where there are no parts. `DictionaryEntry.parts`
#: says what a dictionary calls them.
Part = Literal["", "first", "rest"]
#: The colour of each part.
PART_HUES: dict[Part, str] = {"": "plain", "first": "high", "rest": "low"}


class FrozenRecord(BaseModel):
    """A frozen record; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DictionaryEntry(FrozenRecord):
    """One of the dictionaries that the page compares."""

    key: Text  # its folder in the run
    title: Text
    note: Text  # one line: width, parts, sparsity
    parts: tuple[Text, Text] | None  # what its first group of features and the rest are called


class ScoreRow(FrozenRecord):
    """One feature over one passage.

    `strengths` pairs with `steps`: percent of the feature's largest activation in the corpus.
    """

    feature: int
    part: Part
    words: list[Text]  # most over-represented first
    dwell: float  # mean length of a run over the corpus, in steps
    density: float  # share of the corpus's steps on which it is active
    steps: list[int]
    strengths: list[int]


class ScorePanel(FrozenRecord):
    """One dictionary's rows over a passage, the longest-lasting feature first."""

    dictionary: Text
    rows: list[ScoreRow]


class ScorePassage(FrozenRecord):
    """A passage and every dictionary's score of it; its text is each gap and its word in turn."""

    title: Text
    source: Text  # where the passage stands
    words: list[Text]  # one a step
    gaps: list[Text]  # the white space before each word
    panels: list[ScorePanel]


class ComparisonCell(FrozenRecord):
    """One figure of one dictionary, and of its parts where it has any."""

    text: Text
    first: Text = ""
    rest: Text = ""
    note: Text = ""  # what helps to judge the value


class ComparisonRow(FrozenRecord):
    """One figure across the dictionaries."""

    name: Text  # the key of its definition
    label: Text
    definition: Text
    cells: list[ComparisonCell]


class Definition(FrozenRecord):
    """What a figure means."""

    name: Text
    label: Text
    definition: Text
    range: Text
    source: Text


class Curve(FrozenRecord):
    """One line of a chart: `x` and `y` pair up."""

    label: Text
    hue: Text  # high, low, plain: the page's colours
    x: list[float]
    y: list[float]


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
    x_names: list[Text] = []
    reach: list[tuple[float, float]] = []
    curves: list[Curve]


class Piece(FrozenRecord):
    """A segment of text under one shade: 0 none, 8 the feature's maximum."""

    text: Text
    shade: int


class ShadedPassage(FrozenRecord):
    """One of a feature's strongest moments with the text around it."""

    source: Text
    strength: Text
    pieces: list[Piece]


class FeatureCard(FrozenRecord):
    """A feature and where it fires most."""

    feature: int
    part: Part
    words: list[Text]
    facts: list[Text]  # "lasts 12.3 tokens", "active on 0.4% of tokens"
    passages: list[ShadedPassage]


class FeatureList(FrozenRecord):
    """The most telling features of one dictionary."""

    dictionary: Text
    cards: list[FeatureCard]


class PageData(FrozenRecord):
    """Everything on the page."""

    title: Text
    lead: Text
    unit: Text  # of a step, in the singular: token, frame, step
    notes: list[Text] = []  # what is left out, and why
    facts: list[tuple[Text, Text]]
    dictionaries: list[DictionaryEntry]
    score: list[ScorePassage]
    comparison: list[ComparisonRow]
    comparison_notes: list[Text] = []  # what the figures were measured on
    charts: list[Chart]
    features: list[FeatureList]
    definitions: list[Definition]
