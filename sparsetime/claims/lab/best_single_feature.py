"""What a single feature tells of a class: chosen in one part of the data, told in another."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import DataError


def auroc_per_feature(
    features: Float[Tensor, "rows features"], classes: Bool[Tensor, "rows classes"]
) -> Float[Tensor, "features classes"]:
    """The area under the ROC curve of every feature for every class against all other rows.

    The share of pairs, of a row of the class and a row of none, in which the feature is larger on
    the first; ties count half. Hanley and McNeil, "The meaning and use of the area under a receiver
    operating characteristic (ROC) curve" (1982).

    Errors: DataError for a class that has no row, or every one.
    """
    from scipy.stats import rankdata

    inside = classes.sum(0).double()
    outside = len(classes) - inside
    if not (inside * outside).all():
        raise DataError(
            f"of {len(classes)} rows, the classes have {inside.int().tolist()}; a class needs rows "
            f"in it and rows outside of it"
        )
    ranks = torch.from_numpy(rankdata(features.numpy(), axis=0).astype(np.float64))
    above = ranks.T @ classes.double() - inside * (inside + 1) / 2
    return (above / (inside * outside)).float()


def best_single_feature_auroc(
    learnt: Float[Tensor, "rows features"],
    learnt_classes: Bool[Tensor, "rows classes"],
    told: Float[Tensor, "others features"],
    told_classes: Bool[Tensor, "others classes"],
) -> Float[Tensor, " classes"]:
    """For each class, the area of one feature on the told rows.

    The feature, and whether it is high or low in the class, are chosen on the learnt rows. Below
    a half where what was chosen says the opposite in the other part.
    """
    signs = auroc_per_feature(learnt, learnt_classes) - 0.5
    chosen = signs.abs().argmax(0)[None]
    found = auroc_per_feature(told, told_classes) - 0.5
    return 0.5 + (signs.gather(0, chosen).sign() * found.gather(0, chosen))[0]
