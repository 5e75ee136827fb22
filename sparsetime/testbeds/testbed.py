"""st.testbed: a testbed by name, built once and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from sparsetime.config import Settings, validated
from sparsetime.errors import unknown_name
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.prose import bed as prose_bed
from sparsetime.testbeds.prose.bed import ProseSettings
from sparsetime.testbeds.python_code import bed as code_bed
from sparsetime.testbeds.python_code.bed import CodeSettings
from sparsetime.testbeds.series import bed as series_bed
from sparsetime.testbeds.series.bed import SeriesSettings
from sparsetime.testbeds.synthetic import bed
from sparsetime.testbeds.synthetic.settings import OrchestraSettings


@final
@dataclass(frozen=True)
class _Recipe:
    """How a testbed is made: its settings, what else decides its bytes, and who builds it."""

    settings: type[Settings]
    made_of: Callable[[Any], str]
    build: Callable[[str, Any, bool], Testbed]


_RECIPES = {
    "code": _Recipe(CodeSettings, code_bed.made_of, code_bed.build),
    "orchestra": _Recipe(OrchestraSettings, bed.made_of, bed.build),
    "prose": _Recipe(ProseSettings, prose_bed.made_of, prose_bed.build),
    "series": _Recipe(SeriesSettings, series_bed.made_of, series_bed.build),
}


def testbed(
    name: str, out: str | Path | None = None, progress: bool = True, **settings: Any
) -> Testbed:
    """The testbed of that name: "code", "orchestra", "prose" or "series".

    It is built when it is first asked for, into `out` or else a folder of its own in the user's
    cache folder (`$XDG_CACHE_HOME`, by default `~/.cache`), and opened from there ever after. A
    build that was cut off goes on when called again. `settings` are the testbed's own, such as
    `tokens=50_000` or `step=412` of the code testbed, or `longest=100.0` of Orchestra.

    Errors: UnknownNameError with the nearest names; ConfigError for a setting that is unknown or
    out of range; those of `sparsetime.capture` where it cannot be built, or where `out` holds
    something else.
    """
    if name not in _RECIPES:
        raise unknown_name("testbed", name, _RECIPES)
    recipe = _RECIPES[name]
    chosen = validated(recipe.settings, settings, f"the settings of the testbed {name!r}")
    made_of = json.dumps([_said(chosen), recipe.made_of(chosen)], sort_keys=True)
    key = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder = os.fspath(out) if out is not None else str(_cache() / f"{name}-{key}")
    return recipe.build(folder, chosen, progress)


def _said(settings: Settings) -> dict[str, Any]:
    """The settings, but for those of None: one that comes later leaves kept testbeds in place."""
    return settings.model_dump(exclude_none=True)


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "sparsetime" / "testbeds"
