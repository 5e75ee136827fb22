"""Several sites by one pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import nn

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.models.sites import resolve_site


def matching_sites(model: nn.Module, patterns: str | Sequence[str]) -> dict[str, list[str]]:
    """The sites that each pattern fits, in the order the model defines them.

    A pattern is a site's name in which `*` stands for any one step of the path or a part of one:
    "layers.*" are the layers, "layers.*.mlp:input" what goes into their MLPs. A site that two
    patterns fit is listed at the first.

    Errors: UnknownNameError for a pattern that fits no site, with the nearest names; ConfigError
    for another side than input and output, or where no pattern is given.
    """
    given = [patterns] if isinstance(patterns, str) else list(patterns)
    if not given:
        raise ConfigError('no sites were given; give names or patterns, such as "layers.*"')
    paths = [path for path, _ in model.named_modules(remove_duplicate=False) if path]
    taken: set[str] = set()
    found: dict[str, list[str]] = {}
    for pattern in given:
        path, colon, side = pattern.partition(":")
        if "*" in path:
            known = [f"{each}{colon}{side}" for each in paths if _fits(path, each)]
            if not known:
                raise unknown_name(
                    "sites", path, paths, hint="A * stands for one step of a path, as in layers.*"
                )
        else:
            known = [pattern]
        names = [resolve_site(model, name).name for name in known]
        found[pattern] = [name for name in names if name not in taken]
        taken.update(names)
    return found


def _fits(pattern: str, path: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+"), path) is not None
