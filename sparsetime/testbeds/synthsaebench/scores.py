"""Scores of a dictionary on SynthSAEBench: F1 of latents against features, MCC, FVU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import MismatchError
from sparsetime.matching.assignment import one_to_one
from sparsetime.testbeds.synthsaebench.world import ROWS_OF_BLOCK, SynthSAEBench


@final
@dataclass(frozen=True)
class SynthSAEBenchScores:
    """Scores of a dictionary on rows that it was not trained on.

    f1, precision, recall: means over latents, each as a detector of the feature nearest to its
    atom by the absolute cosine; 0 where undefined, as for dead latents. mcc: mean absolute cosine
    of latents and features matched one to one. uniqueness: the number of different nearest
    features over that of latents. fvu: unexplained share of the variance. l0, true_l0: mean active
    latents and features. dead: latents that were active on no row.
    """

    f1: float
    precision: float
    recall: float
    mcc: float
    uniqueness: float
    fvu: float
    l0: float
    true_l0: float
    dead: int


@torch.no_grad()
def synthsaebench_scores(
    dictionary: Dictionary, world: SynthSAEBench, rows: int = 131_072, part: str = "held out"
) -> SynthSAEBenchScores:
    """Score a dictionary on at least `rows` rows of a part of the world, in whole blocks.

        precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 P R / (P + R)

    Source: Chanin and Garriga-Alonso, "SynthSAEBench" (arXiv 2602.14687); the definitions are
    those of `sae_lens.synthetic`.
    Errors: MismatchError where the widths of activations differ.
    """
    atoms = dictionary.atoms
    if atoms.shape[1] != world.settings.d:
        raise MismatchError(
            f"got atoms of width {atoms.shape[1]}, expected {world.settings.d}, that of the world; "
            "train the dictionary on rows of this world"
        )
    nearest, mcc = _matches(atoms, world.vectors)
    width, features = len(atoms), world.settings.features
    latent_rows = torch.zeros(width, dtype=torch.long)
    feature_rows = torch.zeros(features, dtype=torch.long)
    hits = torch.zeros(width, dtype=torch.long)
    error = square = 0.0
    total = torch.zeros(world.settings.d, dtype=torch.float64)
    blocks = -(-rows // ROWS_OF_BLOCK)
    for block in range(blocks):
        truth = world.code(block, part)
        x = world.activations(truth)
        code = dictionary.encode(x)
        code = code.keep(code.values != 0)
        error += float((x - dictionary.decode(code)).double().square().sum())
        square += float(x.double().square().sum())
        total += x.double().sum(dim=0)
        latent_rows += code.indices.bincount(minlength=width)
        feature_rows += truth.indices.bincount(minlength=features)
        hits += _hits(code, truth, nearest)
    count = blocks * ROWS_OF_BLOCK
    precision = hits / latent_rows.clamp(min=1)
    recall = hits / feature_rows[nearest].clamp(min=1)
    f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
    return SynthSAEBenchScores(
        f1=float(f1.mean()),
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        mcc=mcc,
        uniqueness=len(nearest.unique()) / width,
        fvu=error / (square - float(total.square().sum()) / count),
        l0=float(latent_rows.sum()) / count,
        true_l0=float(feature_rows.sum()) / count,
        dead=int((latent_rows == 0).sum()),
    )


def _matches(
    atoms: Float[Tensor, "width d"], vectors: Float[Tensor, "features d"]
) -> tuple[Int[Tensor, " width"], float]:
    """The feature nearest to each atom, and the mean absolute cosine of a one-to-one matching."""
    unit = torch.nn.functional.normalize
    cosines = (unit(atoms.float()) @ unit(vectors).T).abs()
    pairs = one_to_one(cosines.numpy())
    return cosines.argmax(dim=1), float(cosines[pairs].mean())


def _hits(
    code: SparseCode, truth: SparseCode, nearest: Int[Tensor, " width"]
) -> Int[Tensor, " width"]:
    """Rows on which a latent and its nearest feature are both active, by latent."""
    features = truth.width
    true_entries = truth.row_of_entry * features + truth.indices  # ascending
    wanted = code.row_of_entry * features + nearest[code.indices]
    at = torch.searchsorted(true_entries, wanted).clamp(max=len(true_entries) - 1)
    return code.indices[true_entries[at] == wanted].bincount(minlength=len(nearest))
