"""Generalised neighbourhood attention: masks by brute force, and tiles against stride."""

import itertools

import torch

from sparsetime import seeds
from sparsetime.attention.geometry.neighbourhood import Neighbourhood
from sparsetime.attention.recipes import attention_policy
from sparsetime.attention.tile_counts import tile_count
from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim

CELLS, WINDOW, TILE = 256, 80, 16
STRIDES = (1, 2, 4, 8, 16)


@claim(
    "neighbourhood",
    system=303,
    says="Masks of one to three axes equal those of a loop over pairs, and with the stride the "
    "simulated speed-up rises to the limit that the sparsity allows.",
    data="no model: grids of random sizes, and one axis of 256 cells in tiles of 16",
    expects=[
        AtMost("pairs that differ from the loop", than=0.0),
        Less("speed-up at stride 1", than="speed-up at stride 16"),
        AtMost("largest fall of the speed-up from a stride to its double", than=0.0),
        AtLeast("speed-up at stride 16, of the limit", than=0.99),
    ],
    seconds=10,
    rule="Masks match brute force in one to three dimensions; simulated tile counts show larger "
    "strides approach the block-sparse speedup limit.",
    notes="Seeds are of the grids. Tiles are counted, no kernel is timed.",
    null=lambda lab, seed: _values(seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Six random grids of every number of axes, and three strides."""
    return _values(seed)


def _values(seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: the null, whose cells are permuted: windows are no neighbours in memory."""
    rng = seeds.numpy_generator(seed, "random choice")
    order = rng.permutation(CELLS) if shuffled else range(CELLS)
    speedups, limit = {}, 1.0
    for stride in STRIDES:
        mask = Neighbourhood([CELLS], [WINDOW], [stride]).mask()[torch.tensor(list(order))]
        count = tile_count(mask, TILE, TILE)
        speedups[stride], limit = count.speedup, count.limit
    wrong = 0
    for axes, _ in itertools.product((1, 2, 3), range(6)):
        shape = rng.integers(3, (0, 24, 8, 6)[axes], axes).tolist()
        window = [int(rng.integers(1, size + 1)) for size in shape]
        steps = [int(rng.integers(1, width + 1)) for width in window]
        causal = rng.integers(0, 2, axes).astype(bool).tolist()
        mask = Neighbourhood(shape, window, steps, causal).mask()
        wrong += int((mask != _brute_force(shape, window, steps, causal)).sum())
    assert attention_policy("neighbourhood").geometry.kind == "neighbourhood"
    return {
        "pairs that differ from the loop": float(wrong),
        **{f"speed-up at stride {stride}": speedups[stride] for stride in STRIDES},
        "largest fall of the speed-up from a stride to its double": max(
            one - double for one, double in itertools.pairwise(speedups.values())
        ),
        "speed-up at stride 16, of the limit": speedups[STRIDES[-1]] / limit,
    }


def _brute_force(
    shape: list[int], window: list[int], stride: list[int], causal: list[bool]
) -> torch.Tensor:
    """The mask by a loop over pairs of cells and over axes, from the definition alone."""
    cells = list(itertools.product(*map(range, shape)))
    mask = torch.zeros(len(cells), len(cells), dtype=torch.bool)
    for i, query in enumerate(cells):
        for j, key in enumerate(cells):
            inside = True
            for q, k, size, width, step, is_causal in zip(
                query, key, shape, window, stride, causal, strict=True
            ):
                group = (q // step) * step
                if is_causal:
                    leader = min(group + step - 1, size - 1)
                    inside &= max(leader - width + 1, 0) <= k <= q
                else:
                    leader = min(group + step // 2, size - 1)
                    first = min(max(leader - width // 2, 0), size - width)
                    inside &= first <= k < first + width
            mask[i, j] = inside
    return mask
