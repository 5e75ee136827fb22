"""Decoder whose atoms are the sources that lagged covariances identify."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.errors import ConfigError

# Directions with less than this share of the largest variance are not whitened, and get no atom.
_LEAST_VARIANCE = 1e-4
# Atoms are computed this often, and after the last batch.
_TIMES = 32


@final
@component("lagged_covariance")
class LaggedCovarianceDecoder(Decoder):
    """Atoms of sources that are uncorrelated at every lag and differ in autocorrelation.

        C_l = E[x_t x_{t-l}^T],   V C_0 V^T = 1,   M = Σ_{l=1}^{lags} V (C_l + C_l^T) V^T / 2
        M u_i = m_i u_i,    a_i = V^+ u_i / ||V^+ u_i||,    z_i = ||V^+ u_i|| u_i^T V x

    Sparsity cannot identify Gaussian sources, whose sums look alike from every direction. Their
    spectra can, where the m_i differ. An atom and its opposite are two latents, i and
    i + width / 2, so that values are positive; sources with the largest |m_i| come first. Places
    beyond the number of sources have length zero. No gradient moves an atom: moments are summed
    over the training batches.

    weight: [width, d_out], unit or zero rows; unmixing: [width, d_out], with z = unmixing x.

    Source: Tong, Soon, Huang, Liu 1990, AMUSE: a new blind identification algorithm, ISCAS; sums
    over several lags are after Belouchrani et al. 1997, A blind source separation technique using
    second-order statistics, which diagonalises the lags jointly.

    Errors: ConfigError for an odd width, or no lag.
    """

    grows_by_rows = True
    needs = frozenset({"segments"})
    divides_rows = False
    undivided = "atoms are eigenvectors of all activations"
    weight: Tensor
    unmixing: Tensor
    moments: Tensor
    pairs: Tensor
    reached: Tensor

    def __init__(self, width: int, d_out: int, lags: int = 4) -> None:
        if width % 2 or lags < 1:
            raise ConfigError(
                f"got width={width} and lags={lags}, expected an even width, since an atom and "
                "its opposite are two latents, and at least one lag"
            )
        super().__init__(width=width, d_out=d_out, lags=lags)
        self.width, self.d_out, self.groups, self.lags = width, d_out, (width,), lags
        self.register_buffer("weight", torch.zeros(width, d_out))
        self.register_buffer("unmixing", torch.zeros(width, d_out))
        self.register_buffer("bias", torch.zeros(d_out))
        self.register_buffer("moments", torch.zeros(lags + 1, d_out, d_out))
        self.register_buffer("pairs", torch.zeros(lags + 1))
        self.register_buffer("reached", torch.tensor(0))

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.encoder.kind == "unmixing" and composition.out_dims is None:
            return None
        return (
            f"got the encoder {composition.encoder.kind!r} or another site to write to, expected "
            "the encoder that reads what this decoder computes; take 'unmixing', on one site"
        )

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, used until the first batch."""
        half = torch.randn(self.width // 2, self.d_out, generator=generator)
        half /= half.norm(dim=1, keepdim=True)
        self.weight.copy_(torch.cat([half, -half]))
        self.unmixing.copy_(self.weight)
        for buffer in (self.moments, self.pairs, self.reached):
            buffer.zero_()

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        segments = required(step.batch.segments, "segments")
        x = step.target - self.bias
        for lag in range(self.lags + 1):
            later = (segments.position >= lag).nonzero().squeeze(1)
            self.moments[lag].addmm_(x[later].T, x[later - lag])
            self.pairs[lag] += later.numel()
        if step.progress >= 1 or int(step.progress * _TIMES) >= int(self.reached):
            self.reached.fill_(int(step.progress * _TIMES) + 1)
            self._identify()

    def _identify(self) -> None:
        """Set atoms and unmixing from the moments so far."""
        moments = self.moments.double() / self.pairs.clamp_min(1).double()[:, None, None]
        variance, axes = torch.linalg.eigh((moments[0] + moments[0].T) / 2)
        kept = variance > _LEAST_VARIANCE * variance.max()
        whitening = (axes[:, kept] / variance[kept].sqrt()).T
        lagged = moments[1:].sum(0)
        m, u = torch.linalg.eigh(whitening @ (lagged + lagged.T) @ whitening.T / 2)
        u = u[:, m.abs().argsort(descending=True)[: self.width // 2]]
        mixing = ((axes[:, kept] * variance[kept].sqrt()) @ u).T
        length = mixing.norm(dim=1, keepdim=True)
        half, count = self.width // 2, len(mixing)
        for buffer, rows in (
            (self.weight, mixing / length),
            (self.unmixing, length * (u.T @ whitening)),
        ):
            buffer.zero_()
            buffer[:count] = rows.to(buffer)
            buffer[half : half + count] = -rows.to(buffer)
