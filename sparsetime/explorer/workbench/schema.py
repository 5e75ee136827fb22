"""What the workbench answers: frozen records that are JSON as they stand."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

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

#: Where a feature's name comes from; "" where it has none.
NamedBy: TypeAlias = Literal["person", "label", "explanation", "rule", ""]


class Histogram(FrozenRecord):
    """Counts of features by one metric: `edges` is one longer than each of the counts."""

    edges: list[float]
    counts: list[int]
    first: list[int] | None = None  # the first part alone, where there are parts


class DictionaryView(FrozenRecord):
    """A dictionary as the overview shows it."""

    entry: DictionaryEntry
    width: int
    dead: int  # features that never fire on the indexed steps
    active: float  # features that fire in a step, mean over the indexed steps
    indexed: Text  # which steps those are: 4,000 tokens of 12 documents
    figures: dict[str, float]  # fvu, l0, dwell, … where they were measured
    measured_on: Text  # the data of `figures`; empty where there are none
    density: Histogram  # share of steps
    dwell: Histogram  # mean run length in steps
    aligned_with: list[Text]  # dictionaries over the same steps, which can be stacked
    opens_at: tuple[int, int, int]  # a segment worth reading first: sequence, first step, stop


class Overview(FrozenRecord):
    """The first page of a run."""

    run: Text
    title: Text
    lead: Text
    unit: Text
    step: float | None = None  # how long a step lasts, in `time_unit`
    time_unit: Text = ""  # a plural; empty where the name of a step says how long it is
    sequence_name: Text = "document"  # what a sequence is called: document, recording, sequence
    notes: list[Text]  # what is left out, and why
    facts: list[tuple[Text, Text]]
    dictionaries: list[DictionaryView]
    comparison: list[ComparisonRow]
    comparison_notes: tuple[Text, ...] = ()  # which data the comparison was measured on
    definitions: list[Definition]
    config: Text  # the run's settings as they were written; empty where there are none
    renderers: tuple[Text, ...] = ()  # addresses of the modules that draw other kinds of input


class TrainingCurve(Curve):
    """One dictionary's learning so far; `x` in rows seen."""

    figure: Text  # fvu or loss
    finished: bool


class NamedFeature(FrozenRecord):
    """A feature with its names.

    label: a person's name. words: those it is active on most. name: the best name there is, a
    person's before a label's before an explanation before its words, as `named_by` says.
    """

    feature: int
    part: Part
    label: Text
    words: list[Text]
    name: Text = ""
    named_by: NamedBy = ""


class FeatureLine(NamedFeature):
    """A feature in a list. columns: its values in the feature tables that were added."""

    starred: bool
    density: float
    dwell: float  # mean run in steps
    dwell_time: float | None = None  # the same in the run's `time_unit`, where a step has a length
    half_life: float | None  # in steps
    half_life_time: float | None = None
    peak: float
    documents: int
    columns: dict[str, Any]
    split: tuple[float, ...] = ()  # densities with each of the page's `split_values`


class FeaturePage(FrozenRecord):
    """Some of the features that fit the filter."""

    total: int
    split_values: tuple[Text, ...] = ()
    lines: list[FeatureLine]


class TimelineRow(NamedFeature):
    """One feature over a segment of one sequence.

    `columns` and `strengths` pair up: the column, and percent of the feature's largest activation.
    """

    dwell: float
    density: float
    energy: float  # share of the energy of the segment's code
    place: int  # in the order of co-activation: rows that fire together stand together
    group: int  # rows of one number fire together; counted in the order of `place`
    columns: list[int]
    strengths: list[int]


class TimelineFeature(FrozenRecord):
    """Statistics of a feature that a page needs to choose and draw its row by itself."""

    feature: int
    part: Part
    label: Text
    words: list[Text]
    dwell: float
    density: float
    peak: float


class Timeline(FrozenRecord):
    """The timeline of a segment: steps `first` to `stop` of `length`, `stride` of them a column."""

    dictionary: Text
    sequence: int
    first: int
    stop: int
    length: int
    stride: int
    active_features: int  # features that fire in the segment at all
    rows: list[TimelineRow]
    boundaries: list[int]  # steps before which the active features change most
    boundaries_known: bool = True  # false while those of a long sequence are computed: ask again


class DocumentLine(FrozenRecord):
    """A sequence in a list."""

    sequence: int
    id: Text
    title: Text
    length: int


class DocumentPage(FrozenRecord):
    """Some of the sequences that fit the query."""

    total: int
    lines: list[DocumentLine]


class DocumentText(FrozenRecord):
    """Steps `first` to `stop` of a sequence: one word a step, and the white space before each."""

    sequence: int
    id: Text
    title: Text
    length: int
    first: int
    words: list[Text]
    gaps: list[Text]
    is_text: bool  # otherwise the words are times
    start: float = 0.0  # the time of step 0, in `time_unit`
    step: float = 1.0  # the time from a step to the next
    time_unit: Text = ""  # a plural; empty where the time of a step is its number


class EnrichedFeature(NamedFeature):
    """A feature that is active more in a segment than in the corpus."""

    nats: float  # surprise above its density in the corpus
    share: float  # of the steps of the segment
    density: float  # share of all steps


class Moment(FrozenRecord):
    """An activating example: words, with `strengths` in percent of the feature's peak."""

    sequence: int
    position: int
    source: Text
    value: float
    time: Text  # of the moment, with its unit: 0.532 seconds, or step 53
    first: int
    here: int  # which of the words is the moment
    words: list[Text]
    gaps: list[Text]
    strengths: list[int]
    is_text: bool  # otherwise the words are times
    input: InputView | None = None  # what the model read there, where that was no text and is kept


class MomentBand(FrozenRecord):
    """Examples of one part of the ranking by activation, such as the top or the third fifth."""

    title: Text
    moments: list[Moment]


class Stage(FrozenRecord):
    """What a feature was at one moment of the training."""

    step: int  # of the training
    rows: int  # seen by then
    cosine: float | None  # of its atom with what it became; None while it has no length
    overlap: float | None  # of where it fires with where it does at the end; None if nowhere
    density: float
    dwell: float | None  # None where it does not fire
    words: list[Text]


class History(FrozenRecord):
    """A feature over the training, its end the last: what kept dictionaries say of it."""

    looked_at: int  # steps of the store on which all of it was measured
    stages: list[Stage]


class FeatureView(FrozenRecord):
    """Everything about one feature but its co-activation."""

    dictionary: Text
    line: FeatureLine
    count: int
    runs: int
    mean: float
    flicker: float
    half_life_censored: bool
    between_share: float | None  # None in indexes whose half-lives are pooled over sequences
    position_density: list[float]  # density in each tenth of a sequence
    run_lengths: Histogram
    strengths: Histogram
    bands: list[MomentBand]
    earlier: int | None  # the living features before and after this one
    later: int | None
    history: History | None  # None where the training kept no dictionaries on the way


class CoactiveFeature(NamedFeature):
    """A feature that is active near another one, or whose atom is near."""

    dictionary: Text
    share: float  # how often, or for atoms the cosine
    chance: float  # how often by chance; 0 for atoms


class CoactivationView(FrozenRecord):
    """What fires with a feature, leads to it, follows it, and whose atoms point the same way."""

    documents: int  # how many were read for the first three
    most: int  # the most features in a list
    lag: int  # steps before and after a run of the feature that count for `before` and `after`
    lag_time: float | None = None  # the same in the run's `time_unit`
    together: list[CoactiveFeature]
    before: list[CoactiveFeature]
    after: list[CoactiveFeature]
    nearest: list[CoactiveFeature]
    elsewhere: list[CoactiveFeature]


class Label(FrozenRecord):
    """What a user calls a feature."""

    dictionary: Text
    feature: int
    name: Text = ""
    starred: bool = False
    weights: Text = (
        ""  # the hash of the dictionary that it was given for; filled in when it is kept
    )
    stale: bool = False  # given for other weights or settings than the dictionary has now
