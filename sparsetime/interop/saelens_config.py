"""The config of a SAELens dictionary: version 6 and the flat one before, and the one we write."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Any, final, get_args

from sparsetime.dictionaries.row_statistics import RowNorm
from sparsetime.errors import ConfigError, DataError
from sparsetime.interop.config_values import finite_number, positive_integer
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.plain_weights import PlainWeights, PursuitCode, TopKCode

_KINDS = (
    *("standard", "topk", "jumprelu", "batchtopk", "matryoshka_batchtopk", "gated", "transcoder"),
    *("skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder", "matching_pursuit"),
)
_WHY = {
    "temporal": "its reconstruction has a predicted part that its code does not carry",
    "abstopk": "its values have both signs",
}
# Architectures whose rule ignores the scale of a row, so that it can be a factor of the code.
_SCALE_FREE = ("standard", "topk")
_VERSION = "6.0.0"  # the first with this form of config


@final
@dataclass(frozen=True)
class SAELensConfig:
    """What a config settles of the computation, and where the dictionary comes from.

    reads_centred: whether the model's stream had its mean over dimensions removed in training.
    rescaled: whether values are selected and returned times the atoms' lengths. input_factor: of
    the activations, not yet in the weights. row_norm: how each row is normalised. sizes: those
    that the config names.
    """

    architecture: str
    subtracts_offset: bool
    k: int = 0
    l1: float | None = None
    rescaled: bool = False
    input_factor: float = 1.0
    groups: tuple[int, ...] | None = None
    residual_threshold: float = 0.0
    stops_on_repeat: bool = False
    reads_centred: bool = False
    row_norm: RowNorm | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def is_transcoder(self) -> bool:
        """Whether another site is reconstructed than the one that is read."""
        return self.architecture.endswith("transcoder")


def config_of(raw: dict[str, Any], where: str, conventions: Conventions) -> SAELensConfig:
    """The config in cfg.json. Errors: ConfigError for what is not read; DataError for nonsense."""
    is_old = not isinstance(raw.get("metadata"), dict)
    metadata = raw if is_old else raw["metadata"]
    kind = _architecture(raw, is_old, where)
    k = _turns(raw, where) if kind == "matching_pursuit" else _k(raw, kind, where)
    reads_centred = _reads_centred(metadata, conventions)
    if raw.get("finetuning_scaling_factor") not in (None, False):
        raise ConfigError(
            f"{where}: got finetuning_scaling_factor, which changes the output; multiply W_dec by "
            "it in SAELens and save again"
        )
    return SAELensConfig(
        architecture=kind,
        subtracts_offset=_subtracts(raw, kind, is_old, conventions),
        k=k,
        l1=finite_number(raw.get("l1_coefficient")),
        rescaled=raw.get("rescale_acts_by_decoder_norm") is True,
        input_factor=_input_factor(raw, where, conventions),
        groups=_groups(raw, kind, where),
        residual_threshold=finite_number(raw.get("residual_threshold")) or 0.0,
        stops_on_repeat=raw.get("stop_on_duplicate_support") is not False,
        reads_centred=reads_centred,
        row_norm=_row_norm(raw, kind, reads_centred, where),
        sizes={n: raw[n] for n in ("d_in", "d_sae") if isinstance(raw.get(n), int)},
        provenance=_provenance(metadata),
    )


def written_config(weights: PlainWeights, kind: str) -> dict[str, Any]:
    """The config of version 6 for weights of an architecture of SAELens."""
    origin = weights.provenance
    hook = origin.get("hook") or origin.get("site")
    metadata = {
        "sae_lens_version": _VERSION,
        "sae_lens_training_version": None,
        "model_name": origin.get("model_name"),
        "hook_name": hook,
        "hook_name_out": origin.get("hook_out"),
        "hf_hook_name": origin.get("site"),
        "sparsetime": {n: v for n, v in origin.items() if isinstance(v, str)},
    }
    config = {
        "architecture": kind,
        "d_in": weights.d_in,
        "d_sae": weights.width,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": weights.subtracts_offset,
        "normalize_activations": weights.row_norm or "none",
        "reshape_activations": "hook_z" if str(hook).endswith("hook_z") else "none",
        "metadata": {name: value for name, value in metadata.items() if value is not None},
    }
    if weights.is_transcoder:
        config["d_out"] = weights.d_out
    match weights.activation:
        case TopKCode(k):
            config |= {"k": k, "rescale_acts_by_decoder_norm": False}
        case PursuitCode(turns, residual_threshold, stops_on_repeat):
            config |= {
                "max_iterations": turns,
                "residual_threshold": residual_threshold,
                "stop_on_duplicate_support": stops_on_repeat,
            }
    return config


def _architecture(raw: dict[str, Any], is_old: bool, where: str) -> str:
    kind = str(raw.get("architecture", "standard"))
    activation = raw.get("activation_fn", raw.get("activation_fn_str", "relu"))
    if is_old and activation == "topk":
        kind = "topk"
    elif is_old and activation != "relu":
        raise ConfigError(f"{where}: got the activation {activation!r}, expected 'relu' or 'topk'")
    if kind in _KINDS:
        return kind
    why = f": {_WHY[kind]}" if kind in _WHY else ""
    raise ConfigError(
        f"{where}: got the architecture {kind!r} of SAELens, expected one of {', '.join(_KINDS)}"
        f"{why}. Open it in SAELens and wrap its encode and decode with sparsetime.adopt"
    )


def _k(raw: dict[str, Any], kind: str, where: str) -> int:
    options = raw.get("activation_fn_kwargs")
    k = raw.get("k", options.get("k") if isinstance(options, dict) else None)
    if kind not in ("topk", "batchtopk", "matryoshka_batchtopk"):
        return 0
    number = finite_number(k)
    if number is None or number <= 0:
        raise DataError(f"{where}: got k={k!r} in cfg.json, expected a number of latents above 0")
    return ceil(number)


def _turns(raw: dict[str, Any], where: str) -> int:
    turns = raw.get("max_iterations")
    most = positive_integer(raw.get("d_in") if turns is None else turns)
    if most is None:
        raise DataError(f"{where}: got max_iterations={turns!r}, expected at least 1")
    return most


def _subtracts(raw: dict[str, Any], kind: str, is_old: bool, conventions: Conventions) -> bool:
    if kind.endswith("transcoder"):
        return False  # the library refuses anything else
    if isinstance(raw.get("apply_b_dec_to_input"), bool):
        return conventions.state("subtracts_offset", bool(raw["apply_b_dec_to_input"]))
    version = "before 6" if is_old else "6"
    reason = f"cfg.json does not say; SAELens {version} subtracts b_dec by default"
    return conventions.settle("subtracts_offset", True, reason)


def _reads_centred(metadata: dict[str, Any], conventions: Conventions) -> bool:
    """Whether the dictionary was trained on a stream that TransformerLens had centred."""
    options = metadata.get("model_from_pretrained_kwargs")
    is_centred = isinstance(options, dict) and options.get("center_writing_weights") is True
    return conventions.state("reads_centred", is_centred)


def _input_factor(raw: dict[str, Any], where: str, conventions: Conventions) -> float:
    """The factor by which activations are multiplied before they are encoded."""
    given = raw.get("normalize_activations", "none")
    if given is True:
        given = "expected_average_only_in"  # as versions before 3 wrote it
    if given in ("none", None, False, *get_args(RowNorm)):
        return 1.0
    if given == "expected_average_only_in":
        reason = (
            "normalize_activations is 'expected_average_only_in' and its factor is not in the "
            "file; SAELens encodes with these weights as they are"
        )
        return conventions.settle("input_factor", 1.0, reason)
    raise ConfigError(
        f"{where}: got normalize_activations={given!r}, which SAELens folds into the weights when "
        "it saves for inference; save it with save_inference_model"
    )


def _row_norm(raw: dict[str, Any], kind: str, reads_centred: bool, where: str) -> RowNorm | None:
    """How every row is normalised. Errors: ConfigError for rules that depend on a row's scale."""
    given = raw.get("normalize_activations")
    if given not in get_args(RowNorm):
        return None
    if kind not in _SCALE_FREE:
        raise ConfigError(
            f"{where}: got normalize_activations={given!r} of the architecture {kind!r}, which "
            "scales every row by its own spread before a threshold, so that a code alone cannot be "
            "decoded; wrap its encode and decode with sparsetime.adopt, or apply the normalisation "
            "to the activations first"
        )
    if given == "constant_norm_rescale" and reads_centred:
        raise ConfigError(
            f"{where}: got normalize_activations={given!r} of a stream that TransformerLens had "
            "centred, whose length is not that of the plain stream; wrap its encode and decode "
            "with sparsetime.adopt"
        )
    return given


def _groups(raw: dict[str, Any], kind: str, where: str) -> tuple[int, ...] | None:
    widths = raw.get("matryoshka_widths")
    if kind != "matryoshka_batchtopk" or not isinstance(widths, list):
        return None
    ends = [end for end in map(positive_integer, widths) if end is not None]
    if not ends or len(ends) < len(widths):
        raise DataError(
            f"{where}: got matryoshka_widths={widths!r} in cfg.json, expected numbers of latents "
            "above 0"
        )
    width = positive_integer(raw.get("d_sae"))
    return tuple(ends) if width is None or width == ends[-1] else (*ends, width)


def _provenance(metadata: dict[str, Any]) -> dict[str, Any]:
    hook = metadata.get("hook_name", metadata.get("hook_point"))
    names = {
        "model_name": metadata.get("model_name"),
        "hook": hook,
        "hook_out": metadata.get("hook_name_out"),
        "library": f"sae_lens {metadata.get('sae_lens_version', '')}".strip(),
        "prepend_bos": metadata.get("prepend_bos"),
        "from_pretrained": metadata.get("model_from_pretrained_kwargs") or None,
    }
    own = metadata.get("sparsetime")
    kept = own if isinstance(own, dict) else {}
    return {**kept, **{name: value for name, value in names.items() if value is not None}}
