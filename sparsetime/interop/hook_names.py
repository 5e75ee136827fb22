"""Names of activations in other libraries, resolved to sites of the model at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.models.block_sites import block_sites
from sparsetime.models.load import LoadedModel
from sparsetime.models.sites import resolve_site

# TransformerLens' names within a block, and the role of `BlockSites`.
_ROLES = {
    "hook_resid_pre": "resid_pre",
    "hook_resid_mid": "resid_mid",
    "hook_resid_post": "resid_post",
    "hook_attn_out": "attn_out",
    "hook_mlp_out": "mlp_out",
    "attn.hook_z": "z",
    "hook_z": "z",
    "mlp.hook_in": "mlp_in",
    "resid_pre": "resid_pre",
    "resid_mid": "resid_mid",
    "resid_post": "resid_post",
    "attn_out": "attn_out",
    "mlp_out": "mlp_out",
}
# Names of activations that no module reads or writes, and why.
_NO_MODULE = {
    "ln2.hook_normalized": "the norm's output before its weight is multiplied on",
    "ln1.hook_normalized": "the norm's output before its weight is multiplied on",
    "hook_mlp_in": "in TransformerLens the stream before the norm; some publishers mean the input "
    "of the MLP",
}
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_SHORT = re.compile(r"(resid_pre|resid_mid|resid_post|attn_out|mlp_out)(?:_layer_|\.)(\d+)")


def site_of_hook(
    hook: str, model: LoadedModel, sample: Tensor | Mapping[str, Any] | None = None
) -> str:
    """The name of our site for a name of another library.

    hook: of TransformerLens (`blocks.10.hook_resid_post`), of dictionary_learning
    (`resid_post_layer_10`), a module's path with `.output` or `.input` (Gemma Scope 2), or the end
    of a module's path (sparsify's hookpoints). What a layer's modules do is found by running the
    model: on Gemma, `hook_mlp_out` is the norm behind the MLP, for that is what is added.

    Errors: ConfigError with the candidates where no module has that activation, or several do.
    """
    if hook == "hook_embed":
        return _embedding(model)
    block, short = _BLOCK.fullmatch(hook), _SHORT.fullmatch(hook)
    if block is not None:
        return _in_block(hook, model, int(block[1]), block[2], sample)
    if short is not None:
        return _in_block(hook, model, int(short[2]), short[1], sample)
    path = re.sub(r"\.(output|input)$", "", hook)
    side = ":input" if hook.endswith(".input") else ""
    names = [name for name, _ in model.model.named_modules() if name]
    fitting = [n for n in names if n == path] or [n for n in names if _ends_alike(n, path)]
    if len(fitting) == 1:
        return resolve_site(model.model, fitting[0] + side).name
    listed = ", ".join(fitting[:6]) or "none"
    raise ConfigError(
        f"got the hook {hook!r}, expected the name of one module of {model.name!r}, or of "
        f"TransformerLens such as blocks.0.hook_resid_post; modules that fit: {listed}. Give "
        "site= (--site)"
    )


def _in_block(
    hook: str,
    model: LoadedModel,
    layer: int,
    inner: str,
    sample: Tensor | Mapping[str, Any] | None,
) -> str:
    sites = asdict(block_sites(model, layer, sample))
    role = _ROLES.get(inner)
    if role is not None and sites[role] is not None:
        return str(sites[role])
    found = ", ".join(f"{name} ({site})" for name, site in sites.items() if site)
    why = _NO_MODULE.get(inner, "no module of this layer has that activation")
    raise ConfigError(
        f"got the hook {hook!r}, which is no site of {model.name!r}: {why}. Candidates in layer "
        f"{layer}: {found}. Give the right one as site= (--site)"
    )


def _embedding(model: LoadedModel) -> str:
    getter = getattr(model.model, "get_input_embeddings", None)
    module = getter() if callable(getter) else None
    for name, one in model.model.named_modules():
        if one is module:
            return str(name)
    raise ConfigError(
        f"got the hook 'hook_embed', and the model {model.name!r} does not say which module embeds "
        "its tokens; give site= (--site)"
    )


def _ends_alike(name: str, path: str) -> bool:
    return name.endswith(f".{path}") or path.endswith(f".{name}")
