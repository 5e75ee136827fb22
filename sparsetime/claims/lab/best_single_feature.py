"""AUROC of the best single feature for a class, chosen on other rows than it is measured on."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import DataError


def auroc_per_feature(
    features: Float[Tensor, "rows features"], classes: Bool[Tensor, "rows classes"]
) -> Float[Tensor, "features classes"]:
    """Area under the ROC curve of each feature, for each class against all other rows.

    AUROC = P(f(i) > f(j)) + P(f(i) = f(j)) / 2, with row i in the class and row j outside of it.

    Errors: DataError for a class that has no row, or every one.

    Source: Hanley and McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve" (1982).
    """
    from scipy.stats import rankdata

    inside = classes.sum(0).double()
    outside = len(classes) - inside
    if not (inside * outside).all():
        raise DataError(
            f"of {len(classes)} rows, the classes have {inside.int().tolist()}; a class needs rows "
            f"in it and rows outside of it"
        )
    # The sum of ranks within the class, less its smallest possible value, counts the pairs.
    ranks = torch.from_numpy(rankdata(features.numpy(), axis=0).astype(np.float64))
    above = ranks.T @ classes.double() - inside * (inside + 1) / 2
    return (above / (inside * outside)).float()


def best_single_feature_auroc(
    training: Float[Tensor, "rows features"],
    training_classes: Bool[Tensor, "rows classes"],
    test: Float[Tensor, "others features"],
    test_classes: Bool[Tensor, "others classes"],
) -> Float[Tensor, " classes"]:
    """AUROC on test rows of the feature that is best on training rows, for each class.

    The sign, whether the feature is high or low in the class, is chosen on training rows too, so
    that the result is below 0.5 where the sign is reversed on test rows.
    """
    signed = auroc_per_feature(training, training_classes) - 0.5
    chosen = signed.abs().argmax(0)[None]
    measured = auroc_per_feature(test, test_classes) - 0.5
    return 0.5 + (signed.gather(0, chosen).sign() * measured.gather(0, chosen))[0]
