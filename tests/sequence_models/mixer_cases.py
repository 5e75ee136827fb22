"""Every registered causal mixer, and the variants of those that are several models in one."""

import torch

from sparsetime import seeds
from sparsetime.registry import components_of

D = 8
MEMORY = {"d": D, "heads": 2}
VARIANTS = {
    "linear attention": {"kind": "associative", **MEMORY, "loss": "dot"},
    "lightning": {"kind": "associative", **MEMORY, "loss": "dot", "retention": "fixed"},
    "gated": {"kind": "associative", **MEMORY, "loss": "dot", "retention": "gate", "d_key": 3},
    "delta rule": {"kind": "associative", **MEMORY},
    "delta rule with momentum": {"kind": "associative", **MEMORY, "momentum": True},
    "titans": {
        **{"kind": "associative", **MEMORY, "retention": "gate"},
        **{"momentum": True, "chunk": 4},
    },
    "huber": {"kind": "associative", **MEMORY, "loss": "huber", "chunk": 4},
    "pseudo_huber": {"kind": "associative", **MEMORY, "loss": "pseudo_huber", "chunk": 4},
    "window": {"kind": "attention", "d": D, "heads": 2, "window": 5},
    "sparsemax": {"kind": "hopfield", **MEMORY, "separation": "sparsemax"},
    "lssl random": {"kind": "lssl", "d": D, "states": 3, "transition": "random"},
    "lstm": {"kind": "rnn", "d": D, "cell": "lstm"},
}
KINDS = components_of("mixer")
WHOLE_SEQUENCE = [kind for kind, mixer in KINDS.items() if not mixer.is_causal]
CONFIGS = {
    kind: {"kind": kind, **mixer.example} for kind, mixer in KINDS.items() if mixer.is_causal
} | VARIANTS


def mixer_of(name, dtype=torch.float64):
    """The mixer of a case, with the same weights at every call."""
    from sparsetime.sequence_models.mixers.mixer import Mixer

    config = CONFIGS.get(name) or {"kind": name, **KINDS[name].example}
    with seeds.torch_globals(0, "random inputs"):
        return Mixer.from_config(config).to(dtype)


def sequences(time, batch=2, dtype=torch.float64):
    generator = seeds.torch_generator(1, "random inputs")
    return torch.randn(batch, time, D, generator=generator, dtype=dtype)
