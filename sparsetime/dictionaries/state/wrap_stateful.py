"""Copies of a trained dictionary with a stateful sparsifier around its own."""

from __future__ import annotations

from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import from_config
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.errors import ConfigError, unknown_name

_OWN = "sparsifier."


def wrap_stateful(sae: Dictionary, kind: str, **settings: Any) -> Dictionary:
    """A copy of a dictionary of any recipe whose codes depend on the step before.

    kind: "hysteresis", "delta", "leaky_mean" or "replacing_trace"; settings: those of that
    sparsifier, such as `low`, `tolerance` or `decay`.
    The weights are copied; nothing needs training, because these sparsifiers train as the inner
    one does.

    Errors: UnknownNameError for another kind, ConfigError where the two are incompatible.
    """
    kinds = [
        name for name in Sparsifier.kinds if issubclass(Sparsifier.kinds[name], SparsifierWrapper)
    ]
    if kind not in kinds:
        raise unknown_name("stateful sparsifier", kind, kinds)
    config = sae.to_config()
    inner = config["sparsifier"]
    if "inner" in settings:
        raise ConfigError("the inner sparsifier is the dictionary's own: leave out `inner`")
    outer = {"kind": kind, "width": sae.width, "inner": inner, **settings}
    wrapped = from_config({**config, "sparsifier": outer})
    wrapped.load_state_dict(
        {
            f"{_OWN}inner.{name.removeprefix(_OWN)}" if name.startswith(_OWN) else name: tensor
            for name, tensor in sae.state_dict().items()
        }
    )
    return wrapped.to(sae.atoms.device).train(sae.training)
