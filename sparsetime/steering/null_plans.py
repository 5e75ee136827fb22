"""Null of an edit at one site or several: at each a random feature that adds a vector as long."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from sparsetime.interventions.span import Span
from sparsetime.steering.edit_plan import EditPlan, plan_edits
from sparsetime.steering.edits import Add
from sparsetime.steering.null_features import features_of_equal_density, strength_of_norm
from sparsetime.steering.site_edits import SiteEdits


def nulls_of_sites(
    own: Mapping[str, SiteEdits],
    density: Mapping[str, Float[np.ndarray, " width"]],
    count: int,
    seed: int,
) -> list[dict[str, int]]:
    """At most `count` nulls, each a random feature of every edited site, of equal density there.

    density: of the features of each site, where it has no index. Errors: those of
    `features_of_equal_density`.
    """
    drawn = {}
    for site, one in own.items():
        known = density[site] if one.index is None else one.index.features["density"].to_numpy()
        drawn[site] = features_of_equal_density(known, tuple(one.edits), count, seed).tolist()
    return [dict(zip(drawn, each, strict=True)) for each in zip(*drawn.values(), strict=False)]


def null_plans(
    own: Mapping[str, SiteEdits], null: Mapping[str, int], norms: Mapping[str, float], span: Span
) -> dict[str, EditPlan]:
    """Plans that add each site's null feature over a span, with the norm of the edit there."""
    plans = {}
    for site, feature in null.items():
        sae = own[site].dictionary
        value = strength_of_norm(sae, feature, norms[site])
        plans[site] = plan_edits(
            sae, {feature: [Add(strength=value)]}, span, "activation", None, True, None
        )
    return plans
