"""Names of features: a person's, a label's, an explanation, or the words it is active on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from sparsetime.explorer.workbench.schema import NamedBy

if TYPE_CHECKING:
    from sparsetime.explorer.run_contents import ShownDictionary
    from sparsetime.explorer.workbench.labels import Labels
    from sparsetime.explorer.workbench.run_cache import RunCache

_WORDS = 3


class FeatureName(NamedTuple):
    """A feature's name and where it comes from."""

    text: str
    by: NamedBy


def feature_name(opened: RunCache, key: str, feature: int) -> FeatureName:
    """The name of a feature of the dictionary `key`.

    First a person's, from the log of labels. Then that of the first feature table, by the table's
    name, whose name column has a value here. Then an explanation that is right often enough on
    held-out sequences. Then the words that the feature is active on most.
    """
    shown = opened.dictionary(key)
    given = given_name(opened.labels, shown, feature)
    if given.by:
        return given
    words = shown.table.words[feature]
    return FeatureName(", ".join(words[:_WORDS]), "rule" if words else "")


def given_name(labels: Labels, shown: ShownDictionary, feature: int) -> FeatureName:
    """A person's name of a feature, else a label's, else an explanation; empty without any."""
    person = labels.of(shown.entry.key, feature).name
    if person:
        return FeatureName(person, "person")
    label = shown.table_name(feature)
    if label:
        return FeatureName(label, "label")
    explanation = shown.explanation(feature)
    return FeatureName(explanation, "explanation" if explanation else "")


class NameFields(TypedDict):
    """The fields of a `NamedFeature` that are names."""

    label: str
    words: list[str]
    name: str
    named_by: NamedBy


def names_of(opened: RunCache, key: str, feature: int) -> NameFields:
    """All names of a feature of the dictionary `key`, as the records of the pages hold them."""
    name = feature_name(opened, key, feature)
    return {
        "label": opened.labels.of(key, feature).name,
        "words": list(opened.dictionary(key).table.words[feature]),
        "name": name.text,
        "named_by": name.by,
    }
