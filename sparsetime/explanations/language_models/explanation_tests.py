"""Tests of an explanation in words: each returns scores, or none where no answer was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float

from sparsetime.explanations.language_models import prompts
from sparsetime.explanations.language_models.parsing import parsed_choice, parsed_numbers
from sparsetime.explanations.language_models.passages import FeaturePassage
from sparsetime.explanations.rules.course import duration_correlation, own_course, timing_f1
from sparsetime.explanations.rules.explained_feature import balanced_accuracy

#: From a prompt to an answer.
Ask: TypeAlias = Callable[[str], str]
#: From texts to embeddings [texts, d].
Embed: TypeAlias = Callable[[list[str]], Float[np.ndarray, "texts d"]]
#: From a prefix and a text to the text's surprisal in nats.
Surprisal: TypeAlias = Callable[[str, str], float]

SIMULATED = 9  # largest answer of a simulation


@final
@dataclass(frozen=True)
class Material:
    """Held-out passages of one feature: in which it fires, in which it is silent, and a shuffle."""

    active: list[FeaturePassage]
    silent: list[FeaturePassage]
    rng: np.random.Generator

    def mixed(self) -> tuple[list[FeaturePassage], Float[np.ndarray, " passages"]]:
        """All passages in a random order, and which are active."""
        whole = [*self.active, *self.silent]
        order = self.rng.permutation(len(whole))
        flags = np.arange(len(whole)) < len(self.active)
        return [whole[n] for n in order.tolist()], flags[order].astype(float)


def detection(explanation: str, material: Material, ask: Ask) -> float | None:
    """Balanced accuracy of saying in which passages the feature fires (Paulo et al. 2024)."""
    passages, active = material.mixed()
    prompt = prompts.detection_prompt(explanation, passages)
    answer = parsed_numbers(ask(prompt), len(passages), 1)
    return None if answer is None else balanced_accuracy(np.array(answer) == 1, active == 1)


def fuzzing(explanation: str, material: Material, ask: Ask) -> float | None:
    """Balanced accuracy of telling marked active steps from as many marked silent ones.

    NaN for fewer than two passages in which the feature fires, as nothing can be compared.
    """
    if len(material.active) < 2:
        return float("nan")
    rng = material.rng
    marks, right = [], rng.permutation(np.arange(len(material.active)) % 2 == 0)
    for passage, is_right in zip(material.active, right.tolist(), strict=True):
        on = passage.activation > 0
        if not is_right:
            silent = np.flatnonzero(~on)
            on = np.zeros(len(on), dtype=bool)
            count = min(int((passage.activation > 0).sum()), len(silent))
            on[rng.choice(silent, count, replace=False)] = True
        marks.append(on)
    prompt = prompts.fuzzing_prompt(explanation, material.active, marks)
    answer = parsed_numbers(ask(prompt), len(marks), 1)
    return None if answer is None else balanced_accuracy(np.array(answer) == 1, right)


def intruder(material: Material, ask: Ask, trials: int = 3) -> float | None:
    """Share of trials in which the passage of another feature is picked out among four.

    It tests the feature, not its explanation: 0.25 is guessing. Marks of the intruder are as many
    steps as those of another passage. None where no trial is answered.
    """
    hits, asked = 0, 0
    for trial in range(min(trials, len(material.silent), len(material.active) // 3)):
        own = material.active[3 * trial : 3 * trial + 3]
        other = material.silent[trial]
        activation = np.zeros(len(other.words))
        count = min(int((own[0].activation > 0).sum()), len(activation))
        activation[material.rng.choice(len(activation), count, replace=False)] = 1
        disguised = FeaturePassage(other.rows, other.words, other.gaps, activation)
        place = int(material.rng.integers(4))
        shown = [*own[:place], disguised, *own[place:]]
        choice = parsed_choice(ask(prompts.intruder_prompt(shown)), 4)
        asked += choice is not None
        hits += choice == place + 1
    return hits / asked if asked else None


def simulation(
    explanation: str, material: Material, ask: Ask, passages: int = 2
) -> dict[str, float] | None:
    """Correlation of simulated with own activation values; timing and duration of simulated runs.

    Bills et al. 2023, "Language models can explain neurons in language models". A step counts as
    active in the simulation above 0. None where a passage is not answered.
    """
    own, simulated = [], []
    for passage in material.active[:passages]:
        prompt = prompts.simulation_prompt(explanation, passage)
        answer = parsed_numbers(ask(prompt), len(passage.words), SIMULATED)
        if answer is None:
            return None
        own.append(passage.activation)
        simulated.append(np.array(answer, dtype=float))
    a, b = np.concatenate(own), np.concatenate(simulated)
    sequence = np.repeat(np.arange(len(own)), [len(one) for one in own])
    first = np.concatenate([[True], np.diff(sequence) > 0])
    courses = own_course(a > 0, first), own_course(b > 0, first)
    varies = np.ptp(a) > 0 and np.ptp(b) > 0
    return {
        "simulation": float(np.corrcoef(a, b)[0, 1]) if varies else 0.0,
        "timing": timing_f1(*courses, sequence),
        "duration": duration_correlation(*courses, sequence),
    }


def embedding(explanation: str, material: Material, embed: Embed) -> float:
    """AUROC of the cosine of explanation and passage, active against silent passages."""
    passages, active = material.mixed()
    vectors = embed([explanation, *(passage.text() for passage in passages)])
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return auroc(unit[1:] @ unit[0], active == 1)


def surprisal(explanation: str, material: Material, nats: Surprisal) -> float:
    """AUROC of the fall of a passage's surprisal behind the explanation, active against silent.

    fall = S(passage | "") - S(passage | explanation)
    """
    passages, active = material.mixed()
    texts = [passage.text() for passage in passages]
    fall = [nats("", text) - nats(f"{explanation}: ", text) for text in texts]
    return auroc(np.array(fall), active == 1)


def auroc(values: Float[np.ndarray, " passages"], positive: np.ndarray) -> float:
    """Area under the ROC curve; NaN without both classes."""
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return float("nan")
    return float(roc_auc_score(positive, values))
