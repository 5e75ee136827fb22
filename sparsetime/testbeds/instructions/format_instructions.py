"""Format instructions in several wordings, each with a check of whether a text complies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import unknown_name

TOPICS = (
    "the sea", "bread", "trains", "the moon", "dogs", "winter", "mountains", "music", "tea",
    "gardens", "bicycles", "libraries", "rivers", "bees", "cities", "clouds", "horses", "paper",
    "salt", "forests", "bridges", "chess", "rain", "apples", "maps", "clocks", "birds", "islands",
    "coffee", "deserts", "wool", "glass", "schools", "markets", "ships", "roses", "gold", "snow",
    "kitchens", "stars",
)  # fmt: skip


@final
@dataclass(frozen=True)
class FormatInstruction:
    """An instruction about the form of an answer.

    wordings: ways to say it. pattern: what a text that complies holds.
    """

    name: str
    wordings: tuple[str, ...]
    pattern: re.Pattern[str]

    def complies(self, texts: Sequence[str]) -> Float[np.ndarray, " texts"]:
        """1 for each text that holds the instruction's pattern, 0 for others."""
        return np.array([float(bool(self.pattern.search(text))) for text in texts])


_INSTRUCTIONS = (
    FormatInstruction(
        "list",
        (
            "Answer with a list.", "Write a numbered list.", "Use a list of items.",
            "Give the answer as a list.", "List the main points.", "Make a list, please.",
            "Format your answer as a numbered list.", "I want a list of points.",
        ),
        re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE),
    ),
    FormatInstruction(
        "code",
        (
            "Answer with Python code.", "Write a Python program.", "Write code only.",
            "Give a Python function as the answer.", "Use Python code.", "Write a Python script.",
            "Implement it in Python.", "I want code in Python.",
        ),
        re.compile(r"```|\bdef \w+\(|^import \w+|\bprint\(", re.MULTILINE),
    ),
    FormatInstruction(
        "letter",
        (
            "Answer with a letter to a friend.", "Write a letter.", "Write it as a letter.",
            "Give the answer as a letter.", "Write a short letter to a friend.",
            "Format your answer as a letter.", "I want a letter.", "Compose a letter.",
        ),
        re.compile(r"\bDear\b|\bSincerely\b|\bYours\b"),
    ),
    FormatInstruction(
        "poem",
        (
            "Answer with a poem.", "Write a poem.", "Write it as a poem.",
            "Give the answer as a short poem.", "Compose a poem that rhymes.",
            "Format your answer as a poem.", "I want a poem.", "Use verses.",
        ),
        re.compile(r"(?:^|\n)[^\n.]{8,60},?\n[^\n.]{8,60}(?:\n|$)"),
    ),
    FormatInstruction(
        "question",
        (
            "Answer with a question.", "Reply only with questions.", "Ask me a question.",
            "Give a question as the answer.", "Write questions.", "Respond with a question.",
            "I want a question.", "Write a question about it.",
        ),
        re.compile(r"\?"),
    ),
)  # fmt: skip


def format_instructions() -> tuple[FormatInstruction, ...]:
    """All instructions: a list, code, a letter, a poem, a question."""
    return _INSTRUCTIONS


def format_instruction(name: str) -> FormatInstruction:
    """The instruction of a name. Errors: UnknownNameError for an unknown one."""
    by_name = {one.name: one for one in _INSTRUCTIONS}
    if name not in by_name:
        raise unknown_name("format instruction", name, by_name)
    return by_name[name]


def request(topic: str, wording: str | None = None) -> str:
    """A request about a topic, with an instruction behind it where one is given."""
    asked = f"Tell me about {topic}."
    return asked if wording is None else f"{asked} {wording}"
