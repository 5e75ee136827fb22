"""A task by name: its prompts in two splits that share no contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

import numpy as np

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.testbeds.tasks.prompt import TaskPrompt

T = TypeVar("T")
SPLITS = ("train", "held_out")
_REPEATS = 300  # draws that give no new prompt, after which there are no more


@final
@dataclass(frozen=True)
class Words:
    """Draws of words for one split: it holds every other entry of a list."""

    rng: np.random.Generator
    split: str

    def some(self, words: Sequence[T], count: int) -> list[T]:
        """Different entries of this split's half of a list, in random order."""
        own = words[SPLITS.index(self.split) :: 2]
        return [own[i] for i in self.rng.choice(len(own), size=count, replace=False)]

    def one(self, words: Sequence[T]) -> T:
        """One entry of this split's half."""
        return self.some(words, 1)[0]

    def any(self, values: Sequence[T]) -> T:
        """One entry of a list that both splits share, such as templates."""
        return values[int(self.rng.integers(len(values)))]


@final
@dataclass(frozen=True)
class Task:
    """A task of next-token prediction.

    model: the testbed whose model it is for, "english" or "python". says: what is asked, and how
    the corrupted prompt differs. source: who described it. make: draws a prompt.
    """

    name: str
    model: str
    says: str
    source: str
    make: Callable[[Words], TaskPrompt]


def task_prompts(
    name: str, count: int = 40, split: str = "train", seed: int = 0
) -> tuple[TaskPrompt, ...]:
    """Different prompts of a task, by its name in `tasks()`.

    The splits "train" and "held_out" share no names, nouns or numbers, only templates. Equal
    arguments give equal prompts.

    Errors: UnknownNameError with the nearest names; ConfigError for another split or no prompts;
    DataError where the task has fewer different prompts.
    """
    known = tasks()
    if name not in known:
        raise unknown_name("task", name, known)
    if split not in SPLITS or count < 1:
        raise ConfigError(
            f"got split={split!r} and count={count}, expected one of {', '.join(SPLITS)} and at "
            f"least 1"
        )
    words = Words(seeds.numpy_generator(seed, "prompts of a task", name, split), split)
    found: dict[str, TaskPrompt] = {}
    repeats = 0
    while len(found) < count and repeats < _REPEATS:
        made = known[name].make(words)
        repeats = repeats + 1 if made.clean in found else 0
        found.setdefault(made.clean, made)
    if len(found) == count:
        return tuple(found.values())
    raise DataError(
        f"the split {split!r} of the task {name!r} gave {len(found)} different prompts, expected "
        f"{count}; ask for fewer"
    )


def tasks() -> dict[str, Task]:
    """Every task by name, those of the English model first."""
    from sparsetime.testbeds.tasks import english_tasks, python_tasks

    modules: tuple[Any, ...] = (english_tasks, python_tasks)
    return {task.name: task for module in modules for task in module.TASKS}
