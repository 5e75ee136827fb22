"""Llamascopium (lm-saes): `config.json` and `sae_weights.safetensors` of an SAE or transcoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparsetime.errors import ConfigError, DataError
from sparsetime.interop.config_values import positive_integer
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import (
    Activation,
    PlainWeights,
    ReLUCode,
    ThresholdCode,
    TopKCode,
)

CONFIG, WEIGHTS = "config.json", "sae_weights.safetensors"
_THRESHOLD = "activation_function.log_jumprelu_threshold"
_NORM = "dataset_average_activation_norm."
_SHAPES: dict[str, Shape] = {
    "W_E": ("d", "width"),
    "b_E": ("width",),
    "W_D": ("width", "d"),
    "b_D": ("d",),
    _THRESHOLD: ("width",),
}


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of Llamascopium."""
    return source.has(CONFIG, WEIGHTS)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a Llamascopium dictionary, in raw activations. Errors: DataError, ConfigError.

        a: sqrt(d) / mean norm, of input and output;  W_e = a_in W_E;  w = W_D / a_out
        z_i active where pre_i ||W_D,i|| > theta_i    (`sparsity_include_decoder_norm`)

    Values are those that the library encodes from normalised activations; of topk with
    `sparsity_include_decoder_norm` they are those times the atoms' lengths, by which it chooses.
    """
    config = source.json(CONFIG)
    del conventions
    kind, act = config.get("sae_type", "sae"), str(config.get("act_fn", "relu")).lower()
    if kind != "sae" or config.get("use_glu_encoder") or act not in ("relu", "jumprelu", "topk"):
        raise ConfigError(
            f"{source.where}: got a {kind!r} of Llamascopium with the activation {act!r}"
            f"{' and a gated linear encoder' if config.get('use_glu_encoder') else ''}, expected "
            "an 'sae' with relu, jumprelu or topk (batchtopk depends on the other rows of a batch: "
            "convert it to jumprelu there); or wrap its encode and decode with sparsetime.adopt"
        )
    stored = source.safetensors(WEIGHTS)
    norms = {n.removeprefix(_NORM): t for n, t in stored.items() if n.startswith(_NORM)}
    optional = tuple(n for n in ("b_D", _THRESHOLD) if n == "b_D" or act != "jumprelu")
    weights = {n: t for n, t in stored.items() if not n.startswith(_NORM)}
    t = checked_tensors(weights, _SHAPES, source.where, optional)
    hooks = [config.get("hook_point_in"), config.get("hook_point_out")]
    factors = [_factor(config, norms, hook, t["W_E"].shape[0], source.where) for hook in hooks]
    encoder, bias, decoder = t["W_E"].T * factors[0], t["b_E"], t["W_D"]
    by_length = config.get("sparsity_include_decoder_norm", True) is True
    length = decoder.norm(dim=1) if by_length else torch.ones(len(decoder))
    if act == "topk" and by_length:
        # The choice is among values times lengths: the lengths go into the encoder's rows.
        encoder, bias, decoder = encoder * length[:, None], bias * length, decoder / length[:, None]
    names: dict[str, Any] = {"library": "Llamascopium", "hook": hooks[0], "hook_out": hooks[1]}
    if act == "topk" and by_length:
        names["values"] = "the library's times the lengths of its atoms"
    offset = t.get("b_D", torch.zeros(decoder.shape[1]))
    return PlainWeights(
        encoder=encoder.contiguous(),
        encoder_bias=bias,
        decoder=decoder / factors[1],
        decoder_bias=offset / factors[1],
        activation=_activation(act, config, t, length, source.where),
        subtracts_offset=False,
        is_transcoder=hooks[0] != hooks[1],
        provenance={name: value for name, value in names.items() if value is not None},
    )


def _activation(
    act: str, config: dict[str, Any], t: dict[str, Tensor], length: Tensor, where: str
) -> Activation:
    if act == "relu":
        return ReLUCode()
    if act == "jumprelu":
        return ThresholdCode(t[_THRESHOLD].exp() / length)
    k = positive_integer(config.get("top_k"))
    if k is None:
        raise DataError(
            f"{where}: got top_k={config.get('top_k')!r} in {CONFIG}, expected at least 1"
        )
    return TopKCode(k)


def _factor(
    config: dict[str, Any], norms: dict[str, Tensor], hook: Any, d: int, where: str
) -> float:
    """By which activations of a hook are multiplied; 1 where that is in the weights."""
    mode = config.get("norm_activation", "dataset-wise")
    if mode == "inference":
        return 1.0
    if mode != "dataset-wise":
        raise ConfigError(
            f"{where}: got norm_activation={mode!r}, which scales rows by their own norms, so that "
            "a code alone cannot be decoded; wrap its encode and decode with sparsetime.adopt"
        )
    known = norms.get(hook) if isinstance(hook, str) else None
    norm = float(known) if known is not None and known.numel() == 1 else 0.0
    if not 0 < norm < float("inf"):
        raise DataError(f"{where}: got no mean norm of {hook!r}, expected {_NORM}{hook}")
    return float(d**0.5 / norm)


register(
    ForeignFormat(
        "llamascopium",
        "Llamascopium",
        recognises,
        read,
        None,
        "the library's own class (2.0.0b34)",
    )
)
