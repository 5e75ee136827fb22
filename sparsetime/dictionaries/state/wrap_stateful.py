"""A trained dictionary, with a sparsifier around its own that remembers."""

from __future__ import annotations

from typing import Any

from sparsetime.dictionaries.component import components_of
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import from_config
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.errors import ConfigError, unknown_name

_OWN = "sparsifier."


def wrap_stateful(sae: Dictionary, kind: str, **settings: Any) -> Dictionary:
    """A copy of a dictionary of any recipe that looks at the step before when it encodes.

    kind: "hysteresis" or "delta"; settings: those of that sparsifier, such as `low` or `tolerance`.
    The weights are copied, and there is nothing to train: these sparsifiers train as the inner one
    does.

    Errors: UnknownNameError for another kind, ConfigError where the two make no sense together.
    """
    around = [
        name
        for name, cls in components_of("sparsifier").items()
        if issubclass(cls, SparsifierWrapper)
    ]
    if kind not in around:
        raise unknown_name("stateful sparsifier", kind, around)
    config = sae.to_config()
    inner = config["sparsifier"]
    if "inner" in settings:
        raise ConfigError("the inner sparsifier is the dictionary's own: leave out `inner`")
    outer = {"kind": kind, "width": sae.width, "inner": inner, **settings}
    made = from_config({**config, "sparsifier": outer})
    made.load_state_dict(
        {
            f"{_OWN}inner.{name.removeprefix(_OWN)}" if name.startswith(_OWN) else name: tensor
            for name, tensor in sae.state_dict().items()
        }
    )
    return made.to(sae.atoms.device).train(sae.training)
