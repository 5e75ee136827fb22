"""Prompts for a language model: one asks for an explanation, the others test one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from sparsetime.explanations.language_models.passages import FeaturePassage


def explanation_prompt(passages: Sequence[FeaturePassage]) -> str:
    """Asks what the marked tokens have in common."""
    texts = [passage.text(passage.activation > 0) for passage in passages]
    return (
        "A unit of a neural network is active on the tokens marked << >> in the passages below. "
        "Say in one short phrase when it is active: what the marked tokens, or what stands before "
        f"them, have in common.\n\n{_numbered(texts)}\n\n"
        "Answer with one line that begins with 'Explanation:' and nothing else."
    )


def detection_prompt(explanation: str, passages: Sequence[FeaturePassage]) -> str:
    """Asks in which passages the explained unit is active."""
    return (
        f"A unit of a neural network is active on: {explanation}\n"
        f"In which of these {len(passages)} passages is it active?\n\n"
        f"{_numbered([passage.text() for passage in passages])}\n\n{_flags(len(passages))}"
    )


def fuzzing_prompt(
    explanation: str,
    passages: Sequence[FeaturePassage],
    marks: Sequence[Bool[np.ndarray, " steps"]],
) -> str:
    """Asks which passages have the right tokens marked."""
    pairs = zip(passages, marks, strict=True)
    return (
        f"A unit of a neural network is active on: {explanation}\n"
        f"In which of these {len(passages)} passages are the tokens on which it is active the ones "
        f"that are marked << >>?\n\n{_numbered([p.text(m) for p, m in pairs])}\n\n"
        f"{_flags(len(passages))}"
    )


def intruder_prompt(passages: Sequence[FeaturePassage]) -> str:
    """Asks which passage does not belong to the others."""
    texts = [passage.text(passage.activation > 0) for passage in passages]
    return (
        f"All but one of these {len(passages)} passages have something in common, at the tokens "
        f"marked << >>.\n\n{_numbered(texts)}\n\nAnswer with the number of the passage that does "
        "not belong, and nothing else."
    )


def simulation_prompt(explanation: str, passage: FeaturePassage) -> str:
    """Asks how active the explained unit is on each token."""
    tokens = "\n".join(f"{n}. {word or '(empty)'}" for n, word in enumerate(passage.words, 1))
    count = len(passage.words)
    return (
        f"A unit of a neural network is active on: {explanation}\n"
        f"How active is it on each of these {count} consecutive tokens, from 0 (not) to 9?\n\n"
        f"{tokens}\n\nAnswer with a JSON list of {count} whole numbers, in order, and nothing else."
    )


def _numbered(texts: Sequence[str]) -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))


def _flags(count: int) -> str:
    return f"Answer with a JSON list of {count} numbers, 1 for yes and 0 for no, and nothing else."
