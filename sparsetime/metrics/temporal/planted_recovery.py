"""Recovery of planted features: atoms, dwell and firing, against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.features import timescales
from sparsetime.metrics.temporal.sequences import Lengths, Sequences, in_sequences
from sparsetime.statistics.estimate import Estimate, estimate, ratio, ratio_of
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE, Recovery

_EXCHANGED = "matches exchanged at random between the features"


@final
@dataclass(frozen=True, eq=False)
class PlantedRecovery:
    """Recovery of planted features; arrays are [true], NaN without a match or where none fires.

    recovered: share of true features with a match of a cosine above 0.9. dwell_agreement: rank
    correlation (Spearman) of the dwell of recovered features with that of their latents.
    firing: F1 of when the latent fires against when the feature does, mean over the recovered.
    true_dwell, dwell: in steps, of feature and latent. f1: of each feature.
    """

    recovered: Estimate
    dwell_agreement: Estimate
    firing: Estimate
    found: Bool[np.ndarray, " true"]
    true_dwell: Float[np.ndarray, " true"]
    dwell: Float[np.ndarray, " true"]
    f1: Float[np.ndarray, " true"]

    def by_octave(self) -> list[tuple[float, int, float]]:
        """By octave of true dwell: its lower end in steps, features in it, share recovered."""
        finite = np.isfinite(self.true_dwell)
        octave = np.floor(np.log2(self.true_dwell[finite])).astype(np.int64)
        return [
            (2.0**n, int((octave == n).sum()), float(self.found[finite][octave == n].mean()))
            for n in np.unique(octave).tolist()
        ]


def planted_recovery(
    code: SparseCode, true_code: SparseCode, match: Recovery, lengths: Lengths = None, seed: int = 0
) -> PlantedRecovery:
    """Recovery, dwell agreement and firing of planted features.

    recovered = share of true atoms with a match of cosine above 0.9.
    dwell_agreement = Spearman correlation of dwell(feature) and dwell(latent), from -1 to 1. firing
    = mean F1 = mean 2 |both active| / (|feature active| + |latent active|), from 0 to 1.

    code: the dictionary's, on activations with planted features; true_code: the truth of the same
    steps; match: `testbeds.recovery.recovery(atoms, true_atoms)`, one to one by optimal assignment.
    Spearman 1904 for rank correlation. Intervals are over features, which are what is counted; the
    nulls exchange the matches between features. All are blind to features that are split over
    several latents.

    Errors: MismatchError where codes and match are not of the same steps and features; DataError
    where fewer than three features are recovered; those of `in_sequences`.
    """
    sequences, truth = matched_sequences(code, true_code, match, lengths)
    recovered = match.cosine.numpy() > FOUND_ABOVE
    latent = np.where(match.matched.numpy() >= 0, match.matched.numpy(), 0)
    missing = match.matched.numpy() < 0
    true_dwell, dwell = (
        timescales.dwell(timescales.runs(side.code, side.segments), side.code.width)
        for side in (truth, sequences)
    )
    dwell = np.where(missing, np.nan, dwell[latent])
    # Features that are silent in these steps have neither dwell nor firings.
    compared = np.flatnonzero(recovered & np.isfinite(dwell) & np.isfinite(true_dwell))
    if len(compared) < 3:
        raise DataError(
            f"{len(compared)} planted features are recovered (cosine above {FOUND_ABOVE}) and "
            f"fire; their dwell times can be compared from three on"
        )
    learnt, planted = firing(sequences, latent), firing(truth, np.arange(true_code.width))
    both = np.asarray((learnt.T @ planted).todense())
    on = np.asarray(learnt.sum(axis=0)).ravel()[:, None] + np.asarray(planted.sum(axis=0)).ravel()
    f1_of_pairs = ratio(2 * both, on)
    f1 = np.where(missing, np.nan, np.diagonal(f1_of_pairs))
    unrelated = f1_of_pairs[np.ix_(compared, compared)]
    chance = float(unrelated[~np.eye(len(compared), dtype=bool)].mean())

    def agreement(weights: Float[np.ndarray, "draws features"]) -> Float[np.ndarray, " draws"]:
        return np.array(
            [_spearman(dwell[compared], true_dwell[compared], draw) for draw in weights]
        )

    return PlantedRecovery(
        estimate(
            ratio_of(recovered.astype(float), np.ones(len(recovered))),
            len(recovered),
            match.exchanged,
            _EXCHANGED,
            seed,
        ),
        estimate(agreement, len(compared), 0.0, _EXCHANGED, seed),
        estimate(
            ratio_of(f1[compared], np.ones(len(compared))), len(compared), chance, _EXCHANGED, seed
        ),
        recovered,
        true_dwell,
        dwell,
        f1,
    )


def matched_sequences(
    code: SparseCode, true_code: SparseCode, match: Recovery, lengths: Lengths
) -> tuple[Sequences, Sequences]:
    """Both codes over the same sequences.

    Errors: MismatchError where codes and match are not of the same steps and features.
    """
    if len(match.matched) != true_code.width or int(match.matched.max()) >= code.width:
        raise MismatchError(
            f"the match is of {len(match.matched)} true features with latents up to "
            f"{int(match.matched.max())}; the true code has {true_code.width} and the code "
            f"{code.width} latents. Match the atoms of these two"
        )
    if code.rows != true_code.rows:
        raise MismatchError(
            f"the code has {code.rows:,} steps and the true code {true_code.rows:,}; encode the "
            f"activations of the same steps"
        )
    if lengths is None and len(code.shape) != 2:
        truth = in_sequences(true_code)
        return in_sequences(code, truth.segments), truth
    sequences = in_sequences(code, lengths)
    return sequences, in_sequences(true_code, sequences.segments)


def firing(sequences: Sequences, latents: Int[np.ndarray, " chosen"]) -> Any:
    """Where the chosen latents are on, as a scipy CSC matrix of ones, [rows, chosen]."""
    from scipy.sparse import csr_matrix

    code = sequences.code
    on = (code.values.numpy() != 0).astype(float)
    entries = (on, code.indices.numpy(), code.offsets.numpy())
    is_active = csr_matrix(entries, shape=(code.rows, code.width)).tocsc()
    chosen = is_active[:, latents]
    chosen.eliminate_zeros()
    return chosen


def _spearman(
    a: Float[np.ndarray, " features"],
    b: Float[np.ndarray, " features"],
    weights: Float[np.ndarray, " features"],
) -> float:
    """Rank correlation of the features, each as often as drawn; NaN where one side is constant."""
    from scipy.stats import rankdata

    drawn = np.repeat(np.arange(len(a)), weights.astype(np.int64))
    x, y = rankdata(a[drawn]), rankdata(b[drawn])
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
