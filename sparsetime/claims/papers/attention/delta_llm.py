"""DeltaLLM: half of the changes of keys outside of a window are zero at little loss."""

import torch

from sparsetime import seeds
from sparsetime.attention.recipes import attention_policy
from sparsetime.attention.remainders.held_keys import HeldKeys
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.attention_calls import calls_on, loss_under, python_windows

WINDOWS, WINDOW, THRESHOLD = 8, 32, 0.55


@claim(
    "delta_llm",
    system=35,
    says="Without training, at least 0.45 of the changes between neighbouring keys are set to "
    "zero, and with these keys outside of a window of 32 the loss rises by at most 2%.",
    data="Python-source model, 8 windows of 256 tokens of held-out modules",
    expects=[
        AtLeast("share of changes that are zero", than=0.45),
        AtMost("loss increase, of the loss", than=0.02),
    ],
    seconds=60,
    rule="Without retraining, thresholded key deltas outside the local window reach about half "
    "sparsity on a small LM with small measured loss change.",
    notes="Seeds are of the windows. Keys are those after their rotary positions; the threshold is "
    "in root mean squares of a key, tuned on other windows.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The share of zero changes over all modules, and two losses."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: changes are between keys in random order, which are no neighbours."""
    tokens = python_windows(seed, WINDOWS)
    held = HeldKeys(THRESHOLD)
    shares = []
    for call in calls_on(tokens):
        keys = call.k
        if null:
            rng = seeds.numpy_generator(seed, "random choice")
            keys = keys[:, :, torch.from_numpy(rng.permutation(call.keys))]
        shares.append(held.held(keys)[1])
    policy = attention_policy("delta_llm", window=WINDOW, threshold=THRESHOLD)
    dense = loss_under(None, tokens)
    return {
        "share of changes that are zero": sum(shares) / len(shares),
        "loss increase, of the loss": loss_under(policy, tokens) / dense - 1,
        "dense loss": dense,
    }
