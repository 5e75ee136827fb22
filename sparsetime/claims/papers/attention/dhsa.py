"""DHSA: adaptive chunks with length-normalised sums against fixed blocks at an equal budget."""

from sparsetime.attention.equal_budget import solved_on
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.measures import top_key_recall
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, mean_of, python_windows

CHUNK, KEYS, TOP = 16, 48, 16


@claim(
    "dhsa",
    system=28,
    says="Chunks that end where the keys change, scored by sums over the root of their length, "
    "hold more of a query's 16 largest keys than blocks of 16 keys with mean scores, at equal "
    "pairs.",
    data="Python-source model, 8 windows of 256 tokens of held-out modules, the first quarter of "
    "which is pasted again at the end",
    expects=[Less("recall of fixed blocks", than="recall of adaptive chunks")],
    seconds=60,
    rule="Adaptive chunks with length-normalised summaries recall more true top-attention tokens "
    "than fixed blocks at the same budget on needle prompts.",
    notes="Seeds are of the windows. Pasted text stands for needles. Bounds are the largest "
    "changes of the keys, where the paper trains a predictor.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Recall over all modules and heads."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: fixed blocks stand in the place of chunks."""
    tokens = python_windows(seed, 8)
    tokens[:, -64:] = tokens[:, :64]
    calls = calls_on(tokens)
    fixed = attention_policy("moba", block=CHUNK, keys=KEYS)
    patterns = [fixed.choose(call) for call in calls]
    read = sum(p.pairs for p in patterns) / sum(p.readable_pairs for p in patterns)
    chunks = solved_on(attention_policy("dhsa", chunk=CHUNK), 1 - read, calls, "prefill")
    return {
        "recall of adaptive chunks": _recall(fixed if null else chunks, calls),
        "recall of fixed blocks": _recall(fixed, calls),
        "share of the pairs": read,
    }


def _recall(policy: AttentionPolicy, calls: list[AttentionInputs]) -> float:
    return mean_of([top_key_recall(call, policy.choose(call), TOP) for call in calls])
