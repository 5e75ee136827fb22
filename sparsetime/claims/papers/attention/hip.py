"""HiP attention: mass of the keys of a tree search, and its number of products against length."""

import math

import torch

from sparsetime import seeds
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass
from sparsetime.attention.measures import mass_kept
from sparsetime.attention.recipes import attention_policy
from sparsetime.attention.scorers.tree import Tree
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.attention_calls import calls_on, loss_under, mean_of, python_windows
from sparsetime.key_range import KeyRange

KEYS, TILE, UNIT = 64, 4, 2
LENGTHS = (1024, 2048, 4096)


@claim(
    "hip",
    system=289,
    says="The keys of the tree search hold at least 0.8 of the mass of the exact top 64, its "
    "products grow as T log T (their ratio changes by at most a fifth from 1,024 to 4,096 "
    "tokens), and the loss rises by at most 0.1 nats.",
    data="Python-source model, 8 windows of 256 tokens of held-out modules; products are counted "
    "on random queries and keys of 1,024 to 4,096 tokens",
    expects=[
        AtLeast("mass of the tree's keys, of the top 64", than=0.8),
        AtMost("products by T log2(T / 64), largest over smallest", than=1.2),
        AtMost("loss over dense", than=0.1),
    ],
    seconds=60,
    rule="On a pretrained small model, selected keys recall most true top-k attention mass, scored "
    "pairs grow as T log T, perplexity rises little.",
    notes="Seeds are of the windows and of the random queries and keys.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Mass over all modules and heads, products against the law, and a loss."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: a window of as many keys stands in the place of the tree, and all pairs are scored."""
    tokens = python_windows(seed, 8)
    name = "sliding_window" if null else "hip"
    settings = {"window": KEYS, "unit": TILE} if null else {"unit": UNIT, "tile": TILE}
    policy = attention_policy(name, **({"keys": KEYS} if not null else {}), **settings)
    shares = []
    for call in calls_on(tokens):
        top = attention_mass(call, torch.arange(call.queries)).topk(KEYS, -1).values.sum(-1)
        shares.append(mass_kept(call, policy.choose(call)) / top.mean(2))
    products = [length**2 / 2 if null else _products(length, seed) for length in LENGTHS]
    by_law = [n / (t * math.log2(t / KEYS)) for n, t in zip(products, LENGTHS, strict=True)]
    return {
        "mass of the tree's keys, of the top 64": mean_of(shares),
        "products by T log2(T / 64), largest over smallest": max(by_law) / min(by_law),
        "loss over dense": loss_under(policy, tokens) - loss_under(None, tokens),
    }


def _products(length: int, seed: int) -> float:
    """Products with middle keys that the search of one head computes, counted while it runs."""
    generator = seeds.torch_generator(seed, "random inputs")
    q, k = (torch.randn(1, 1, length, 8, generator=generator) for _ in range(2))
    inputs = AttentionInputs(q, k, k, KeyRange.causal(length, length), 1.0)
    policy = attention_policy("hip", keys=KEYS, unit=UNIT, tile=TILE)
    scorer = policy.scorer
    assert isinstance(scorer, Tree)
    policy.choose(inputs)
    return float(scorer.products)
