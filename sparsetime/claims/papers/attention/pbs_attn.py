"""PBS-Attn: exactness of permuted keys, and blocks needed for equal attention mass."""

import torch

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.layouts.layout import Layout
from sparsetime.attention.mass import attention_mass
from sparsetime.attention.measures import output_error
from sparsetime.attention.recipes import attention_policy
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, mean_of, python_windows

MASS, BLOCK, SEGMENT = 0.9, 8, 64


@claim(
    "pbs_attn",
    system=25,
    says="Attention over all blocks of permuted keys equals causal attention to 1e-5, and fewer of "
    "them hold 0.9 of the mass of a tile than blocks of keys in their order.",
    data="Python-source model, 8 windows of 256 tokens of held-out modules, in blocks of 8 tokens",
    expects=[
        AtMost("largest error over all blocks", than=1e-5),
        Less("blocks of permuted keys", than="blocks of keys in order"),
    ],
    seconds=40,
    rule="Permutation with dense blocks reproduces causal attention exactly; at equal "
    "attention mass kept, fewer blocks are needed than without permuting.",
    notes="Seeds are of the windows. Blocks are counted by exact mass, so no estimate decides.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Largest error, and mean blocks of a tile, over all modules and heads."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: keys in their order stand in the place of permuted ones."""
    permuted = attention_policy("pbs_attn", block=BLOCK, segment=SEGMENT)
    plain = attention_policy("moba", block=BLOCK, tile=BLOCK)
    errors, moved, ordered = [], [], []
    for call in calls_on(python_windows(seed, 8)):
        arranged = permuted.layout.arranged(call)
        grid = permuted.layout.grid(arranged)
        every = AttentionPattern.of_units(
            grid.some.expand(len(call.q), call.heads, -1, -1),
            grid.query_bounds,
            grid.key_bounds,
            arranged.readable,
        )
        errors.append(output_error(call, permuted.attend(arranged, every)[0]))
        moved.append(_blocks(plain.layout if null else permuted.layout, call))
        ordered.append(_blocks(plain.layout, call))
    return {
        "largest error over all blocks": float(torch.stack(errors).max()),
        "blocks of permuted keys": mean_of(moved),
        "blocks of keys in order": mean_of(ordered),
    }


def _blocks(layout: Layout, call: AttentionInputs) -> torch.Tensor:
    """The fewest blocks that hold the share of a tile's exact mass, [batch, heads, tiles]."""
    arranged = layout.arranged(call)
    grid = layout.grid(arranged)
    mass = attention_mass(arranged, torch.arange(call.queries))
    of_blocks = grid.over_keys(mass[..., None], "sum")[..., 0]
    of_tiles = grid.over_queries(of_blocks, "mean")
    held = of_tiles.sort(-1, descending=True).values.cumsum(-1)
    return (held < MASS * held[..., -1:]).sum(-1).float() + 1
