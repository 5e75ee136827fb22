"""Plain weights of a dictionary of ours, in the units of raw activations."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.decoders.cross_layer import CrossLayerBase
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.matching_pursuit import MatchingPursuitEncoder
from sparsetime.dictionaries.encoders.row_normalised import RowNormalisedEncoder
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.encoders.stopping_pursuit import StoppingPursuitEncoder
from sparsetime.dictionaries.objectives.gate_l1 import GateL1
from sparsetime.dictionaries.objectives.l1 import L1
from sparsetime.dictionaries.objectives.scaled_l1 import ScaledL1
from sparsetime.dictionaries.skip_connections.linear import LinearSkip
from sparsetime.dictionaries.skip_connections.row_statistics import RowStatisticsSkip
from sparsetime.dictionaries.sparsifiers.batch_top_k import BatchTopK
from sparsetime.dictionaries.sparsifiers.free_threshold import FreeThreshold
from sparsetime.dictionaries.sparsifiers.gated import Gated
from sparsetime.dictionaries.sparsifiers.gated_magnitude import GatedMagnitude
from sparsetime.dictionaries.sparsifiers.jumprelu import JumpReLU
from sparsetime.dictionaries.sparsifiers.relu import ReLU
from sparsetime.dictionaries.sparsifiers.top_k import TopK
from sparsetime.errors import ConfigError
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

# Encoders that are one dot product a latent with the row itself.
_LINEAR = ("linear", "uncentred", "tied", "row_normalised")
_PURSUITS = (MatchingPursuitEncoder, StoppingPursuitEncoder)


@torch.no_grad()
def extracted(dictionary: Dictionary) -> PlainWeights:
    """The weights of a dictionary, with its scale multiplied into them.

    Activation values are then in units of raw activations: those of the dictionary times its scale.
    With a scale of 1 every number is kept as it is.

    Errors: ConfigError for a dictionary that is more than a linear encoder, a rule for each row and
    a linear decoder, naming what would be lost.
    """
    _check_expressible(dictionary)
    encoder = dictionary.encoder
    if isinstance(encoder, RowNormalisedEncoder):
        weight, own = encoder.weight.detach(), encoder.row_bias.detach()
    elif isinstance(encoder, SelectLinearEncoder):
        weight, own = encoder.directions().detach(), encoder.bias.detach()
    else:
        weight, own = dictionary.atoms.detach(), torch.zeros(dictionary.width)
    bias = own
    scale = dictionary.output_normalisation.scale
    is_transcoder = dictionary.out_dims is not None
    skip = dictionary.skip.weight.detach() if isinstance(dictionary.skip, LinearSkip) else None
    decoder_bias = dictionary.decoder.bias.detach() * scale
    if is_transcoder:
        # The encoder reads x / s_in - offset; the offset goes into the biases.
        bias = bias - weight @ dictionary.offset
        weight = weight * (scale / dictionary.normalisation.scale)
        if skip is not None:
            decoder_bias = decoder_bias - (skip @ dictionary.offset) * scale
            skip = skip * (scale / dictionary.normalisation.scale)
    groups = dictionary.groups
    return PlainWeights(
        encoder=weight.clone(),
        encoder_bias=bias * scale,
        decoder=dictionary.atoms.detach().clone(),
        decoder_bias=decoder_bias,
        activation=_activation(dictionary, scale, bias, bias - own),
        subtracts_offset=not is_transcoder and encoder.subtracts_offset,
        is_transcoder=is_transcoder,
        skip=skip,
        groups=groups if len(groups) > 1 else None,
        row_norm=encoder.norm if isinstance(encoder, RowNormalisedEncoder) else None,
        provenance=dict(dictionary.provenance),
    )


def _check_expressible(dictionary: Dictionary) -> None:
    """Errors: ConfigError naming what no other library's files express."""
    lost = []
    encoder, decoder = dictionary.encoder, dictionary.decoder
    if dictionary.is_stateful:
        lost.append("codes that depend on earlier rows of a sequence")
    if encoder.kind not in _LINEAR and not isinstance(encoder, _PURSUITS):
        lost.append(f"the encoder {encoder.kind!r}, which is no single linear map")
    joined = len(dictionary.in_dims) > 1 or len(dictionary.out_dims or ()) > 1
    if joined or isinstance(decoder, CrossLayerBase):
        lost.append(f"several joined sites ({len(dictionary.in_dims)})")
    elif type(decoder).decode is not Decoder.decode or type(decoder).written is not Decoder.written:
        lost.append(f"the decoder {decoder.kind!r}, which is no sum of one atom a latent")
    if isinstance(encoder, RowNormalisedEncoder) != isinstance(dictionary.skip, RowStatisticsSkip):
        lost.append("rows that are normalised and not restored, or the other way round")
    elif dictionary.skip is not None and not isinstance(dictionary.skip, RowStatisticsSkip):
        if not isinstance(dictionary.skip, LinearSkip):
            lost.append(f"the skip connection {dictionary.skip.kind!r}, which is no linear map")
        elif dictionary.out_dims is None:
            lost.append("a skip connection from a site to itself")
    known = (ReLU, TopK, BatchTopK, JumpReLU, FreeThreshold, Gated, GatedMagnitude)
    if not isinstance(dictionary.sparsifier, known):
        lost.append(f"the sparsifier {dictionary.sparsifier.kind!r}")
    if lost:
        raise ConfigError(
            f"got the dictionary {dictionary.name!r}, expected one linear encoder, a rule for each "
            f"row and one linear decoder, which is all that other libraries' files hold; would be "
            f"lost: {'; '.join(lost)}. Keep it in the format of sparsetime"
        )


def _activation(
    dictionary: Dictionary,
    scale: Float[Tensor, ""],
    bias: Float[Tensor, " width"],
    moved: Float[Tensor, " width"],
) -> Activation:
    """The rule of the dictionary in raw units.

    bias: the encoder's, in normalised units, with any offset in it; moved: less its own.
    """
    sparsifier, encoder = dictionary.sparsifier, dictionary.encoder
    match sparsifier:
        case TopK() if isinstance(encoder, MatchingPursuitEncoder):
            return PursuitCode(sparsifier.k)
        case TopK() if isinstance(encoder, StoppingPursuitEncoder):
            least = encoder.residual_threshold * float(scale)
            return PursuitCode(sparsifier.k, least, encoder.stops_on_repeat)
        case TopK():
            return TopKCode(sparsifier.k)
        case BatchTopK():
            return BatchTopKCode(sparsifier.k, float(sparsifier.threshold * scale))
        case JumpReLU() | FreeThreshold():
            own = sparsifier.threshold if isinstance(sparsifier, FreeThreshold) else None
            threshold = sparsifier.thresholds() if own is None else own
            return ThresholdCode(threshold.detach() * scale)
        case Gated():
            log_scale = sparsifier.log_scale.detach().clone()
            magnitude_bias = log_scale.exp() * bias + sparsifier.shift.detach()
            return GatedCode(log_scale, magnitude_bias * scale, _l1(dictionary))
        case GatedMagnitude():
            log_scale = sparsifier.log_scale.detach().clone()
            magnitude_bias = sparsifier.magnitude_bias.detach() + log_scale.exp() * moved
            return GatedCode(log_scale, magnitude_bias * scale, _l1(dictionary))
    return ReLUCode(_l1(dictionary))


def _l1(dictionary: Dictionary) -> float | None:
    """Weight of the sparsity penalty in the units of raw activations, where the scale is 1."""
    if float(dictionary.output_normalisation.scale) != 1:
        return None
    weights = (
        term.weight
        for term in dictionary.objective.members
        if isinstance(term, L1 | ScaledL1 | GateL1)
    )
    return next(weights, None)
