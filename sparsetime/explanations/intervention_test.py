"""Intervention test of explanations: whether a steered feature writes what its rule says."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.activations.capture.capture import capture
from sparsetime.errors import ConfigError
from sparsetime.explanations.conditions.step_conditions import StepConditions, step_conditions
from sparsetime.explanations.rules.rule import Rule
from sparsetime.interventions.spans import generated
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.steering.prompts import Prompt, text_of, tokens_of
from sparsetime.steering.steer import steer
from sparsetime.steering.steered_sites import steered_sites

if TYPE_CHECKING:
    import pyarrow as pa

    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex


@final
@dataclass(frozen=True, eq=False)
class InterventionScores:
    """How often rules hold on text that steered models write.

    features: that were steered, in order. holds: the share of generated steps on which the rule of
    feature j (column) holds while feature i (row) is steered. untested: features whose rule names a
    condition that generated text does not have, such as a label.
    """

    features: Int[np.ndarray, " features"]
    holds: Float[np.ndarray, "steered rules"]
    untested: tuple[int, ...]

    @property
    def own(self) -> Float[np.ndarray, " features"]:
        """The share of each rule while its own feature is steered."""
        return np.diagonal(self.holds).copy()

    @property
    def exchanged(self) -> Float[np.ndarray, " features"]:
        """The mean share of each rule while another feature is steered."""
        count = len(self.features)
        others = self.holds.sum(0) - self.own
        return np.asarray(others / max(count - 1, 1))

    @property
    def rank(self) -> Float[np.ndarray, " features"]:
        """For each rule the share of other features under which it holds less; 0.5 by chance."""
        below = (self.holds < self.own).sum(0) + ((self.holds == self.own).sum(0) - 1) / 2
        return np.asarray(below / max(len(self.features) - 1, 1))

    def table(self) -> pa.Table:
        """One row a feature: own, exchanged, rank."""
        import pyarrow as pa

        return pa.table(
            {
                "feature": self.features,
                "own": self.own,
                "exchanged": self.exchanged,
                "rank": self.rank,
            }
        )


def intervention_test(
    model: Any,
    dictionary: Dictionary,
    rules: Mapping[int, Rule],
    prompts: Prompt,
    strength: float,
    *,
    steps: int = 40,
    units: str | None = None,
    index: FeatureIndex | None = None,
    tokenizer: Any = None,
    seed: int = 0,
) -> InterventionScores:
    """Steer each feature, and execute all rules on what the model writes.

        own_i = mean over generated steps of [rule_i holds], feature i added to every one of them
        exchanged_i = the same while another feature is steered, mean over the others

    The other features are the null: they have the same dose, and the same model writes. A rule says
    when a feature is active, which need not be what it causes, so that a feature may fail the test
    and be explained all the same.

    rules: by feature, two or more, of what text alone decides. prompts: a text, or tokens [batch,
    time]. strength, units, index: as in `st.steer`, for every feature alike. steps: tokens of each
    continuation.

    Source: Paulo et al. 2024, Automatically Interpreting Millions of Features in Large Language
    Models, arXiv:2410.13928, for intervention scores; executed rules are in the judge's place.

    Errors: ConfigError for fewer than two rules, or where fewer than two can be executed on text;
    those of `st.steer`.
    """
    if len(rules) < 2 or steps < 1:
        raise ConfigError(
            f"got {len(rules)} rules and steps={steps}, expected at least 2 rules, each of "
            "which is compared with the others, and 1 step"
        )
    loaded = load_model(model, tokenizer)
    (site,) = steered_sites(loaded, dictionary)
    tokens = tokens_of(prompts, loaded)
    shown = [str(text_of(row, loaded.tokenizer)) for row in tokens]
    features = sorted(rules)
    # Which conditions text has is known from the prompts, before anything is generated.
    on_text, _ = _conditions(loaded, shown, [0] * len(shown), site)
    untested = [one for one in features if not _can_execute(rules[one], on_text)]
    kept = [one for one in features if one not in untested]
    if len(kept) < 2:
        raise ConfigError(
            f"got rules of which {len(untested)} of {len(features)} name labels, expected at least "
            "two of the text alone; explain with labels=[]"
        )
    written = []
    for feature in kept:
        steered = steer(
            loaded, dictionary, {feature: strength}, span=generated(), units=units, index=index,
            seed=seed,
        )  # fmt: skip
        made = steered.generate(tokens, steps, temperature=1.0, seed=seed)
        written.append([str(text_of(row, loaded.tokenizer)) for row in made.tokens])
    texts = [text for group in written for text in group]
    begins = [len(text) for _ in written for text in shown]
    conditions, is_new = _conditions(loaded, texts, begins, site)
    group = np.repeat(np.arange(len(texts)) // len(shown), np.diff(conditions.begins))
    holds = np.stack([rules[one].holds(conditions) for one in kept], axis=1)
    shares = [holds[(group == number) & is_new].mean(0) for number in range(len(kept))]
    return InterventionScores(np.array(kept), np.stack(shares), tuple(untested))


def _conditions(
    loaded: LoadedModel, texts: list[str], begins: list[int], site: str
) -> tuple[StepConditions, Bool[np.ndarray, " rows"]]:
    """The conditions of all steps of texts, and which steps lie behind the prompt."""
    with tempfile.TemporaryDirectory(prefix="sparsetime-intervention-") as folder:
        store = capture(loaded, texts, site, f"{folder}/store", progress=False)
        conditions = step_conditions(store, labels=[])
        ends = np.concatenate(
            [
                store.sequence(place).steps["char_end"].to_numpy() > begin
                for place, begin in enumerate(begins)
            ]
        )
    return conditions, ends


def _can_execute(rule: Rule, conditions: StepConditions) -> bool:
    return all(
        conditions.condition(predicate.on) is not None
        for clause in rule.clauses
        for predicate in clause
    )
