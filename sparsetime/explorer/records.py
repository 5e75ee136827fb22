"""Records that the explorer and the reports share: frozen, and JSON as they stand."""

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
    """One of the dictionaries that a page compares."""

    key: Text  # its folder in the run
    title: Text
    note: Text  # one line: width, parts, sparsity
    parts: tuple[Text, Text] | None  # what its first group of features and the rest are called


class ComparisonCell(FrozenRecord):
    """One metric of one dictionary, and of its groups of latents where it has any."""

    text: Text
    first: Text = ""
    rest: Text = ""
    note: Text = ""  # what helps to judge the value


class ComparisonRow(FrozenRecord):
    """One metric of all dictionaries."""

    name: Text  # the key of its definition
    label: Text
    definition: Text
    cells: list[ComparisonCell]


class Definition(FrozenRecord):
    """Definition of a metric."""

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
