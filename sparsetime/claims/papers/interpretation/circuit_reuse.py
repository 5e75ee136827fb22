"""Circuit reuse: heads of the indirect-object circuit in a coloured-objects task."""

from contextlib import ExitStack
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.circuits.path_effects import path_effects
from sparsetime.circuits.targets import logit_difference
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.interventions.attention_heads import HeadSite, attention_heads
from sparsetime.interventions.patch import Patch, patched
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.english.pretrained import english_model
from sparsetime.testbeds.tasks.prompt import TaskPrompt
from sparsetime.testbeds.tasks.task import task_prompts

FIRST, SECOND = "indirect_object", "coloured_objects"
PROMPTS, TESTED, TOP, STEERED = 5, 20, 15, 4
FACTOR = 2.0


@claim(
    "circuit_reuse",
    system=268,
    says="The heads with the largest direct effects in an indirect-object and in a "
    "coloured-objects task overlap far above chance, and amplifying the few that only the first "
    "has raises the second task's accuracy more than amplifying random heads does.",
    data="SmolLM2, 270 heads; path patching to the logits by gradient on 5 prompts of each task, "
    "accuracy among three colours on 20 others",
    expects=[
        AtLeast("shared heads of the first 15, over chance", than=4),
        Less("rank correlation, heads exchanged", than="rank correlation"),
        Less("accuracy", than="accuracy, differing heads amplified"),
        Less("accuracy, random heads amplified", than="accuracy, differing heads amplified"),
    ],
    seconds=90,
    rule="Head rankings by path patching on two tasks overlap far above chance, and steering the "
    "few differing heads raises second-task accuracy.",
    notes="Direct paths to the logits alone. Differing heads: the four with the largest positive "
    "effects in the first task, relative to the second, that are not among the second's first 15; "
    "their outputs at the last token are doubled. The paper sets attention patterns of four heads "
    "by hand. The null takes random heads' effects for the second task's.",
    null=lambda lab, seed: _values(seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Rankings on prompts of one split, accuracies on prompts of the other."""
    return _values(seed)


def _values(seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the second task's effects belong to other heads."""
    from scipy.stats import spearmanr

    model, heads = _model()
    rng = seeds.numpy_generator(seed, "random choice")
    first, second = (_effects(model, heads, task, seed) for task in (FIRST, SECOND))
    if permuted:
        second = rng.permutation(second)
    top = [set(np.argsort(-np.abs(one))[:TOP].tolist()) for one in (first, second)]
    shared = len(top[0] & top[1])
    lacking = np.array([one not in top[1] for one in range(len(first))])
    gap = np.where(lacking, first / np.abs(first).max() - second / np.abs(second).max(), -np.inf)
    differing = np.argsort(-gap)[:STEERED]
    if permuted:
        differing = rng.permutation(len(first))[:STEERED]
    others = np.flatnonzero(lacking)
    prompts = task_prompts(SECOND, TESTED, "held_out", seed)
    random = [
        _accuracy(model, heads, prompts, rng.choice(others, STEERED, replace=False))
        for _ in range(2)
    ]
    return {
        "shared heads of the first 15": float(shared),
        "shared heads of the first 15, over chance": shared * len(first) / TOP**2,
        "rank correlation": float(spearmanr(np.abs(first), np.abs(second)).statistic),
        "rank correlation, heads exchanged": float(
            spearmanr(np.abs(first), rng.permutation(np.abs(second))).statistic
        ),
        "accuracy": _accuracy(model, heads, prompts, np.zeros(0, dtype=np.int64)),
        "accuracy, differing heads amplified": _accuracy(model, heads, prompts, differing),
        "accuracy, random heads amplified": float(np.mean(random)),
    }


def _effects(
    model: LoadedModel, heads: list[HeadSite], task: str, seed: int
) -> Float[np.ndarray, " heads"]:
    """Mean loss of the logit difference where each head's direct effect is the other prompt's."""
    firsts = {one.module: number * one.heads for number, one in enumerate(heads)}
    sums = np.zeros(sum(one.heads for one in heads))
    for prompt in task_prompts(task, PROMPTS, "train", seed):
        tokens = prompt.tokens(model.tokenizer)
        if not tokens.is_aligned:
            continue
        metric = logit_difference(int(tokens.answers[0]), int(tokens.wrong[0]))
        for row in path_effects(model, tokens.clean, tokens.corrupted, metric).table.to_pylist():
            sums[firsts[row["site"]] + row["latent"]] -= row["effect"]
    return sums / PROMPTS


def _accuracy(
    model: LoadedModel,
    heads: list[HeadSite],
    prompts: tuple[TaskPrompt, ...],
    amplified: Int[np.ndarray, " some"],
) -> float:
    """Share of prompts after which the right colour is the likeliest of the three."""
    right = []
    for prompt in prompts:
        tokens = prompt.tokens(model.tokenizer)
        colours = [_colour(model, prompt, number) for number in range(3)]
        ids = tokens.clean[None]
        with ExitStack() as stack, torch.no_grad():
            for number, one in enumerate(heads):
                own = amplified[amplified // one.heads == number] % one.heads
                if len(own):
                    change = _amplified(one, own.tolist())
                    stack.enter_context(patched(model.model, one.site, change, 1, ids.shape[1]))
            logits = model.model(input_ids=ids).logits[0, -1]
        best = colours[int(logits[torch.tensor(colours)].argmax())]
        right.append(best in tokens.answers.tolist())
    return float(np.mean(right))


def _amplified(one: HeadSite, numbers: list[int]) -> Patch:
    mask = torch.ones(one.heads)
    mask[numbers] = FACTOR

    def patch(x: Tensor) -> Tensor:
        y = x.clone()
        y[:, -1] = y[:, -1] * mask.repeat_interleave(one.size)
        return y

    return patch


def _colour(model: LoadedModel, prompt: TaskPrompt, number: int) -> int:
    assert model.tokenizer is not None
    first, last = prompt.roles[f"colour_{number}"]
    ids = model.tokenizer(f" {prompt.clean[first:last]}", add_special_tokens=False)["input_ids"]
    return int(ids[0])


@cache
def _model() -> tuple[LoadedModel, list[HeadSite]]:
    model = english_model()
    return model, attention_heads(model.model, torch.tensor([[1, 2, 3, 4]]))
