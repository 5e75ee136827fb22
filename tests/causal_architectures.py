"""Tiny random models of the causal architectures of transformers, by their configurations."""

import os

import torch

from sparsetime import seeds

os.environ.setdefault("HF_HUB_OFFLINE", "1")

_NUMBERS = {
    61: ("vocab_size",),
    32: (
        *("hidden_size", "n_embd", "d_model", "embedding_size", "emb_dim", "word_embed_proj_dim"),
        *("attention_hidden_size",),
    ),
    48: (
        *("intermediate_size", "ffn_dim", "n_inner", "decoder_ffn_dim", "encoder_ffn_dim"),
        *("dff", "dim_ff", "ffn_hidden_size"),
    ),
    2: (
        *("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers"),
        *("encoder_layers", "num_key_value_heads", "num_experts_per_tok", "eos_token_id"),
    ),
    4: (
        *("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads"),
        *("encoder_attention_heads", "num_experts", "num_local_experts", "n_routed_experts"),
        *("rotary_dim",),
    ),
    8: (
        *("head_dim", "dim_head", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"),
        *("ssm_state_size", "state_size", "mamba_d_state"),
    ),
    16: ("q_lora_rank", "kv_lora_rank"),
    24: ("moe_intermediate_size", "shared_expert_intermediate_size"),
    64: ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"),
    1: ("n_group", "topk_group", "bos_token_id"),
    0: ("pad_token_id",),
}
_SIZES = {name: number for number, names in _NUMBERS.items() for name in names}
_LARGEST = 20_000_000  # parameters
# Tried in order: configurations differ in which sizes must agree, and which are derived.
_CHANGES = (
    {},
    {"num_key_value_heads": 4},
    {"head_dim": None},
    {"head_dim": None, "num_key_value_heads": 4},
    {"num_hidden_layers": None},
)


def causal_architectures():
    """Return the names of all architectures with a causal language model."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return list(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def tiny_causal_model(name):
    """Return a random model of two layers and 32 dimensions; raise what its last try raised."""
    from transformers import CONFIG_MAPPING

    base = CONFIG_MAPPING[name]()
    problem = None
    for change in _CHANGES:
        try:
            return _model(base, {**_SIZES, **change})
        except Exception as error:  # of the checks of any configuration
            problem = problem or error
    raise problem


def _model(base, sizes):
    from transformers import AutoModelForCausalLM

    kept = {name: size for name, size in sizes.items() if size is not None and _has(base, name)}
    layers = getattr(base, "layer_types", None)
    if isinstance(layers, list) and len(layers) > 2 and "num_hidden_layers" in kept:
        kept["layer_types"] = layers[-2:]  # the last ones are of both kinds where there are two
    config = type(base)(**kept)
    if hasattr(config, "is_decoder"):
        config.is_decoder = True
    with torch.device("meta"):
        size = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    if size > _LARGEST:
        raise ValueError(f"its smallest configuration has {size:,} parameters")
    with seeds.torch_globals(0, "random inputs"):
        model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        model(input_ids=torch.arange(3, 15)[None])
    return model


def _has(config, name):
    try:
        return hasattr(config, name)
    except Exception:  # some attributes may only be read of one layer
        return False
