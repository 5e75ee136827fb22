"""Absorption: a rare latent takes over the concept of a common one, which then falls silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.codes import SparseCode, concatenate
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError

_AT_ONCE = 4096


@final
@dataclass(frozen=True)
class ConceptProbe:
    """A linear probe of a concept: a row has it where `x @ direction` is above `threshold`.

    direction: [d], of length one. mean: what `x @ direction` is on average without the concept.
    """

    direction: Float[Tensor, " d"]
    threshold: float
    mean: float

    def sees(self, x: Float[Tensor, "rows d"]) -> Bool[Tensor, " rows"]:
        """Where the probe says that the concept is there."""
        return x @ self.direction > self.threshold


@final
@dataclass(frozen=True)
class Absorption:
    """What became of a concept in a dictionary.

    rate: of the rows with the concept, on which the probe sees it, the share where every main
    latent is silent and another latent carries the concept. silent: the share where every main
    latent is silent. main: the main latents. rows: how many rows these are.
    """

    rate: float
    silent: float
    main: tuple[int, ...]
    rows: int


def fit_concept_probe(x: Float[Tensor, "rows d"], concept: Bool[Tensor, " rows"]) -> ConceptProbe:
    """Logistic regression of the concept on activations.

    Errors: DataError where no row has the concept, or every row.
    """
    _check_both(concept)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=300).fit(x.numpy(), concept.numpy())
    weight = torch.from_numpy(model.coef_[0]).to(x)
    length = weight.norm()
    direction = weight / length
    without = float((x[~concept] @ direction).mean())
    return ConceptProbe(direction, float(-model.intercept_[0] / length), without)


def main_latents(
    dictionary: Dictionary,
    x: Float[Tensor, "rows d"],
    concept: Bool[Tensor, " rows"],
    *,
    gain: float = 0.03,
    most: int = 10,
) -> tuple[int, ...]:
    """The latents that stand for a concept, by k-sparse probing.

    Latents are ranked by how much stronger they are with the concept than without, in standard
    deviations. A logistic regression on the first k of them is judged by its F1, and k grows while
    this gains at least `gain`, up to `most`.

    Errors: DataError where no row has the concept, or every row.

    Source: Chanin et al. 2024, arXiv:2409.14507, with the ranking of Gurnee et al. 2023, Finding
    Neurons in a Haystack, arXiv:2305.01610.
    """
    _check_both(concept)
    if not 0 < gain < 1 or most < 1:
        raise ConfigError(
            f"got gain={gain} and most={most}, expected a gain between 0 and 1 and `most` of at "
            "least 1"
        )
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    code = _code(dictionary, x)
    means = [_mean(code, mask.nonzero().squeeze(1)) for mask in (concept, ~concept)]
    squares = torch.zeros(code.width).index_add_(0, code.indices, code.values.square())
    spread = (squares / code.rows).sqrt().clamp_min(1e-12)
    ranked = ((means[0] - means[1]) / spread).argsort(descending=True)[:most]
    columns = _columns(code, ranked).numpy()
    best = 0.0
    for k in range(1, len(ranked) + 1):
        model = LogisticRegression(max_iter=300).fit(columns[:, :k], concept.numpy())
        f1 = float(f1_score(concept.numpy(), model.predict(columns[:, :k])))
        if k > 1 and f1 < best + gain:
            return tuple(ranked[: k - 1].tolist())
        best = f1
    return tuple(ranked.tolist())


def absorption(
    dictionary: Dictionary,
    probe: ConceptProbe,
    main: tuple[int, ...],
    x: Float[Tensor, "rows d"],
    concept: Bool[Tensor, " rows"],
    *,
    share: float = 0.4,
    alike: float = 0.1,
) -> Absorption:
    """How often other latents take a concept over from its main ones.

    A latent carries the concept where its atom's cosine with the probe is at least `alike`, and
    where it alone moves the reconstruction along the probe by at least `share` of how far the row
    lies beyond the mean of rows without the concept.

    Errors: DataError where the probe sees the concept on no row that has it.

    Source: Chanin et al. 2024, A is for Absorption, arXiv:2409.14507. A share of the way along the
    probe stands for the paper's ablation, which runs the model again; both bounds are ours.
    """
    rows = (concept & probe.sees(x)).nonzero().squeeze(1)
    if not rows.numel():
        raise DataError(
            f"the probe sees the concept on none of the {int(concept.sum())} rows that have it, so "
            "there is nothing to absorb; give more rows, or a concept that the activations hold"
        )
    x = x[rows]
    code = _code(dictionary, x)
    silent = ~_columns(code, torch.tensor(main, dtype=torch.int64)).gt(0).any(1)
    atoms = dictionary.atoms.detach()
    cosine = (atoms @ probe.direction) / atoms.norm(dim=1).clamp_min(1e-12)
    along = (atoms * dictionary.output_normalisation.scale) @ probe.direction
    way = (x @ probe.direction - probe.mean)[code.row_of_entry]
    carries = (cosine[code.indices] >= alike) & (code.values * along[code.indices] >= share * way)
    carried = torch.zeros(len(rows), dtype=torch.bool)
    carried[code.row_of_entry[carries]] = True
    return Absorption(
        float((silent & carried).float().mean()), float(silent.float().mean()), main, len(rows)
    )


def _code(dictionary: Dictionary, x: Tensor) -> SparseCode:
    return concatenate([dictionary.encode(some) for some in x.split(_AT_ONCE)])


def _mean(code: SparseCode, rows: Tensor) -> Float[Tensor, " width"]:
    """Mean activation of every latent over some rows."""
    chosen = torch.zeros(code.rows, dtype=torch.bool)
    chosen[rows] = True
    kept = code.keep(chosen[code.row_of_entry])
    return torch.zeros(code.width).index_add_(0, kept.indices, kept.values) / len(rows)


def _columns(code: SparseCode, latents: Tensor) -> Float[Tensor, "rows some"]:
    """Activations of some latents, dense."""
    place = torch.full((code.width,), -1)
    place[latents] = torch.arange(len(latents))
    column = place[code.indices]
    among = column >= 0
    dense = torch.zeros(code.rows, len(latents))
    dense[code.row_of_entry[among], column[among]] = code.values[among]
    return dense


def _check_both(concept: Tensor) -> None:
    if not 0 < int(concept.sum()) < len(concept):
        raise DataError(
            f"{int(concept.sum())} of {len(concept)} rows have the concept; a probe needs rows "
            "with it and rows without"
        )
