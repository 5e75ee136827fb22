"""Discrete SAE circuits: heads of a circuit by codes that positive prompts alone have."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.circuits.head_effects import head_effects
from sparsetime.circuits.targets import logit_difference
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.attention_heads import HeadSite, attention_heads
from sparsetime.metrics.circuit_scores import ranking_scores
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.english.pretrained import english_model
from sparsetime.testbeds.tasks.prompt import TaskPrompt
from sparsetime.testbeds.tasks.task import task_prompts

TASK = "indirect_object"
PROMPTS, PATCHED, CIRCUIT = 10, 8, 20
WIDTH, ROWS = 128, 40_000


@claim(
    "discrete_circuits",
    system=1,
    says="Integer codes of head outputs that only positive prompts have, of ten prompts, rank "
    "heads found by patching above the norm of their outputs.",
    data="SmolLM2, 270 heads; indirect-object prompts against prompts with a third name; the "
    "circuit is the 20 heads with the largest mean effects on other prompts",
    expects=[
        Less("AUROC of the norm", than="AUROC of codes"),
        AtLeast("AUROC of codes", than=0.6),
    ],
    seconds=85,
    rule="on a small model's induction or IOI task, code overlap from ten prompts ranks known "
    "heads above an activation-norm baseline, without ablation runs.",
    notes="Code: the latent of a TopK dictionary with k = 1, of head outputs at the last token "
    "less their mean over prompts. Score of a head: the share of positive prompts whose code no "
    "negative prompt has. Known heads are those of this model by attribution patching, since no "
    "list of them is published.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """One dictionary for the outputs of all heads."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which prompts are positive or negative at random."""
    model, heads = _model()
    prompts = task_prompts(TASK, PROMPTS + PATCHED, "train", seed)
    positive = [one.clean for one in prompts[:PROMPTS]]
    others = [one.answers[0].strip() for one in prompts[PROMPTS:]]
    negative = [_with_third_name(one, others) for one in prompts[:PROMPTS]]
    outputs = torch.stack([_outputs(model, heads, text) for text in (*positive, *negative)])
    is_positive = np.arange(len(outputs)) < PROMPTS
    if permuted:
        rng = seeds.numpy_generator(seed, "random choice")
        is_positive = rng.permutation(is_positive)
    codes = _codes(lab, outputs, seed)
    known = _circuit(model, heads, prompts[PROMPTS:], others)
    unique = [~np.isin(own[is_positive], own[~is_positive]) for own in codes.T]
    score = np.array([one.mean() for one in unique])
    norm = outputs[torch.from_numpy(is_positive)].norm(dim=2).mean(0).double().numpy()
    spread = (outputs - outputs.mean(0)).norm(dim=2).mean(0).double().numpy()
    return {
        "AUROC of codes": ranking_scores(score, known).auroc,
        "AUROC of the norm": ranking_scores(norm, known).auroc,
        "AUROC of the spread": ranking_scores(spread, known).auroc,
        "share of prompts with a unique code, mean over heads": float(score.mean()),
    }


def _with_third_name(prompt: TaskPrompt, names: list[str]) -> str:
    """The prompt with another giver, so that neither name is the answer."""
    first, last = prompt.roles["giver"]
    other = next(name for name in names if name not in prompt.clean)
    return prompt.clean[:first] + other + prompt.clean[last:]


def _codes(
    lab: Lab, outputs: Float[Tensor, "prompts heads d"], seed: int
) -> Int[np.ndarray, "..."]:
    """The number of the only active latent, [prompts, heads]."""
    x = outputs - outputs.mean(0)
    sae = dictionary("topk", d_in=x.shape[2], width=WIDTH, k=1, seed=seed)
    lab.train(sae, x.flatten(0, 1), rows=ROWS, seed=seed)
    code = sae.encode(x.flatten(0, 1)).dense().argmax(1)
    found: np.ndarray = code.reshape(x.shape[:2]).numpy()
    return found


def _circuit(
    model: LoadedModel,
    heads: list[HeadSite],
    prompts: tuple[TaskPrompt, ...],
    names: list[str],
) -> np.ndarray:
    """Whether each head has one of the largest mean absolute effects."""
    assert model.tokenizer is not None
    sums = np.zeros(sum(one.heads for one in heads))
    firsts = {one.module: number * one.heads for number, one in enumerate(heads)}
    for prompt in prompts:
        tokens = prompt.tokens(model.tokenizer)
        other = model.tokenizer(_with_third_name(prompt, names))["input_ids"]
        if len(other) != len(tokens.clean):
            continue
        metric = logit_difference(int(tokens.answers[0]), int(tokens.wrong[0]))
        for row in head_effects(model, tokens.clean, other, metric).table.to_pylist():
            sums[firsts[row["site"]] + row["latent"]] += row["effect"]
    known = np.zeros(len(sums), dtype=bool)
    known[np.argsort(-np.abs(sums))[:CIRCUIT]] = True
    return known


def _outputs(model: LoadedModel, heads: list[HeadSite], text: str) -> Float[Tensor, "heads d"]:
    """What each head gives its output projection at the last token."""
    assert model.tokenizer is not None
    ids = torch.tensor([model.tokenizer(text)["input_ids"]])
    with torch.no_grad(), recording(model.model, [one.site for one in heads]) as found:
        model.model(input_ids=ids)
    return torch.cat([found[one.site][0, -1].reshape(one.heads, one.size) for one in heads])


@cache
def _model() -> tuple[LoadedModel, list[HeadSite]]:
    model = english_model()
    return model, attention_heads(model.model, torch.tensor([[1, 2, 3, 4]]))
