"""Atoms: the directions that a code sums to give the activation back."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.codes import offsets_of
from sparsetime.dictionaries.part import Part, part
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


@part("unit_norm")
class UnitNormAtoms(Part):
    """Free atoms of length one, an offset, and nested groups.

    weight: [width, d_out], every row of unit Euclidean norm; bias: [d_out].

    `groups` are the ends of nested prefixes: with `(64, 256)` the first 64 latents must explain
    the activation alone as well as they can, and all 256 together (Matryoshka). A plain
    dictionary has one group, `(width,)`.
    """

    role = "atoms"
    unit_rows = frozenset({"weight"})

    def __init__(
        self, width: int, d_out: int, groups: tuple[int, ...] | list[int] | None = None
    ) -> None:
        ends = tuple(groups) if groups is not None else (width,)
        if ends[-1] != width or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
            raise ConfigError(
                f"groups must be ascending ends of prefixes whose last is the width, {width}; "
                f"given: {list(ends)}"
            )
        super().__init__(width=width, d_out=d_out, groups=list(ends))
        self.width, self.d_out, self.groups = width, d_out, ends
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.normalise()

    def decode(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows d"]:
        """The activations that a code stands for: offset plus weighted atoms."""
        return kernels.decode(values, support, self.weight) + self.bias

    def decode_nested(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "groups rows d"]:
        """What each nested prefix alone gives back; the last is `decode`.

        Entries ascend within a row, so a prefix is a stretch of them: every entry is summed once,
        into the part that its group adds, and the parts are then added up.
        """
        if len(self.groups) == 1:
            return self.decode(values, support)[None]
        ends = torch.tensor(self.groups, device=support.indices.device)
        group = torch.bucketize(support.indices, ends, right=True)
        finer = Support(
            offsets_of(
                support.row_of_entry * len(self.groups) + group, support.rows * len(self.groups)
            ),
            support.indices,
            support.width,
        )
        parts = kernels.decode(values, finer, self.weight)
        parts = parts.reshape(support.rows, len(self.groups), self.d_out)
        return parts.cumsum(1).transpose(0, 1) + self.bias

    @torch.no_grad()
    def normalise(self) -> None:
        """Back to length one."""
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))


def prefix_ends(width: int, fractions: tuple[float, ...] | list[float]) -> tuple[int, ...]:
    """Ends of nested prefixes from shares of the width.

    Errors: ConfigError unless the shares ascend to 1 and every group gets at least one latent.
    """
    ends = tuple(round(width * fraction) for fraction in fractions)
    if not ends or ends[-1] != width or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
        raise ConfigError(
            f"shares of the width must ascend to 1 and leave every group at least one of the "
            f"{width} latents; given: {list(fractions)}, which end at {list(ends)}"
        )
    return ends
