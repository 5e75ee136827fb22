"""A small policy of every recipe of attention, and a small model to attach it to."""

import torch

import sparsetime as st
from sparsetime import seeds
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.key_range import KeyRange

CARDS = {card.name: card for card in st.recipes(kind="attention policy")}
# Units and windows that fit a few dozen keys.
SMALL = {
    "quest": {"page": 4, "skip_layers": 0},
    "moba": {"block": 4},
    "streaming_llm": {"window": 8, "sinks": 2},
    "sliding_window": {"window": 8},
    "loki": {"size": 4},
    "double_sparsity": {"channels": 4},
    "sample_attention": {"mass": 0.5, "sampled": 8, "window": 4, "tile": 4},
    "flex_prefill": {"mass": 0.6, "block": 4, "sampled": 8},
    "hip": {"tile": 4},
    "pbs_attn": {"mass": 0.5, "block": 4, "segment": 8},
    "dhsa": {"chunk": 5},
    "zipvl": {"mass": 0.5, "sampled": 8, "window": 4, "tile": 4},
    "power_attention": {"window": 4},
    "delta_llm": {"window": 4},
    "sparse_transformer": {"stride": 6},
    "combiner": {"block": 6},
    "neighbourhood": {"shape": [5, 8]},
    "sparsed": {"block": 4, "dense": 0},
    "snapkv": {"observed": 4, "pool": 3, "window": 2},
}


def small(name, **settings):
    own = {"keys": 12} if "keys" in CARDS[name].defaults else {}
    return st.attention_policy(name, **{**own, **SMALL.get(name, {}), **settings})


def call(queries=40, keys=40, causal=True, seed=0, batch=2):
    """Inputs of one call, with grouped queries and odd values."""
    generator = seeds.torch_generator(seed, "random inputs")
    q = 2 * torch.randn(batch, 4, queries, 8, generator=generator)
    k, v = (torch.randn(batch, 2, keys, 8, generator=generator) for _ in range(2))
    readable = KeyRange.causal(queries, keys) if causal else KeyRange.bidirectional(queries, keys)
    return AttentionInputs(q, k, v, readable, 8**-0.5, is_causal=causal)


def fitted(policy, inputs):
    if policy.needs_fit:
        policy.scorer.fit([inputs])
    return policy


def small_llama(layers=2):
    """A small causal model with grouped queries, and its tokens [2, 24]."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    with seeds.torch_globals(0, "initial weights of a testbed"):
        model = LlamaForCausalLM(config).eval()
    generator = seeds.torch_generator(0, "random tokens")
    return model, torch.randint(1, 50, (2, 24), generator=generator)
