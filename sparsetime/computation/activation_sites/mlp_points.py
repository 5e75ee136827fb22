"""The MLPs of a model within some modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sparsetime.computation.weight_matrices import is_within, module_paths
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel
from sparsetime.models.mlp import MLP, find_mlps


def mlps_within(model: LoadedModel, sites: Sequence[str] | None, sample: Any) -> list[MLP]:
    """All MLPs, or those whose map down lies within modules that the patterns match.

    Errors: UnknownNameError for a pattern without a module; ConfigError where no MLP is left.
    """
    mlps = find_mlps(model, sample)
    if sites is None:
        return mlps
    paths = module_paths(model.model, sites)
    chosen = [mlp for mlp in mlps if is_within(mlp.down_path, paths)]
    if not chosen:
        raise ConfigError(
            f"got the sites {', '.join(sorted(paths)[:4])} without an MLP, expected modules around "
            f"some of {', '.join(mlp.down_path for mlp in mlps[:4])}"
        )
    return chosen
