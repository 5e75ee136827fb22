"""Prompt of a task: a clean and a corrupted text, their answers, and the spans of roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime.errors import DataError

END = "end"
Span = tuple[int, int]


@final
@dataclass(frozen=True)
class TaskPrompt:
    """A clean prompt, and a corrupted one in which what decides the answer is changed.

    answers: the next tokens that are right after the clean prompt, as texts. wrong: those that
    would be right after the corrupted one. roles, corrupted_roles: (start, end) in characters of
    the parts of each text by name, such as "subject"; "end" is its last character.
    """

    clean: str
    corrupted: str
    answers: tuple[str, ...]
    wrong: tuple[str, ...]
    roles: Mapping[str, Span]
    corrupted_roles: Mapping[str, Span]

    def tokens(self, tokenizer: Any) -> TaskTokens:
        """Token ids of both prompts and of the answers, and the tokens of each role.

        An answer of several tokens stands for its first. Errors: DataError where a right answer
        begins with the same token as a wrong one, so that their logits are the same.
        """
        clean, positions = _encoded(tokenizer, self.clean, self.roles)
        corrupted, corrupted_positions = _encoded(tokenizer, self.corrupted, self.corrupted_roles)
        answers, wrong = (
            torch.tensor(
                [tokenizer(one, add_special_tokens=False)["input_ids"][0] for one in texts]
            )
            for texts in (self.answers, self.wrong)
        )
        if set(answers.tolist()) & set(wrong.tolist()):
            raise DataError(
                f"the answers {self.answers} and {self.wrong} begin with the same token of this "
                f"tokenizer; choose prompts of the task for another model"
            )
        return TaskTokens(clean, corrupted, answers, wrong, positions, corrupted_positions)


@final
@dataclass(frozen=True, eq=False)
class TaskTokens:
    """A prompt of a task as token ids.

    clean, corrupted: [time]. answers, wrong: token ids. positions, corrupted_positions: (first,
    stop) in tokens by role.
    """

    clean: Int[Tensor, " time"]
    corrupted: Int[Tensor, " corrupted_time"]
    answers: Int[Tensor, " answers"]
    wrong: Int[Tensor, " wrong"]
    positions: Mapping[str, Span]
    corrupted_positions: Mapping[str, Span]

    @property
    def is_aligned(self) -> bool:
        """Whether both prompts have equally many tokens and every role the same ones."""
        return len(self.clean) == len(self.corrupted) and dict(self.positions) == dict(
            self.corrupted_positions
        )


def prompt(
    template: str,
    clean: Mapping[str, str],
    corrupted: Mapping[str, str],
    answers: tuple[str, ...],
    wrong: tuple[str, ...],
) -> TaskPrompt:
    """The prompt whose two texts are a template with its fields filled in; fields are the roles.

    corrupted: the fields that differ from those of the clean text.
    """
    text, roles = _filled(template, clean)
    other, other_roles = _filled(template, {**clean, **corrupted})
    return TaskPrompt(text, other, answers, wrong, roles, other_roles)


def _filled(template: str, fields: Mapping[str, str]) -> tuple[str, dict[str, Span]]:
    text, spans = "", {}
    for literal, field, _, _ in Formatter().parse(template):
        text += literal
        if field is not None:
            spans[field] = (len(text), len(text) + len(fields[field]))
            text += fields[field]
    spans[END] = (len(text) - 1, len(text))
    return text, spans


def _encoded(
    tokenizer: Any, text: str, roles: Mapping[str, Span]
) -> tuple[Int[Tensor, " time"], dict[str, Span]]:
    encoded = tokenizer(text, return_offsets_mapping=True)
    offsets = encoded["offset_mapping"]
    positions = {}
    for role, (start, end) in roles.items():
        inside = [number for number, (a, b) in enumerate(offsets) if a < end and b > start]
        positions[role] = (inside[0], inside[-1] + 1)
    return torch.tensor(encoded["input_ids"]), positions
