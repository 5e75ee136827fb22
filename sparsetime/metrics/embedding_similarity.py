"""MonoSemanticity score: similarity of the inputs that activate a latent, by another encoder."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError


def monosemanticity_score(
    code: SparseCode | Float[Tensor, "rows width"], embeddings: Float[Tensor, "inputs d"]
) -> Float[np.ndarray, " width"]:
    """Mean cosine of the embeddings of inputs, weighted by how strongly both activate a latent.

        MS_k = sum_{n != m} a_n a_m cos(e_n, e_m) / sum_{n != m} a_n a_m

    a_n: activation of latent k on input n, scaled to [0, 1] over the inputs; its negative values
    count as 0. e_n: the input's embedding by another encoder, the judge. From -1 to 1; NaN for a
    latent that fewer than two inputs activate. The sums over pairs follow from sums over inputs:
    sum_{n != m} a_n a_m cos(e_n, e_m) = |sum_n a_n u_n|^2 - sum_n a_n^2, with u_n = e_n / |e_n|.

    Subtract the embeddings' mean before where all of them are alike.

    Source: Pach et al. 2025, Sparse autoencoders learn monosemantic features in vision-language
    models, arXiv:2504.02821.

    Errors: MismatchError where rows differ in number; DataError for an embedding of length 0.
    """
    rows = code.rows if isinstance(code, SparseCode) else len(code)
    if rows != len(embeddings):
        raise MismatchError(
            f"got codes of {rows} inputs and embeddings of {len(embeddings)}, expected one "
            f"embedding an input"
        )
    length = embeddings.double().norm(dim=1, keepdim=True)
    if not bool((length > 0).all()):
        raise DataError(
            f"got {int((length == 0).sum())} embeddings of length 0, whose cosine is undefined; "
            f"leave these inputs out"
        )
    unit = embeddings.double() / length
    sparse = code if isinstance(code, SparseCode) else SparseCode.from_dense(code)
    row, index, value = sparse.row_of_entry, sparse.indices, sparse.values.double().clamp_min(0)
    peak = torch.zeros(sparse.width, dtype=torch.float64).scatter_reduce(0, index, value, "amax")
    scaled = value / peak[index].clamp_min(torch.finfo(torch.float64).tiny)
    weights = torch.sparse_coo_tensor(
        torch.stack([index, row]), scaled, (sparse.width, rows), check_invariants=False
    )
    total = torch.sparse.mm(weights, unit)
    squares, sums = (
        torch.zeros(sparse.width, dtype=torch.float64).index_add(0, index, part)
        for part in (scaled.square(), scaled)
    )
    over, under = total.square().sum(1) - squares, sums.square() - squares
    active = torch.zeros(sparse.width).index_add(0, index, (scaled > 0).float())
    score = torch.where(active >= 2, over / under.clamp_min(1e-300), torch.nan)
    return score.numpy()
