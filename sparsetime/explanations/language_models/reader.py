"""BudgetedReader: a function of a prompt with a cache on disk, a budget of calls, and counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import final

from sparsetime.errors import DataError
from sparsetime.files import Folder

CACHE = "details/explanation_answers.jsonl"


class BudgetSpentError(DataError):
    """No call is left; what was explained until then is kept."""


@final
class BudgetedReader:
    """Answers of a language model. calls, cached: how many were asked, and read from the cache.

    The cache is keyed by the hash of the model's name and the prompt, so the same question costs
    one call, over runs too. budget: most calls; None: no limit.
    """

    def __init__(
        self, function: Callable[[str], str], folder: Folder | None, budget: int | None
    ) -> None:
        self.name = str(getattr(function, "name", getattr(function, "__name__", "model")))
        self._function, self._folder, self._budget = function, folder, budget
        self.calls = self.cached = 0
        self._answers: dict[str, str] = {}
        if folder is not None and folder.exists(CACHE):
            lines = folder.read_lines(CACHE).values
            self._answers = {line["prompt"]: line["answer"] for line in lines}

    def __call__(self, prompt: str) -> str:
        """The answer to a prompt. Errors: BudgetSpentError where no call is left."""
        key = hashlib.sha256(f"{self.name}\n{prompt}".encode()).hexdigest()
        if key in self._answers:
            self.cached += 1
            return self._answers[key]
        if self._budget is not None and self.calls >= self._budget:
            raise BudgetSpentError(
                f"the budget of {self._budget} calls is spent; raise budget (--budget) to resume"
            )
        self.calls += 1
        answer = self._function(prompt)
        self._answers[key] = answer
        if self._folder is not None:
            self._folder.append_lines(CACHE, [{"prompt": key, "answer": answer}])
        return answer
