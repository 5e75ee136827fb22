"""Explanations by a language model: examples of one half, tests on passages of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.explanations.conditions.step_conditions import StepConditions
from sparsetime.explanations.conditions.text_conditions import token_conditions
from sparsetime.explanations.language_models import explanation_tests as tests
from sparsetime.explanations.language_models.parsing import parsed_explanation
from sparsetime.explanations.language_models.passages import PassageReader
from sparsetime.explanations.language_models.prompts import explanation_prompt
from sparsetime.explanations.language_models.reader import BudgetedReader, BudgetSpentError
from sparsetime.explanations.moments import Moments
from sparsetime.explanations.nearest_features import nearest_features
from sparsetime.features.feature_entries import feature_entries
from sparsetime.features.labels.halves import halves
from sparsetime.features.labels.stored_label import sequence_labels
from sparsetime.features.provenance import measured_on
from sparsetime.progress import progress as running

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex

SHOWN, TESTED = 12, 9  # passages that explain, and of each class that test
ASKED = ("detection", "fuzzing", "intruder", "simulation")


@final
@dataclass(frozen=True)
class ModelTests:
    """Which tests are made. asked: of `ASKED`. embed, surprisal: models for two more."""

    asked: Sequence[str] = ASKED
    embed: tests.Embed | None = None
    surprisal: tests.Surprisal | None = None

    def __post_init__(self) -> None:
        for name in self.asked:
            if name not in ASKED:
                raise ConfigError(f"got the test {name!r}, expected one of {', '.join(ASKED)}")


@final
class _Features:
    """Passages of features: those that explain and those that test."""

    def __init__(self, index: FeatureIndex, view: Store, seed: int) -> None:
        self.passages = PassageReader(view)
        lengths, labels = view.segments.numpy_lengths, sequence_labels(view)
        halved = halves(lengths, labels, seed, "explanations")
        self.text = halved.text
        self._entries = feature_entries(index)
        steps = StepConditions(tuple(token_conditions(view)), view.segments.numpy_offsets)
        near = nearest_features(index, self._entries)
        made = (halved.choosing, halved.scoring)
        self._choosing, self._scoring = (
            Moments(self._entries, steps, rows, near, 60, seed) for rows in made
        )
        self._seed = seed

    def explaining(self, feature: int) -> str | None:
        """The prompt that asks for an explanation; None where no passage is active."""
        activation = self._activation(feature)
        shown = self.passages.active(self._choosing, feature, activation, SHOWN)
        return explanation_prompt(shown) if shown else None

    def material(self, feature: int) -> tests.Material:
        """The held-out passages of a feature."""
        activation = self._activation(feature)
        rng = seeds.numpy_generator(self._seed, "passages of an explanation", feature)
        return tests.Material(
            self.passages.active(self._scoring, feature, activation, TESTED),
            self.passages.silent(self._scoring, feature, activation, TESTED),
            rng,
        )

    def _activation(self, feature: int) -> Float[np.ndarray, " rows"]:
        entries = self._entries
        own = slice(int(entries.offsets[feature]), int(entries.offsets[feature + 1]))
        activation = np.zeros(entries.rows)
        activation[entries.row[own]] = entries.value[own] / entries.value[own].max(initial=1e-12)
        return activation


def explaining_prompts(
    index: FeatureIndex, view: Store, features: Int[np.ndarray, " some"], seed: int
) -> list[str]:
    """The prompts that ask for explanations, without asking anything: the dry run."""
    made = _Features(index, view, seed)
    asked = (made.explaining(feature) for feature in features.tolist())
    return [prompt for prompt in asked if prompt is not None]


def explain_by_model(
    index: FeatureIndex,
    view: Store,
    features: Int[np.ndarray, " some"],
    reader: BudgetedReader,
    chosen: ModelTests,
    seed: int,
    progress: bool,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows for `write_explanations`, and counts of calls. A spent budget ends the work early."""
    made = _Features(index, view, seed)
    texts: dict[int, str] = {}
    rows: list[dict[str, Any]] = []
    unanswered, spent = 0, False
    with running("explain", 2.0 * len(features), "features", progress) as bar:
        try:
            for feature in features.tolist():
                prompt = made.explaining(feature)
                text = None if prompt is None else parsed_explanation(reader(prompt))
                unanswered += prompt is not None and text is None
                if text is not None:
                    texts[feature] = text
                bar.advance()
            numbers = list(texts)
            for place, feature in enumerate(numbers):
                other = texts[numbers[(place + 1) % len(numbers)]] if len(numbers) > 1 else None
                scores, missing = _scores(
                    texts[feature], other, made.material(feature), reader, chosen
                )
                unanswered += missing
                rows.append(
                    {"feature": feature, "part": "active", "text": texts[feature],
                     "unanswered": missing, **scores}
                )  # fmt: skip
                bar.advance()
        except BudgetSpentError:
            spent = True
    done = {row["feature"] for row in rows}
    rows += [
        {"feature": feature, "part": "active", "text": text}
        for feature, text in texts.items()
        if feature not in done
    ]
    about = {
        "halves": made.text,
        "measured_on": measured_on(index, view),
        "seed": seed,
        "calls": reader.calls,
        "cached": reader.cached,
        "unanswered": unanswered,
        "budget_spent": spent,
    }
    return rows, about


def _scores(
    text: str,
    other: str | None,
    material: tests.Material,
    ask: Callable[[str], str],
    chosen: ModelTests,
) -> tuple[dict[str, float], int]:
    """The scores of an explanation by name, and how many answers were none."""
    found: dict[str, float] = {}
    missing = 0
    if not material.active or not material.silent:
        return found, missing
    asked: dict[str, Callable[[], float | dict[str, float] | None]] = {
        "detection": lambda: tests.detection(text, material, ask),
        "fuzzing": lambda: tests.fuzzing(text, material, ask),
        "intruder": lambda: tests.intruder(material, ask),
        "simulation": lambda: tests.simulation(text, material, ask),
    }
    for name in chosen.asked:
        score = asked[name]()
        missing += score is None
        if isinstance(score, dict):
            found |= score
        elif score is not None:
            found["accuracy" if name == "detection" else name] = score
    if "detection" in chosen.asked and other is not None:
        swapped = tests.detection(other, material, ask)
        missing += swapped is None
        if swapped is not None:
            found["swapped"] = swapped
    if chosen.embed is not None:
        found["embedding"] = tests.embedding(text, material, chosen.embed)
    if chosen.surprisal is not None:
        found["surprisal"] = tests.surprisal(text, material, chosen.surprisal)
    return found, missing
