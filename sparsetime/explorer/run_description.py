"""Titles, names and facts of a run's stores and dictionaries, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.explorer.records import DictionaryEntry

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.explorer.run_contents import ShownDictionary
    from sparsetime.explorer.step_units import DataWords
    from sparsetime.features.index import FeatureIndex


def dictionary_entry(key: str, index: FeatureIndex) -> DictionaryEntry:
    """How the page names a dictionary and describes it in one line."""
    from sparsetime.registry import recipes

    recipe = str(index.record["dictionary"])
    titles = {card.name: card.title for card in recipes()}
    parts, share = index.group_names, ""
    if parts is not None:
        end = index.groups[0]
        share = f", {end:,} {parts[0]} and {index.width - end:,} {parts[1]}"
    return DictionaryEntry(
        key=key,
        title=titles.get(recipe, recipe),
        note=f"{index.width:,} features{share}",
        parts=parts,
    )


def unique_titles(shown: list[ShownDictionary]) -> list[ShownDictionary]:
    """Dictionaries of one recipe get their folder's name after the title."""
    count = Counter(dictionary.entry.title for dictionary in shown)
    return [
        dictionary
        if count[dictionary.entry.title] == 1
        else replace(
            dictionary,
            entry=dictionary.entry.model_copy(
                update={"title": f"{dictionary.entry.title}, {dictionary.entry.key}"}
            ),
        )
        for dictionary in shown
    ]


def distinct_stores(stores: Sequence[Store]) -> list[Store]:
    """Each store once, in order."""
    return list({store.path: store for store in stores}.values())


def aligned(left: Store, right: Store) -> bool:
    """Whether step by step both stores tell of the same."""
    names = ["id", "length", "start", "step"]
    if left.path == right.path and left.whole_sequences and right.whole_sequences:
        return True
    return bool(
        left.unit == right.unit
        and left.sequences.select(names).equals(right.sequences.select(names))
    )


def title_of(stores: list[Store]) -> str:
    """The page's title: whose features these are."""
    reading = any(any(store.sequences["text"].to_pylist()) for store in stores)
    models = " and ".join(dict.fromkeys(_model(store) for store in stores))
    follows = "follow" if " and " in models else "follows"
    return f"What {models} {follows} {'while it reads' if reading else 'over time'}"


def _model(store: Store) -> str:
    """A name to read: of a path its last part that says something."""
    parts = [part for part in Path(store.model_name).parts if part not in ("model", "/")]
    return parts[-1] if parts else store.model_name


def _sites(stores: list[Store]) -> str:
    return ", ".join(dict.fromkeys(store.site for store in stores))


def lead_of(stores: list[Store], dictionaries: int, words: DataWords) -> str:
    """One sentence on what was looked at."""
    many = {1: "A dictionary", 2: "Two dictionaries", 3: "Three dictionaries"}
    begin = many.get(dictionaries, f"{dictionaries} dictionaries")
    over = (
        f"over the same {words.lasting(len(stores[0]))}"
        if all(aligned(stores[0], store) for store in stores)
        else f"over {' and '.join(words.lasting(len(store)) for store in stores)}"
    )
    return f"{begin} of what the model computes at {_sites(stores)}, {over}."


def facts_of(stores: list[Store], words: DataWords) -> list[tuple[str, str]]:
    """Model, site, corpus and weights of every store."""
    facts = []
    for store in stores:
        facts += [
            ("model", _model(store)),
            ("site", store.site),
            (
                "corpus" if words.has_text else "data",
                f"{words.lasting(len(store))} in {words.sequences(store.sequences.num_rows)}",
            ),
            ("weights", store.model_hash[:16]),
        ]
    return list(dict.fromkeys(facts))
