"""Delta coding: a code changes only as much as the reconstruction error asks."""

from __future__ import annotations

from typing import Any, final

from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import SparseCode
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.dictionaries.state.previous_code import PreviousCode
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


@final
@component("delta", example={"inner": {"kind": "top_k", "k": 4}})
class DeltaCoding(SparsifierWrapper):
    """Delta coding around an inner sparsifier.

        z[t] = z[t - 1]    where |x - z[t - 1] D|^2 <= |x - y[t] D|^2 + tolerance

    Otherwise latents take their value in y[t], those that differ most first, until the bound holds.
    y: the code of the inner sparsifier; D: the decoder's rows. So the error of a step is at most
    the tolerance above the inner one's. Training is the inner sparsifier's.

    tolerance: in units of the normalised activation, whose mean squared distance from its mean is
    1. So it is the fraction of variance unexplained that may be added.

    Source: Neil et al. 2017, Delta Networks for Optimized Recurrent Network Computation,
    arXiv:1612.05571, whose units send only changes above a threshold. Here a threshold on the
    reconstruction decides for a whole code.
    """

    def __init__(self, width: int, inner: dict[str, Any], tolerance: float = 0.02) -> None:
        if tolerance < 0:
            raise ConfigError(
                f"got tolerance={tolerance}, expected a share of the variance of at least 0"
            )
        super().__init__(width, inner, tolerance=tolerance)
        self.tolerance = tolerance

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is not None or composition.skip is not None:
            return (
                "the sparsifier 'delta' compares the activation with what its code sums to, so "
                "that nothing else may be reconstructed: leave out `d_out` and the base"
            )
        return super().incompatibility(composition)

    def code(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> SparseCode:
        segments = inputs.in_time
        fresh = self.inner.code(pre, support, inputs)
        past = inputs.state.get(self) or PreviousCode.none(segments.count, self.width, inputs.x)
        code = kernels.delta_code(
            fresh,
            inputs.x,
            self.decoder.vectors(),
            segments.offsets,
            self.tolerance,
            past.code,
        )
        inputs.state.set(self, past.after(code, segments))
        return code
