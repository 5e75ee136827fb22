"""Site patterns: several sites selected by names with `*`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import nn

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.models.recurrent_layers import layer_paths
from sparsetime.models.sites import resolve_site


def matching_sites(model: nn.Module, patterns: str | Sequence[str]) -> dict[str, list[str]]:
    """The sites that each pattern matches, in the order the model defines them.

    A pattern is a site's name in which `*` stands for any one step of the path or a part of one:
    "layers.*" are the layers, "layers.*.mlp:input" what goes into their MLPs. A site that two
    patterns match is listed at the first.

    Errors: UnknownNameError for a pattern that matches no site, with the nearest names; ConfigError
    for another side than input and output, or where no pattern is given.
    """
    requested = [patterns] if isinstance(patterns, str) else list(patterns)
    if not requested:
        raise ConfigError('got no sites, expected names or patterns, such as "layers.*"')
    paths = []
    for path, module in model.named_modules(remove_duplicate=False):
        paths += [path] if path else []
        paths += layer_paths(module, path)
    taken: set[str] = set()
    sites: dict[str, list[str]] = {}
    for pattern in requested:
        path, colon, side = pattern.partition(":")
        if "*" in path:
            matches = [f"{p}{colon}{side}" for p in paths if _matches(path, p)]
            if not matches:
                raise unknown_name(
                    "sites", path, paths, hint="A * stands for one step of a path, as in layers.*"
                )
        else:
            matches = [pattern]
        names = [resolve_site(model, name).name for name in matches]
        sites[pattern] = [name for name in names if name not in taken]
        taken.update(names)
    return sites


def _matches(pattern: str, path: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+"), path) is not None
