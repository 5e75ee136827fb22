"""st.explain: explanations of features, scored on held-out sequences, beside the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from sparsetime.errors import ConfigError, DataError
from sparsetime.explanations.explain_by_rules import explain_by_rules
from sparsetime.explanations.explanation_tables import write_contexts, write_explanations
from sparsetime.explanations.language_models.explain_by_model import (
    ModelTests,
    explain_by_model,
    explaining_prompts,
)
from sparsetime.explanations.language_models.reader import BudgetedReader
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.indexed_view import indexed_view
from sparsetime.files import Folder

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.detail_table import DetailTable
    from sparsetime.features.index import FeatureIndex

FEWEST_ACTIVE = 20  # steps, below which a feature is not explained
RULES = "rules"


def explain(
    index: FeatureIndex,
    store: Store,
    features: Sequence[int] | None = None,
    *,
    by: Callable[[str], str] | str = RULES,
    labels: Sequence[str] | None = None,
    moments: int = 400,
    budget: int | None = None,
    tests: ModelTests | None = None,
    seed: int = 0,
    progress: bool = True,
) -> DetailTable:
    """Explain features by rules that can be executed, or by a language model.

    A rule is a disjunction of conjunctions of at most 4 predicates over what is known of a step:
    its token and the shape of its word, both also 1 and 2 steps before, every label, the kinds
    before, the place in the sequence, values of a kept series, and the steps since frequent tokens.
    Each feature gets a rule for its active steps, and separate ones for onset, stay and end.

        accuracy = (TP / P + TN / N) / 2     (balanced, of at most `moments` active steps)

    Silent steps are one third each random, with the token of an active step, and active for one of
    the 4 nearest features. Rules are chosen on half of the recordings; every score is of the other
    half, beside that of the rules of 4 other features on the same steps (`swapped`). The onset and
    stay rules together predict a course, scored by F1 of onsets within 2 steps and by rank
    correlation of run lengths.

    by: "rules", or a function from a prompt to an answer: `st.explanations.Endpoint` for any
    OpenAI-compatible URL, `st.explanations.LocalModel`, or your own. It is shown passages of one
    half, and its texts are tested on passages of the other half; `accuracy` is then of detection.
    Answers are parsed strictly; one that is no answer counts in no score and is reported
    (`unanswered`). They are kept beside the index by the hash of the prompt. budget: most calls;
    what is explained when it is spent is written. tests: which are made, see
    `st.explanations.ModelTests`. `st.explanations.prompts` returns prompts without asking.

    store: the indexed one. features: numbers; None: all that are active on 20 steps. labels: names
    of labels that rules may read; None: all.

    The detail table "explanations" beside the index, which is returned, has a row for each feature
    and part; the feature table of the same name holds the best of each feature, which becomes its
    name where it is right often enough and neither a person nor a label named it. Explanations of
    other features, and by another explainer, stay; `about` is of the latest call.

    Errors: ConfigError for a feature that does not exist and fewer than 20 moments; DataError where
    `store` does not hold the indexed sequences, no feature is active often enough, or one recording
    is too short to be halved; UnknownNameError for a label that is not there.
    """
    if moments < 20:
        raise ConfigError(f"got moments={moments}, expected at least 20 steps to choose a rule on")
    chosen = _chosen(index, features)
    view = indexed_view(index, store)
    if by != RULES:
        if not callable(by):
            raise ConfigError(
                f"got by={by!r}, expected {RULES!r} or a function from a prompt to an answer, such "
                f"as st.explanations.Endpoint(url, model)"
            )
        reader = BudgetedReader(by, Folder(index.path), budget)
        written, about = explain_by_model(
            index, view, chosen, reader, tests or ModelTests(), seed, progress
        )
        answered = {row["feature"] for row in written}
        return write_explanations(index, written, reader.name, about, answered)
    rows, shown, about = explain_by_rules(index, view, chosen, labels, moments, seed, progress)
    explained = chosen.tolist()
    write_contexts(index, shown, RULES, explained)
    return write_explanations(index, rows, RULES, about, explained)


def prompts(
    index: FeatureIndex, store: Store, features: Sequence[int] | None = None, *, seed: int = 0
) -> list[str]:
    """The prompts that ask a language model for explanations, without asking: a dry run.

    Errors: those of `explain`.
    """
    return explaining_prompts(index, indexed_view(index, store), _chosen(index, features), seed)


def _chosen(index: FeatureIndex, features: Sequence[int] | None) -> Int[np.ndarray, " some"]:
    """The features to explain, ascending, each once."""
    if features is not None:
        wrong = [number for number in features if not 0 <= number < index.width]
        if wrong:
            raise ConfigError(
                f"got feature {wrong[0]}, expected 0 to {index.width - 1}, the features of "
                f"{index.path}"
            )
        return np.unique(np.asarray(features, dtype=np.int64))
    often = np.flatnonzero(to_numpy(index.features, "count") >= FEWEST_ACTIVE)
    if not len(often):
        raise DataError(
            f"no feature of {index.path} is active on {FEWEST_ACTIVE} steps; index more data"
        )
    return often
