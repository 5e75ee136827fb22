"""Accuracy of a model on prompts of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.testbeds.tasks.prompt import TaskPrompt


@final
@dataclass(frozen=True)
class TaskScores:
    """How well a model does a task.

    accuracy: share of clean prompts after which the right answers are more likely than the wrong
    ones; its null is the same share after the corrupted prompts, where the wrong ones are right.
    most_likely: share after which a right answer is the most likely of all tokens.
    logit_difference: mean over clean prompts, in nats. aligned: share of prompts whose clean and
    corrupted texts have the same tokens in every role.
    """

    accuracy: Estimate
    most_likely: Estimate
    logit_difference: Estimate
    aligned: float


@torch.no_grad()
def task_scores(model: LoadedModel, prompts: Sequence[TaskPrompt], seed: int = 0) -> TaskScores:
    """Scores of a causal language model on prompts of a task.

        d(p) = log sum_{a in answers} exp z_a - log sum_{w in wrong} exp z_w
        accuracy = mean_p [d(p) > 0]

    z: logits after the last token of the prompt p. Intervals resample prompts.

    Errors: ConfigError for no prompts, or a model without a tokenizer.
    """
    if not prompts or model.tokenizer is None:
        raise ConfigError(
            f"got {len(prompts)} prompts and the tokenizer {model.tokenizer!r}, expected at least "
            f"one prompt and a model with its tokenizer"
        )
    rows, aligned = [], []
    for one in prompts:
        tokens = one.tokens(model.tokenizer)
        clean, corrupted = (_last_logits(model, ids) for ids in (tokens.clean, tokens.corrupted))
        best = int(clean.argmax()) in tokens.answers.tolist()
        rows.append(
            [
                logit_difference(clean, tokens.answers, tokens.wrong).item(),
                float(best),
                logit_difference(corrupted, tokens.answers, tokens.wrong).item(),
            ]
        )
        aligned.append(tokens.is_aligned)
    clean_d, best_token, corrupted_d = np.array(rows).T
    null = float((corrupted_d > 0).mean())

    def mean_of(
        values: Float[np.ndarray, " prompts"], null: float = float("nan"), null_is: str = ""
    ) -> Estimate:
        ones = np.ones(len(values))
        return estimate(ratio_of(values, ones), len(values), null, null_is, seed)

    return TaskScores(
        mean_of((clean_d > 0).astype(float), null, "after the corrupted prompts"),
        mean_of(best_token),
        mean_of(clean_d),
        float(np.mean(aligned)),
    )


def logit_difference(
    logits: Float[Tensor, "*batch vocabulary"], answers: Tensor, wrong: Tensor
) -> Float[Tensor, "*batch"]:
    """Log odds of the right answers against the wrong ones.

    log sum_{a in answers} exp z_a - log sum_{w in wrong} exp z_w, for one answer each the
    difference of two logits. answers, wrong: token ids.
    """
    return logits[..., answers].logsumexp(-1) - logits[..., wrong].logsumexp(-1)


def _last_logits(model: LoadedModel, ids: Tensor) -> Float[Tensor, " vocabulary"]:
    device = next(model.model.parameters()).device
    logits: Tensor = model.model(input_ids=ids[None].to(device)).logits
    return logits[0, -1].float().cpu()
