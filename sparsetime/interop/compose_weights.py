"""A dictionary composed of plain weights, which keeps every number of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.free_norm import FreeNormDecoder
from sparsetime.dictionaries.decoders.unit_norm import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.encoders.linear import LinearEncoder
from sparsetime.dictionaries.encoders.row_normalised import RowNormalisedEncoder
from sparsetime.dictionaries.encoders.stopping_pursuit import StoppingPursuitEncoder
from sparsetime.dictionaries.encoders.uncentred import UncentredEncoder
from sparsetime.dictionaries.objectives.gate_l1 import GateL1
from sparsetime.dictionaries.objectives.gate_mse import GateMSE
from sparsetime.dictionaries.objectives.mse import MSE
from sparsetime.dictionaries.objectives.nested_mse import NestedMSE
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.objectives.scaled_l1 import ScaledL1
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.skip_connections.linear import LinearSkip
from sparsetime.dictionaries.skip_connections.row_statistics import RowStatisticsSkip
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection
from sparsetime.dictionaries.sparsifiers.batch_top_k import BatchTopK
from sparsetime.dictionaries.sparsifiers.free_threshold import FreeThreshold
from sparsetime.dictionaries.sparsifiers.gated_magnitude import GatedMagnitude
from sparsetime.dictionaries.sparsifiers.relu import ReLU
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.dictionaries.sparsifiers.top_k import TopK
from sparsetime.interop.plain_weights import (
    Activation,
    BatchTopKCode,
    GatedCode,
    PlainWeights,
    PursuitCode,
    ReLUCode,
    ThresholdCode,
    TopKCode,
)
from sparsetime.torch_settings import with_gradients

_UNIT = 1e-5  # how far the length of an atom may be from 1 to count as of unit length
_MANY = 10_000  # batches that a threshold counts as the mean of, so that training moves it slowly


def composed(weights: PlainWeights, name: str) -> Dictionary:
    """A dictionary with these weights, its scale 1: activation values are in the weights' units."""
    width, d_out = weights.width, weights.d_out
    with with_gradients():
        encoder = _encoder(weights)
        sparsifier, terms = _sparsifier(weights.activation, width)
        groups = weights.groups
        dictionary = Dictionary(
            encoder,
            sparsifier,
            _decoder(weights),
            Objective([MSE() if groups is None or len(groups) < 2 else NestedMSE(), *terms]),
            name,
            out_dims=(d_out,) if weights.is_transcoder else None,
            skip=_skip(weights),
        )
    tensors = {
        "decoder.weight": weights.decoder,
        "decoder.bias": weights.decoder_bias,
        **{f"sparsifier.{key}": value for key, value in _state(weights.activation).items()},
    }
    if weights.row_norm is not None:
        bias = weights.with_offset(False).encoder_bias
        tensors |= {"encoder.weight": weights.encoder, "encoder.row_bias": bias}
    elif not isinstance(weights.activation, PursuitCode):
        tensors |= {"encoder.weight": weights.encoder, "encoder.bias": weights.encoder_bias}
    if weights.skip is not None:
        tensors["skip.weight"] = weights.skip
    dictionary.load_state_dict({**dictionary.state_dict(), **tensors})
    dictionary.provenance = dict(weights.provenance)
    return dictionary


def _encoder(weights: PlainWeights) -> Encoder:
    width, d_in = weights.width, weights.d_in
    match weights.activation:
        case PursuitCode(_, residual_threshold, stops_on_repeat):
            return StoppingPursuitEncoder(d_in, width, residual_threshold, stops_on_repeat)
    if weights.row_norm is not None:
        return RowNormalisedEncoder(d_in, width, weights.row_norm)
    is_raw = not weights.subtracts_offset and not weights.is_transcoder
    return UncentredEncoder(d_in, width) if is_raw else LinearEncoder(d_in, width)


def _skip(weights: PlainWeights) -> SkipConnection | None:
    if weights.row_norm is not None:
        return RowStatisticsSkip(weights.d_in, weights.row_norm)
    return None if weights.skip is None else LinearSkip(weights.d_in, weights.d_out)


def _decoder(weights: PlainWeights) -> Decoder:
    lengths = weights.decoder.double().norm(dim=1)
    is_unit = bool(((lengths - 1).abs() < _UNIT).all())
    kind = UnitNormDecoder if is_unit else FreeNormDecoder
    return kind(weights.width, weights.d_out, weights.groups)


def _sparsifier(activation: Activation, width: int) -> tuple[Sparsifier, list[Term]]:
    """The sparsifier, and the terms besides reconstruction with which it trains."""
    match activation:
        case ReLUCode(l1):
            return ReLU(), [ScaledL1(l1 or 0.0)]
        case TopKCode(k) | PursuitCode(k):
            return TopK(k), []
        case BatchTopKCode(k):
            return BatchTopK(k), []
        case ThresholdCode():
            return FreeThreshold(width), []
        case GatedCode(l1=l1):
            return GatedMagnitude(width), [GateL1(l1 or 0.0), GateMSE()]


def _state(activation: Activation) -> dict[str, Tensor]:
    """Tensors of the sparsifier, by name."""
    state: dict[str, Any] = {}
    match activation:
        case BatchTopKCode(_, threshold):
            state = {
                "threshold": torch.tensor(threshold),
                "batches_seen": torch.tensor(_MANY),
            }
        case ThresholdCode(threshold):
            state = {"threshold": threshold}
        case GatedCode(log_scale, magnitude_bias):
            state = {"log_scale": log_scale, "magnitude_bias": magnitude_bias}
        case ReLUCode() | TopKCode() | PursuitCode():
            pass
    return state
