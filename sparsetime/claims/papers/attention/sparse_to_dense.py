"""Sparse-to-Dense: tokens drafted with top-K attention and verified densely."""

import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime.attention.draft import generate_by_drafts
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import AtLeast, Lab, claim
from sparsetime.claims.lab.attention_calls import python_windows
from sparsetime.testbeds.python_code.pretrained import code_model

PROMPTS, PROMPT, NEW, DRAFTS = 3, 160, 32, 4
KEYS = (4, 16, 64)


@claim(
    "sparse_to_dense",
    system=161,
    says="Drafting four tokens with the top 4, 16 or 64 keys of 160 and more gives the tokens of "
    "dense greedy decoding, and more than one drafted token a round is kept, for every K.",
    data="Python-source model, 3 prompts of 160 tokens of held-out modules, 32 new tokens each",
    expects=[
        AtLeast("share of tokens equal to dense greedy ones", than=1.0),
        *(AtLeast(f"accepted of {DRAFTS}, top {keys}", than=1.0) for keys in KEYS),
    ],
    seconds=80,
    rule="Drafting with top-K attention on a small LM yields exactly the greedy dense output, with "
    "acceptance length per K reported and above one.",
    notes="Seeds are of the prompts. The paper drafts on video with large models; a round that "
    "keeps no draft still adds one token.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Every prompt is continued densely, and by drafts of every K."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: drafts read their own key alone."""
    tokens = python_windows(seed, PROMPTS, length=PROMPT)
    values: dict[str, float] = {}
    equal: list[torch.Tensor] = []
    model = code_model()
    dense = [_greedy(model.model, prompt[None]) for prompt in tokens]
    for keys in KEYS:
        accepted = []
        policy = attention_policy("exact_top_k", keys=keys)
        if null:
            policy = attention_policy("sliding_window", window=1, unit=1)
        for prompt, expected in zip(tokens, dense, strict=True):
            drafted = generate_by_drafts(model, prompt[None], policy, NEW, DRAFTS)
            equal.append((drafted.tokens == expected).float())
            accepted.append(drafted.mean_accepted)
        values[f"accepted of {DRAFTS}, top {keys}"] = sum(accepted) / len(accepted)
    return {"share of tokens equal to dense greedy ones": float(torch.cat(equal).mean()), **values}


@torch.no_grad()
def _greedy(model: nn.Module, tokens: Int[Tensor, "1 time"]) -> Int[Tensor, " new"]:
    """The tokens of dense greedy decoding, one pass for each over the whole text."""
    for _ in range(NEW):
        following = model(tokens).logits[:, -1:].argmax(-1)
        tokens = torch.cat([tokens, following], 1)
    return tokens[0, -NEW:]
