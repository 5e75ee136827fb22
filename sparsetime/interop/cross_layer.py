"""Cross-layer transcoders, of which other libraries keep every layer apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.decoders.cross_layer import CrossLayerBase, FreeCrossLayerDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.per_site import PerSiteEncoder
from sparsetime.dictionaries.objectives.mse import MSE
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.objectives.scaled_l1 import ScaledL1
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.skip_connections.per_site import PerSiteSkip
from sparsetime.dictionaries.sparsifiers.batch_top_k import BatchTopK
from sparsetime.dictionaries.sparsifiers.free_threshold import FreeThreshold
from sparsetime.dictionaries.sparsifiers.jumprelu import JumpReLU
from sparsetime.dictionaries.sparsifiers.relu import ReLU
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import ConfigError, DataError


@final
@dataclass(frozen=True)
class CrossLayerPart:
    """One layer's latents of a cross-layer transcoder, in units of raw activations.

        z = relu(pre) where pre = W_e x + b_e > threshold
        y^(m) = b^(m) + W_s^(m) x^(m) + Σ_{l <= m} Σ_i z_i^(l) w_i^(l, m)

    encoder W_e: [width, d]; decoder w: [width, later, d], of this layer and those after it;
    decoder_bias b: [d] and skip W_s: [d, d] of this layer's output; threshold: None for ReLU.
    """

    encoder: Float[Tensor, "width d"]
    encoder_bias: Float[Tensor, " width"]
    decoder: Float[Tensor, "width later d"]
    decoder_bias: Float[Tensor, " d"]
    threshold: Float[Tensor, " width"] | None = None
    skip: Float[Tensor, "d d"] | None = None


def joined(parts: Sequence[CrossLayerPart], provenance: dict[str, Any], where: str) -> Dictionary:
    """A dictionary of all layers, whose sites and latents stand side by side in their order.

    Errors: DataError where layers differ in size, or not all have thresholds or a skip connection.
    """
    count, (width, d) = len(parts), parts[0].encoder.shape
    for number, part in enumerate(parts):
        _check_like_first(part, parts[0], number, count, where)
    has_threshold, has_skip = parts[0].threshold is not None, parts[0].skip is not None
    sparsifier: Sparsifier = FreeThreshold(width * count) if has_threshold else ReLU()
    terms: list[Term] = [MSE()] if has_threshold else [MSE(), ScaledL1(0.0)]
    dictionary = Dictionary(
        PerSiteEncoder(d * count, width * count, count),
        sparsifier,
        FreeCrossLayerDecoder(width * count, d * count, count),
        Objective(terms),
        in_dims=(d,) * count,
        out_dims=(d,) * count,
        skip=PerSiteSkip(d * count, d * count, count) if has_skip else None,
    )
    atoms = torch.zeros(count, width, count, d)
    for number, part in enumerate(parts):
        atoms[number, :, number:] = part.decoder
    tensors = {
        "encoder.weight": torch.cat([part.encoder for part in parts]),
        "encoder.bias": torch.cat([part.encoder_bias for part in parts]),
        "decoder.weight": atoms.flatten(2).flatten(0, 1),
        "decoder.bias": torch.cat([part.decoder_bias for part in parts]),
    }
    if has_threshold:
        known = [part.threshold for part in parts if part.threshold is not None]
        tensors["sparsifier.threshold"] = torch.cat(known)
    if has_skip:
        tensors["skip.weight"] = torch.stack([p.skip for p in parts if p.skip is not None])
    dictionary.load_state_dict({**dictionary.state_dict(), **tensors})
    dictionary.provenance = {**provenance, "layers": count}
    return dictionary


@torch.no_grad()
def parted(dictionary: Dictionary) -> list[CrossLayerPart]:
    """The layers of a cross-layer transcoder without skip, with its scales in the weights.

    Activation values stay those of the dictionary. With scales of 1 every number is kept as it is.

    Errors: ConfigError for any other dictionary, naming what would be lost.
    """
    _check_expressible(dictionary)
    encoder, count = dictionary.encoder, len(dictionary.in_dims)
    assert isinstance(encoder, PerSiteEncoder)
    scale_in, scale_out = dictionary.normalisation.scale, dictionary.output_normalisation.scale
    width, d = dictionary.width // count, dictionary.in_dims[0]
    atoms = (dictionary.atoms * scale_out).unflatten(1, (count, d)).unflatten(0, (count, width))
    bias_out = (dictionary.decoder.bias * scale_out).unflatten(0, (count, d))
    rows = encoder.weight.unflatten(0, (count, width))
    offset = dictionary.offset.unflatten(0, (count, d))
    by_site_in = scale_in.expand(d * count).unflatten(0, (count, d))
    bias = encoder.bias.unflatten(0, (count, width))
    thresholds = _thresholds(dictionary)
    return [
        CrossLayerPart(
            # It reads x / s_in - offset.
            encoder=(rows[number] / by_site_in[number]).clone(),
            encoder_bias=bias[number] - rows[number] @ offset[number],
            decoder=atoms[number, :, number:].clone(),
            decoder_bias=bias_out[number].clone(),
            threshold=None if thresholds is None else thresholds[number].clone(),
        )
        for number in range(count)
    ]


def _thresholds(dictionary: Dictionary) -> Float[Tensor, "layers width"] | None:
    sparsifier, count = dictionary.sparsifier, len(dictionary.in_dims)
    least: Tensor
    match sparsifier:
        case BatchTopK():
            least = sparsifier.threshold.clamp_min(0.0).expand(dictionary.width)
        case FreeThreshold():
            least = sparsifier.threshold.relu()
        case JumpReLU():
            least = sparsifier.thresholds()
        case _:
            return None
    by_layer: Tensor = least.detach().unflatten(0, (count, -1))
    return by_layer


def _check_expressible(dictionary: Dictionary) -> None:
    lost = []
    encoder, decoder, count = dictionary.encoder, dictionary.decoder, len(dictionary.in_dims)
    if not isinstance(encoder, PerSiteEncoder):
        lost.append(f"the encoder {encoder.kind!r}, expected one that reads a site a latent")
    if not isinstance(decoder, CrossLayerBase):
        lost.append(f"the decoder {decoder.kind!r}, expected atoms that write to later sites")
    if dictionary.out_dims is None or dictionary.out_dims != dictionary.in_dims:
        lost.append(f"sites of {list(dictionary.out_dims or ())} dimensions for {count} read")
    if not isinstance(dictionary.sparsifier, ReLU | BatchTopK | FreeThreshold | JumpReLU):
        lost.append(f"the sparsifier {dictionary.sparsifier.kind!r}")
    if dictionary.skip is not None:
        lost.append(f"the skip connection {dictionary.skip.kind!r}")
    if lost:
        raise ConfigError(
            f"got the dictionary {dictionary.name!r}, expected a cross-layer transcoder; would be "
            f"lost: {'; '.join(lost)}. Keep it in the format of sparsetime"
        )


def _check_like_first(
    part: CrossLayerPart, first: CrossLayerPart, number: int, count: int, where: str
) -> None:
    if part.encoder.shape != first.encoder.shape:
        raise DataError(
            f"{where}: got an encoder of layer {number} of shape {list(part.encoder.shape)}, "
            f"expected {list(first.encoder.shape)}, as of layer 0"
        )
    if part.decoder.shape[1] != count - number:
        raise DataError(
            f"{where}: got a decoder of layer {number} for {part.decoder.shape[1]} layers, "
            f"expected {count - number}: its own and those after it, of {count}"
        )
    for name in ("threshold", "skip"):
        if (getattr(part, name) is None) is not (getattr(first, name) is None):
            raise DataError(
                f"{where}: got a {name} in some layers and not in all, as layers 0 and {number} "
                "show; the files are not of one transcoder"
            )
