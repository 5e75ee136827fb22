"""Edits of every site, checked together, from which plans over a span are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.interventions.span import Span
from sparsetime.steering.edit_plan import EditPlan, checked_edits, plan_edits
from sparsetime.steering.edits import Edit
from sparsetime.steering.sample import sample_of
from sparsetime.steering.steered_sites import SteeredSite
from sparsetime.steering.strength import unit_of

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex


@final
@dataclass(frozen=True, eq=False)
class SiteEdits:
    """The checked edits of one site, by feature.

    site: the dictionary and what it encodes. unit: of strengths. sample: for ablations by mean and
    resampling.
    """

    site: SteeredSite
    edits: dict[int, list[Edit]]
    unit: str
    index: FeatureIndex | None
    sample: Float[np.ndarray, "rows features"] | None

    @property
    def dictionary(self) -> Dictionary:
        return self.site.dictionary

    def plan(self, span: Span, keep_error: bool = True) -> EditPlan:
        """The edits over a span. Errors: those of `plan_edits`."""
        return plan_edits(
            self.dictionary, self.edits, span, self.unit, self.index, keep_error, self.sample
        )


def edits_of_sites(
    sites: Mapping[str, SteeredSite],
    dictionaries: Dictionary | Mapping[str, Dictionary],
    edits: Any,
    units: str | None,
    index: FeatureIndex | Mapping[str, FeatureIndex] | None,
    data: Any,
) -> dict[str, SiteEdits]:
    """The edits of every site, by its path in the model.

    sites: those of `sites_to_steer` for `dictionaries`, whose names those of `edits`, `index` and
    `data` are. edits: by feature for a dictionary alone, else by site.

    Errors: ConfigError for features and settings out of range, and edits without sites;
    UnknownNameError for the edits of another site; MismatchError for the index of another
    dictionary.
    """
    names = dictionaries if isinstance(dictionaries, Mapping) else [None]
    own = _by_site(edits, dictionaries)
    made = {}
    for name, (path, one) in zip(names, sites.items(), strict=True):
        sae, own_index = one.dictionary, _of_site(index, name)
        checked = checked_edits(own[name], sae.width, path)
        unit = unit_of(units, own_index, sae)
        sample = sample_of(sae, checked, _of_site(data, name))
        made[path] = SiteEdits(one, checked, unit, own_index, sample)
    return made


def _by_site(edits: Any, dictionaries: Any) -> dict[str | None, Any]:
    """The edits of every site, under the name that the caller gave; None for the only one."""
    if not isinstance(dictionaries, Mapping):
        return {None: edits}
    if not isinstance(edits, Mapping) or any(not isinstance(key, str) for key in edits):
        raise ConfigError(
            "got dictionaries by site and edits without sites, expected edits by site too, such "
            "as {site: {12: 2.0}}"
        )
    unknown = [site for site in edits if site not in dictionaries]
    if unknown:
        raise unknown_name("site of the edits", unknown[0], dictionaries)
    return {site: edits.get(site, {}) for site in dictionaries}


def _of_site(values: Any, site: str | None) -> Any:
    """What was given for a site, or for all of them."""
    return values.get(site) if isinstance(values, Mapping) and site is not None else values
