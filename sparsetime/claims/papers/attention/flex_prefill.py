"""FlexPrefill: mass by head, budgets by prompt, and error against a fixed pattern."""

import torch

from sparsetime.attention.equal_budget import solved_on
from sparsetime.attention.measures import mass_kept, output_error
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, mean_of, python_windows, sparsity_of

MASS, BLOCK, PROMPTS = 0.9, 8, 8


@claim(
    "flex_prefill",
    system=50,
    says="Every head keeps at least the asked 0.9 of its attention mass in the mean over prompts, "
    "the share of pairs differs between prompts by at least 0.02 in some module, and the output "
    "error is below that of one window with sinks at an equal mean budget.",
    data="Python-source model, 8 windows of 256 tokens of held-out modules, the first quarter of "
    "which is pasted again at the end; blocks of 8 tokens",
    expects=[
        AtLeast("least mass kept of a head", than=MASS),
        AtLeast("largest spread of the share of pairs over prompts", than=0.02),
        Less("output error", than="output error of a window"),
    ],
    seconds=60,
    rule="Attention mass kept meets the threshold per head, index budgets vary by prompt, and "
    "error is below a fixed pattern at equal mean budget.",
    notes="Seeds are of the windows. Stripes are scored by blocks, where the paper indexes lines.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Mass, pairs and error over all modules and heads."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: the window stands in the place of the policy."""
    tokens = python_windows(seed, PROMPTS)
    tokens[:, -64:] = tokens[:, :64]
    calls = calls_on(tokens)
    flexible = attention_policy("flex_prefill", mass=MASS, block=BLOCK)
    patterns = [flexible.choose(call) for call in calls]
    window = attention_policy("streaming_llm", sinks=1, unit=BLOCK)
    window = solved_on(window, sparsity_of(patterns), calls, "prefill")
    policy = window if null else flexible
    kept, spreads, errors, fixed = [], [], [], []
    for call in calls:
        pattern = policy.choose(call)
        kept.append(mass_kept(call, pattern).mean(0))
        per_prompt = pattern.expand(PROMPTS, call.heads).pairs_of_heads.sum(1).float()
        spreads.append((per_prompt / (pattern.readable_pairs // pattern.batch)).std())
        errors.append(output_error(call, policy.attend(call, pattern)[0]))
        fixed.append(output_error(call, window.attend(call, window.choose(call))[0]))
    return {
        "least mass kept of a head": float(torch.cat(kept).min()),
        "largest spread of the share of pairs over prompts": float(torch.stack(spreads).max()),
        "output error": mean_of(errors),
        "output error of a window": mean_of(fixed),
        "share of the pairs": 1 - sparsity_of(patterns),
    }
