"""Initialisation of dictionaries: random weights, then from a sample of activations."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.sampling.batch import Batch, check_needs
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import required
from sparsetime.dictionaries.normalisation import geometric_median
from sparsetime.errors import DataError
from sparsetime.kernels import BatchTopKRule

# Rows of the sample from which the scale of the first codes is estimated.
_SCALED_FROM = 1024
# Where atoms live in another space than the encoder's directions, their first sums have nothing to
# do with the target, and the best factor is near 0. Latents of exactly 0 would not learn.
_LEAST = 0.1


def reset_parameters(dictionary: Dictionary, seed: int = 0) -> None:
    """Random atoms, and the encoder as their transpose, or random too where spaces differ."""
    if dictionary.decoder.bias.is_meta:
        return
    generator = seeds.torch_generator(seed, "initial weights")
    dictionary.decoder.reset_parameters(generator)
    directions = dictionary.atoms.detach()
    if dictionary.out_dims is not None:
        directions = torch.randn(dictionary.width, dictionary.d_in, generator=generator)
        directions /= directions.norm(dim=1, keepdim=True)
    for part in dictionary.components:
        if part is not dictionary.decoder:
            part.reset_parameters(generator)
    dictionary.encoder.init_from(directions)


@torch.no_grad()
def init_from_data(
    dictionary: Dictionary, sample: Batch | Float[Tensor, "rows d"], robust_scale: bool = False
) -> None:
    """Initialise from a sample: scales, offsets at the geometric median, and components.

    The dictionary `is_fitted` then. robust_scale: measure the scales by medians; see
    `Normalisation.fit`.

    Errors: DataError where the sample lacks a target that the dictionary writes, or does not vary.
    """
    batch = Batch.of(sample)
    dictionary.normalisation.fit(batch.site_rows, robust_scale)
    x = target = dictionary.normalisation.normalise(batch.site_rows)
    if dictionary.out_dims is None:
        dictionary.decoder.bias.copy_(geometric_median(x))
    else:
        check_needs(frozenset({"target"}), batch.fields, dictionary.name, "the first batch")
        raw_target = required(batch.target, "target")
        dictionary.target_normalisation.fit(raw_target, robust_scale)
        target = dictionary.target_normalisation.normalise(raw_target)
        dictionary.offset.copy_(geometric_median(x))
        dictionary.decoder.bias.copy_(geometric_median(target))
    dictionary.decoder.init_from_data(target - dictionary.decoder.bias)
    if dictionary.decoder.from_data and dictionary.out_dims is None:
        dictionary.encoder.init_from(dictionary.atoms)
    for part in dictionary.components:
        if part is not dictionary.decoder:
            part.init_from_data(target if part.role == "term" else dictionary.centred(x))
    if _can_scale(dictionary):
        some, rows = batch.segments, _SCALED_FROM
        if some is not None:
            some = some.within(_SCALED_FROM)
            rows = some.rows
        inputs = EncoderInput(dictionary.centred(x)[:rows], segments=some)
        _set_first_l0(dictionary, inputs)
        factor = _first_scale(dictionary, inputs, target[:rows])
        dictionary.encoder.rescale(factor)
        dictionary.sparsifier.rescale(factor)
    check_weights_finite(dictionary, "was fitted to the first batch")
    dictionary.is_fitted = True


def check_weights_finite(dictionary: Dictionary, event: str) -> None:
    """Check every weight and every fitted number.

    event: what was done before, for the error. Errors: DataError naming the first that is NaN or
    infinite.
    """
    for name, tensor in dictionary.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DataError(
                f"{name} of the dictionary {dictionary.name!r} is not finite after it {event}, "
                "though the activations are; look for rows far larger than the others, scale "
                "them, or lower the learning rate"
            )


def _can_scale(dictionary: Dictionary) -> bool:
    """Whether encoder and sparsifier can be rescaled together, so that no place changes.

    If the caller froze one of them, the other one must keep its scale too.
    """
    encoder, sparsifier = dictionary.encoder, dictionary.sparsifier
    parameters = (*encoder.parameters(), *sparsifier.parameters())
    free = all(parameter.requires_grad for parameter in parameters)
    return encoder.scalable and sparsifier.scale_free and free


def _set_first_l0(dictionary: Dictionary, inputs: EncoderInput) -> None:
    """Set all thresholds to where `first_l0` latents a row are active.

    Where fewer are positive, four in five of the positive ones are active.
    """
    if dictionary.sparsifier.first_l0 is None:
        return
    k = min(dictionary.width, math.ceil(dictionary.sparsifier.first_l0))
    _, pre = dictionary.encoder.encode_train(inputs, BatchTopKRule(k), torch.float32)
    pre = pre[pre > 0].sort().values
    if len(pre):
        least = 0 if len(pre) >= k * inputs.x.shape[0] else len(pre) // 5
        # A little below the entry that decides it: at it, rounding would.
        dictionary.sparsifier.set_threshold(float(pre[least]) * (1 - 1e-4))


def _first_scale(
    dictionary: Dictionary, inputs: EncoderInput, target: Float[Tensor, "rows d_out"]
) -> float:
    """The factor on the first codes.

        factor = best max(best, share),    best = Σ_n <s_n, t_n> / Σ_n ||s_n||²,
        s_n = Σ_i z_{n,i} atom_i

    t: the target less offset and skip connection. share: the largest `first_share` of the
    components. With `best`, in [0, 1], the sums s come nearest to the target; the factor is at
    least _LEAST.

    As many random atoms as a row keeps overlap, so that unscaled their sum goes far beyond the row,
    and the first part of a training would be spent on shrinking it. A penalty or a threshold that
    is learnt meanwhile may silence all latents. Of a trained dictionary `best` and the factor are
    about 1.
    """
    rule = dictionary.sparsifier.training_rule(inputs)
    support, pre = dictionary.encoder.encode_train(inputs, rule, torch.float32)
    values = dictionary.sparsifier.gate(pre, support, inputs)
    decoder = dictionary.decoder
    aim = target - decoder.bias
    if dictionary.skip is not None:
        aim = aim - dictionary.skip.predict(inputs.x)
    sums = decoder.decode(values, support) - decoder.bias
    size = float(sums.square().sum())
    fit = float((sums * aim).sum()) / size if size > 0 else 1.0
    best = min(1.0, max(0.0, fit))
    share = max(part.first_share for part in dictionary.components)
    return max(_LEAST, best * max(best, share))
