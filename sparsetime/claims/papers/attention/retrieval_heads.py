"""Retrieval heads: few heads copy from long context, and needle recall rests on them."""

import torch

from sparsetime import seeds
from sparsetime.attention.heads import copy_scores, silenced_heads
from sparsetime.attention.recorded_calls import recorded_calls
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.interventions.attention_heads import attention_heads
from sparsetime.testbeds.english.pretrained import english_model

PROMPTS, LENGTH, NEEDLE, CUE = 4, 160, 24, 8
HIGH, SILENCED = 0.3, 10


@claim(
    "retrieval_heads",
    system=277,
    says="Under 5% of heads have a copy score of at least 0.3; with the ten highest silenced "
    "the share of recalled needle tokens falls below half of what it was, and with ten others "
    "at random it stays above 0.8 of it.",
    data="SmolLM2-135M-Instruct, 270 heads: 24 random tokens within 160 random ones, given "
    "again at the end of the prompt; the first 8 show what is asked for, the others are "
    "predicted",
    expects=[
        AtMost("share of heads with high copy scores", than=0.05),
        AtLeast("recall of the needle", than=0.5),
        AtMost("recall without the highest heads, of before", than=0.5),
        AtLeast("recall without random heads, of before", than=0.8),
    ],
    seconds=90,
    rule="In a small language model under 5% of heads score high on copying; masking them "
    "collapses needle recall, masking random heads does not.",
    notes="Seeds are of the tokens. Scores are of half of the prompts, recall is of the others.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Copy scores on some prompts, recall on others with and without heads."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: random heads stand in the place of the highest ones."""
    model = english_model()
    tokens, sources = _prompts(seed)
    half = PROMPTS // 2
    scores = copy_scores(recorded_calls(model, tokens[:half]), sources[:half])
    sites = attention_heads(model.model, tokens[:1])
    order = scores.flatten().argsort(descending=True)
    rng = seeds.numpy_generator(seed, "random choice")
    others = order[SILENCED:][torch.from_numpy(rng.permutation(len(order) - SILENCED)[:SILENCED])]
    highest = others if null else order[:SILENCED]

    def recall(chosen: torch.Tensor) -> float:
        heads: dict[str, list[int]] = {}
        for number in chosen.tolist():
            heads.setdefault(sites[number // scores.shape[1]].module, []).append(
                number % scores.shape[1]
            )
        with silenced_heads(model.model, sites, heads), torch.no_grad():
            predicted = model.model(tokens[half:]).logits.argmax(-1)
        copied = sources[half:] >= 0
        right = predicted[:, :-1] == tokens[half:, 1:]
        return float(right[copied[:, :-1]].float().mean())

    before = recall(torch.zeros(0, dtype=torch.long))
    return {
        "share of heads with high copy scores": float((scores >= HIGH).float().mean()),
        "highest copy score": float(scores.max()),
        "recall of the needle": before,
        "recall without the highest heads, of before": recall(highest) / before,
        "recall without random heads, of before": recall(others) / before,
    }


def _prompts(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random tokens with a needle, given again at the end; the position each step copies."""
    generator = seeds.torch_generator(seed, "random tokens")
    tokens = torch.randint(500, 6000, (PROMPTS, LENGTH), generator=generator)
    begins = torch.randint(8, LENGTH - 2 * NEEDLE - 8, (PROMPTS,), generator=generator)
    sources = torch.full((PROMPTS, LENGTH), -1)
    for row, begin in enumerate(begins.tolist()):
        tokens[row, -NEEDLE:] = tokens[row, begin : begin + NEEDLE]
        # Step t predicts token t + 1, whose earlier copy is the source.
        steps = torch.arange(LENGTH - NEEDLE + CUE - 1, LENGTH - 1)
        sources[row, steps] = begin + CUE + torch.arange(NEEDLE - CUE)
    return tokens, sources
