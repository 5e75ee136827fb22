"""Extra sites of sequence models, such as reads of a mixer and choices of experts: short names."""

from __future__ import annotations

from torch import nn

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.extra_site import ExtraSite


def extra_site_path(model: nn.Module, path: str, name: str) -> str:
    """The path of the extra site `name` of the block, mixer or channel at `path`.

    Errors: ConfigError where there is none, with those that there are.
    """
    own = f"{path}." if path else ""
    places = tuple(f"{own}{part}sites." for part in ("", "mixer.", "channel."))
    found: dict[str, str] = {
        inner.rpartition(".")[2]: inner
        for inner, module in model.named_modules()
        if isinstance(module, ExtraSite) and inner.startswith(places)
    }
    if name not in found:
        extra = f", or one of {', '.join(sorted(found))}" if found else ""
        raise ConfigError(
            f"the site {path}:{name} ends in {name!r}; behind the colon stands 'input' or "
            f"'output'{extra}"
        )
    return found[name]
