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
from sparsetime.files import Folder, folder_lock
from sparsetime.files.user_cache import user_cache
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.english import build as english
from sparsetime.testbeds.prose import build as prose
from sparsetime.testbeds.python_code import build as python_code
from sparsetime.testbeds.recall import build as recall
from sparsetime.testbeds.recall.settings import RecallSettings
from sparsetime.testbeds.sentences import build as sentences
from sparsetime.testbeds.series import build as series
from sparsetime.testbeds.synthetic import build as synthetic
from sparsetime.testbeds.synthetic.settings import SyntheticSettings


@final
@dataclass(frozen=True)
class _Builder:
    """How a testbed is made.

    content_version: the versions and weights that its bytes depend on beside the settings.
    cache_name: how its folder in the cache begins. holds: its content in a few words.
    """

    holds: str
    settings: type[Settings]
    content_version: Callable[[Any], str]
    build: Callable[[str, Any, bool], Testbed]
    cache_name: str


# The cache names are those of version 0.1.0, so that folders that it built are opened.
_BUILDERS = {
    "english": _Builder(
        "activations of SmolLM2-135M-Instruct on English documentation",
        english.EnglishSettings,
        english.content_version,
        english.build,
        "english",
    ),
    "prose": _Builder(
        "activations of all-MiniLM-L6-v2 on English documentation",
        prose.ProseSettings,
        prose.content_version,
        prose.build,
        "prose",
    ),
    "python": _Builder(
        "activations of a small language model on Python source",
        python_code.PythonCodeSettings,
        python_code.content_version,
        python_code.build,
        "code",
    ),
    "recall": _Builder(
        "activations of a model with any mixer, trained to recall pairs of key and value",
        RecallSettings,
        recall.content_version,
        recall.build,
        "recall",
    ),
    "sentences": _Builder(
        "activations of SmolLM2-135M-Instruct on labelled English sentences",
        sentences.SentenceSettings,
        sentences.content_version,
        sentences.build,
        "sentences",
    ),
    "series": _Builder(
        "activations of a patch transformer on seven years of pedestrian counts",
        series.SeriesSettings,
        series.content_version,
        series.build,
        "series",
    ),
    "synthetic": _Builder(
        "planted features that are active over time",
        SyntheticSettings,
        synthetic.content_version,
        synthetic.build,
        "orchestra",
    ),
}

#: Names of version 0.1.0, which saved leaderboards and run files may hold, and today's.
EARLIER_NAMES = {"code": "python", "orchestra": "synthetic"}


def testbed(
    name: str, out: str | Path | None = None, progress: bool = True, **settings: Any
) -> Testbed:
    """The testbed of that name: "english", "prose", "python", "recall", "sentences", "series" or
    "synthetic".

    The first call builds it into `out`, or else into a folder of its own in the user's cache
    folder (`$XDG_CACHE_HOME`, by default `~/.cache`); later calls open it. A build that was
    interrupted resumes. `settings` are the testbed's own, such as `tokens=50_000` or `step=412` of
    "python", or `longest=100.0` of "synthetic". The earlier names "code" and "orchestra" are
    accepted for "python" and "synthetic".

    Errors: UnknownNameError with the nearest names; ConfigError for a setting that is unknown or
    out of range; those of `sparsetime.capture` where it cannot be built, or where `out` holds
    something else.
    """
    builder = _builder(name)
    chosen = validated(builder.settings, settings, f"the settings of the testbed {name!r}")
    folder = os.fspath(out) if out is not None else str(_cache() / _cache_folder(builder, chosen))
    # Another process that needs the same testbed waits, and then opens it.
    with folder_lock(Folder(folder), what=f"the build of the testbed {name!r}", patience=-1):
        return builder.build(folder, chosen, progress)


def testbed_names() -> dict[str, str]:
    """Every testbed that can be built, with its content in a few words."""
    return {name: builder.holds for name, builder in _BUILDERS.items()}


def cached_testbeds(name: str) -> list[Path]:
    """The folders of a testbed in the user's cache, one for each choice of settings that was built.

    Errors: UnknownNameError with the nearest names.
    """
    return sorted(_cache().glob(f"{_builder(name).cache_name}-*"))


def _builder(name: str) -> _Builder:
    builder = _BUILDERS.get(EARLIER_NAMES.get(name, name))
    if builder is None:
        raise unknown_name("testbed", name, _BUILDERS)
    return builder


def _cache_folder(builder: _Builder, settings: Settings) -> str:
    """The name of its folder in the cache: testbeds of other settings or content have others.

    Settings that are None are left out, so that a setting added later keeps earlier folders valid.
    """
    content = [settings.model_dump(exclude_none=True), builder.content_version(settings)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{builder.cache_name}-{digest[:12]}"


def _cache() -> Path:
    return user_cache("testbeds")
