"""SAEs on biological latents: generative variables in the bottleneck of an autoencoder."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.matching.code_correlation import code_correlations
from sparsetime.statistics.linear_probe import sparse_matrix
from sparsetime.statistics.nulls import random_code

GENES, VARIABLES, CELLS, HIDDEN = 200, 24, 12_000, 128
ACTIVE, NOISE = 0.12, 0.3
BOTTLENECKS = (8, 16, 32)
WIDTH, K, ROWS = 96, 4, 60_000
STEPS, BATCH, RATE = 500, 128, 3e-3


@claim(
    "generative_variables",
    system=190,
    says="Latents of an SAE on an autoencoder's bottleneck correlate with the hidden generating "
    "variables more than its raw dimensions and than random directions do, at each width of it.",
    data="made counts of 200 genes in 12,000 cells from 24 sparse programs; autoencoders with "
    "bottlenecks of 8, 16 and 32 dimensions",
    expects=[
        *(
            Less(
                f"correlation of {other}, bottleneck {size}",
                than=f"correlation of latents, bottleneck {size}",
            )
            for size in BOTTLENECKS
            for other in ("raw dimensions", "random directions")
        ),
        Less("completeness, bottleneck 8", than="completeness, bottleneck 32"),
        AtLeast(
            "correlation of latents, bottleneck 32", than="correlation of latents, bottleneck 8"
        ),
    ],
    seconds=35,
    rule="On simulated data, best-match correlation between SAE features and true variables beats "
    "raw latent dimensions and is reported per completeness level.",
    notes="Simulated data alone, without the paper's single cells. Completeness: R2 of a linear "
    "map from the bottleneck to the variables, on held-out cells. Correlations are means over "
    "variables of the best match; random directions are as many, with as many active, as latents.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """An autoencoder and a TopK dictionary for each width of the bottleneck."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which variables belong to other cells."""
    variables, genes = _cells(seed)
    half = CELLS // 2
    values = {}
    for size in BOTTLENECKS:
        x = _bottleneck(genes, half, size, seed)
        if permuted:
            rng = seeds.numpy_generator(seed, "random choice", size)
            variables = variables[torch.from_numpy(rng.permutation(CELLS))]
        sae = dictionary("topk", d_in=size, width=WIDTH, k=K, seed=seed)
        lab.train(sae, x[:half], rows=ROWS, seed=seed)
        held_out, truth = x[half:], SparseCode.from_dense(variables[half:])
        values[f"completeness, bottleneck {size}"] = _explained(x, variables, half)
        for name, code in {
            "latents": sae.encode(held_out),
            "raw dimensions": SparseCode.from_dense(held_out),
            "random directions": random_code(held_out, WIDTH, K, seed),
        }.items():
            values[f"correlation of {name}, bottleneck {size}"] = _best(code, truth)
    return values


def _best(code: SparseCode, truth: SparseCode) -> float:
    """Mean over variables of the largest absolute correlation with a column of the code."""
    found = code_correlations(sparse_matrix(truth), sparse_matrix(code))
    return float(np.abs(found).max(1).mean())


def _cells(seed: int) -> tuple[Float[Tensor, "cells variables"], Float[Tensor, "cells genes"]]:
    """Sparse variables, and log counts of genes that sums of them drive."""
    rng = seeds.torch_generator(seed, "planted codes")
    fires = torch.rand(CELLS, VARIABLES, generator=rng) < ACTIVE
    values = torch.where(fires, 0.5 + torch.rand(CELLS, VARIABLES, generator=rng), 0.0)
    rng = seeds.torch_generator(seed, "planted atoms")
    loads = torch.rand(VARIABLES, GENES, generator=rng)
    loads = torch.where(loads > 0.85, 4 * loads, 0.0)  # each program drives about 30 genes
    rng = seeds.torch_generator(seed, "planted noise")
    rate = (values @ loads + 0.2) * (NOISE * torch.randn(CELLS, GENES, generator=rng)).exp()
    counts = torch.poisson(rate, generator=rng)
    return values, counts.log1p()


def _bottleneck(
    genes: Float[Tensor, "cells genes"], half: int, size: int, seed: int
) -> Float[Tensor, "cells size"]:
    """Bottleneck of an autoencoder that is trained on the first half of the cells."""
    with seeds.torch_globals(seed, "initial weights of a testbed", size):
        encoder = nn.Sequential(nn.Linear(GENES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, size))
        decoder = nn.Sequential(nn.Linear(size, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, GENES))
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    rng = seeds.torch_generator(seed, "random choice", size)
    for _ in range(STEPS):
        batch = genes[torch.randint(0, half, (BATCH,), generator=rng)]
        optimiser.zero_grad()
        (decoder(encoder(batch)) - batch).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        x: Tensor = encoder(genes)
    return (x - x[:half].mean(0)) / x[:half].std(0)


def _explained(x: Tensor, variables: Tensor, half: int) -> float:
    """Held-out R2 of a linear map from the bottleneck to the variables."""
    rows = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    found = torch.linalg.lstsq(rows[:half], variables[:half]).solution
    error = (rows[half:] @ found - variables[half:]).square().sum()
    return float(1 - error / (variables[half:] - variables[half:].mean(0)).square().sum())
