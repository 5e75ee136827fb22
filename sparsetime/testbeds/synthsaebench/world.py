"""SynthSAEBench: a world of true features, and rows of it by number."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtri
from torch import Tensor
from torch.nn.functional import embedding_bag

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.testbeds.synthsaebench.feature_tree import (
    compensated_frequencies,
    feature_tree,
    zipf_frequencies,
)
from sparsetime.testbeds.synthsaebench.feature_vectors import feature_vectors
from sparsetime.testbeds.synthsaebench.settings import SynthSAEBenchSettings

#: Rows that are drawn from one stream of random numbers.
ROWS_OF_BLOCK = 1024


@final
class SynthSAEBench:
    """Activations x = sum_i a_i v_i + b of 16,384 features in 768 dimensions, with their truth.

    Features are active together as a Gaussian copula of low rank says, children only under an
    active parent and one of a parent at a time, and a child's value is scaled by its parent's:

        active_i: eta_i * sqrt(1 - |f_i|^2) + f_i . e > Phi^-1(1 - q_i),   e, eta ~ N(0, I)
        a_i = max(0, m_i + s_i z_i) * a_parent / m_parent

    Rows come in blocks of 1,024, each a function of the seed, a part ("train", ...) and its number,
    so that no row is stored and any can be had again.

    vectors: [features, d], of length one. bias: [d]. factors: f. frequencies: probabilities that
    the features are active, to first order; drawn: q, that of a draw under an active parent. mean
    and spread: m and s. tree: parents and children. The published world is a draw of its own, which
    this does not repeat: settings and distribution are equal, the vectors are not.

    Source: Chanin and Garriga-Alonso, "SynthSAEBench" (arXiv 2602.14687).
    """

    def __init__(self, settings: SynthSAEBenchSettings | None = None, show: bool = False) -> None:
        self.settings = chosen = settings or SynthSAEBenchSettings()
        self.vectors: Float[Tensor, "features d"] = feature_vectors(chosen, show)
        random = seeds.numpy_generator(chosen.seed, "SynthSAEBench", "bias")
        bias = random.standard_normal(chosen.d)
        bias *= chosen.bias_norm / np.linalg.norm(bias)
        self.bias: Float[Tensor, " d"] = torch.from_numpy(bias).float()
        self.tree = feature_tree(chosen)
        self.frequencies = zipf_frequencies(chosen)
        self._set_copula()
        self.mean: Float[np.ndarray, " features"] = np.linspace(
            chosen.highest_value, chosen.lowest_value, chosen.features, dtype=np.float32
        )
        random = seeds.numpy_generator(chosen.seed, "SynthSAEBench", "spread")
        spread = chosen.mean_spread + chosen.spread_spread * random.standard_normal(chosen.features)
        self.spread: Float[np.ndarray, " features"] = np.abs(spread).astype(np.float32)

    def _set_copula(self) -> None:
        """Factors f, and factors and thresholds over the deviation of each feature's own part."""
        chosen = self.settings
        random = seeds.numpy_generator(chosen.seed, "SynthSAEBench", "correlations")
        shape = (chosen.features, chosen.correlation_rank)
        factors = chosen.correlation_scale * random.standard_normal(shape)
        # At least a hundredth of the variance is a feature's own.
        common = np.square(factors).sum(axis=1)
        factors *= np.sqrt(np.minimum(1, 0.99 / np.maximum(common, 1e-12)))[:, None]
        self.factors: Float[np.ndarray, "features rank"] = factors
        self.drawn = compensated_frequencies(self.frequencies, self.tree)
        own = np.sqrt(1 - np.square(factors).sum(axis=1))
        self._factors = (factors / own[:, None]).astype(np.float32)
        self._thresholds = (ndtri(1 - self.drawn) / own).astype(np.float32)
        self._unconditional = self.tree.unconditional
        self._unconditional_factors = torch.from_numpy(self._factors[self._unconditional]).T
        self._unconditional_thresholds = torch.from_numpy(self._thresholds[self._unconditional])
        largest = -ndtri(np.arange(256) / 256)
        self._largest_score = np.nextafter(largest.astype(np.float32), np.float32(np.inf))

    def code(self, block: int, part: str = "train") -> SparseCode:
        """The true code of a block: active features and their values, of shape (1024,)."""
        from sparsetime.testbeds.synthsaebench.loops import active_features

        random = seeds.numpy_generator(self.settings.seed, "SynthSAEBench", part, block)
        shape = (ROWS_OF_BLOCK, self._factors.shape[1])
        common = random.standard_normal(shape, dtype=np.float32)
        scores = torch.addmm(
            self._unconditional_thresholds,
            torch.from_numpy(common),
            self._unconditional_factors,
            alpha=-1,
        ).numpy()
        words = random.bit_generator.random_raw(-(-scores.size // 8))
        buckets = words.view(np.uint8)[: scores.size].reshape(scores.shape)
        offsets, indices, values = active_features(
            random,
            scores,
            buckets,
            self._largest_score,
            self._unconditional,
            common,
            self._factors,
            self._thresholds,
            self.tree.first_child,
            self.tree.children,
            self.mean,
            self.spread,
        )
        return SparseCode(
            torch.from_numpy(offsets),
            torch.from_numpy(indices),
            torch.from_numpy(values),
            self.settings.features,
            (ROWS_OF_BLOCK,),
        )

    def activations(self, code: SparseCode) -> Float[Tensor, "rows d"]:
        """Sums of the active features' vectors, and the bias."""
        sums = embedding_bag(
            code.indices,
            self.vectors,
            code.offsets,
            mode="sum",
            per_sample_weights=code.values,
            include_last_offset=True,
        )
        return sums.add_(self.bias)
