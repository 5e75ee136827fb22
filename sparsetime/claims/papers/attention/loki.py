"""Loki: keys ranked in a quarter of the dimensions, against a random projection."""

import torch

from sparsetime import seeds
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.measures import top_key_recall
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, loss_under, mean_of, python_windows

KEYS, QUARTER = 32, 8  # of 256 keys; of 32 dimensions


@claim(
    "loki",
    system=182,
    says="Ranking keys by 8 of 32 principal components finds at least 0.7 of a query's 32 largest "
    "keys, more than a random projection, and the loss is within 0.02 nats of exact top-32.",
    data="Python-source model: components of 8 windows of training modules, recall and loss on 8 "
    "windows of 256 tokens of held-out modules",
    expects=[
        AtLeast("recall of the top 32 keys", than=0.7),
        Less("recall of a random projection", than="recall of the top 32 keys"),
        AtMost("loss over exact top 32", than=0.02),
    ],
    seconds=60,
    rule="PCA-projected ranking on a small LM recovers most true top-k keys at quarter dimension, "
    "with perplexity close to exact top-k.",
    notes="Seeds are of the windows. Components are of keys after their rotary positions.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Recall over all modules and heads, and three losses."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: the random projection stands in the place of the principal components."""
    tokens = python_windows(seed, 8)
    calibration = calls_on(python_windows(seed, 8, held_out=False))
    calls = calls_on(tokens)
    fitted = attention_policy("loki", size=QUARTER, keys=KEYS)
    fitted.scorer.fit(calibration)
    chance = attention_policy("loki", size=QUARTER, keys=KEYS)
    chance.scorer.fit(calibration)
    projection = chance.scorer.projection
    assert isinstance(projection, torch.Tensor)
    noise = torch.randn(projection.shape, generator=seeds.torch_generator(seed, "planted noise"))
    projection.copy_(torch.linalg.qr(noise).Q)
    policy = chance if null else fitted
    return {
        "recall of the top 32 keys": _recall(policy, calls),
        "recall of a random projection": _recall(chance, calls),
        "loss over exact top 32": loss_under(policy, tokens)
        - loss_under(attention_policy("exact_top_k", keys=KEYS), tokens),
        "dense loss": loss_under(None, tokens),
    }


def _recall(policy: AttentionPolicy, calls: list[AttentionInputs]) -> float:
    return mean_of([top_key_recall(call, policy.choose(call), KEYS) for call in calls])
