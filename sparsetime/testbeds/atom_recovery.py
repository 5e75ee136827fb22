"""Recovery of planted atoms: one-to-one matching of learnt atoms to true ones by cosine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError, MismatchError
from sparsetime.matching.assignment import one_to_one

FOUND_ABOVE = 0.9


@final
@dataclass(frozen=True, eq=False)
class Recovery:
    """A matching of learnt atoms to true ones.

    matched: int64 [true], the learnt atom matched to each true one, -1 where there were too few.
    cosine: [true], of each true atom and its match; 0 where it has none. largest: [true], of each
    true atom and the learnt one nearest to it, matched or not. exchanged: of true atoms and the
    matches of others, the share with a cosine above 0.9; NaN where there is one match only.
    """

    matched: Int[Tensor, " true"]
    cosine: Float[Tensor, " true"]
    largest: Float[Tensor, " true"]
    exchanged: float

    @property
    def mean_max_cosine(self) -> float:
        """The mean of `largest`.

        Source: Sharkey, Braun and Millidge, "Taking features out of superposition with sparse
        autoencoders".
        """
        return float(self.largest.mean())

    @property
    def share_recovered(self) -> float:
        """The share of true atoms whose match has a cosine above 0.9."""
        return float((self.cosine > FOUND_ABOVE).float().mean())


def recovery(
    atoms: Float[Tensor, "learnt d"], true_atoms: Float[Tensor, "true d_true"]
) -> Recovery:
    """Match learnt atoms to true ones, one to one, so that the sum of cosines is largest.

    Lengths do not matter, signs do: an atom that points the other way is not the feature. Atoms of
    length zero have the cosine 0 with everything.

    Errors: MismatchError where the widths differ; DataError where there are no atoms, or some are
    not finite.
    """
    if atoms.shape[1] != true_atoms.shape[1]:
        raise MismatchError(
            f"the learnt atoms have {atoms.shape[1]} dimensions and the true ones "
            f"{true_atoms.shape[1]}; compare dictionaries of the same activations"
        )
    for name, checked in (("learnt", atoms), ("true", true_atoms)):
        if not len(checked):
            raise DataError(
                f"got no {name} atoms, expected at least one; give a dictionary with atoms"
            )
        if not bool(checked.isfinite().all()):
            raise DataError(f"some {name} atoms are not finite; did training diverge?")
    unit = torch.nn.functional.normalize
    cosines = unit(true_atoms.detach().double()) @ unit(atoms.detach().double()).T
    true, learnt = (torch.from_numpy(side) for side in one_to_one(cosines.numpy()))
    matched = torch.full((len(true_atoms),), -1)
    matched[true] = learnt
    cosine = torch.zeros(len(true_atoms), dtype=torch.float64)
    cosine[true] = cosines[true, learnt]
    unmatched = cosines[true][:, learnt][~torch.eye(len(true), dtype=torch.bool)]
    exchanged = float((unmatched > FOUND_ABOVE).double().mean())
    return Recovery(matched, cosine.float(), cosines.amax(dim=1).float(), exchanged)
