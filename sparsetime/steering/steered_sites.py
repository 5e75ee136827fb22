"""Which dictionary is steered at which site of a model, and whether they belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.model_hash import is_model
from sparsetime.models.sites import resolve_site

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.models.load import LoadedModel


def steered_sites(
    loaded: LoadedModel, dictionaries: Dictionary | Mapping[str, Dictionary]
) -> dict[str, Dictionary]:
    """The dictionary of every steered site, under the site's path in this model.

    A dictionary alone is steered at the site that it was trained at. One of a model without its
    head is steered at the same module within the model with a head.

    Errors: ConfigError for a dictionary that names no site, one of several sites, one that reads
    one site and writes another, and two at one site; MismatchError for a dictionary of another
    model or site; UnknownNameError for a site that does not exist.
    """
    if isinstance(dictionaries, Mapping):
        given = {str(site): sae for site, sae in dictionaries.items()}
    else:
        site = dictionaries.provenance.get("site")
        if not site:
            raise ConfigError(
                "got a dictionary whose provenance names no site; give {site: dictionary}"
            )
        given = {str(site): dictionaries}
    if not given:
        raise ConfigError("got no dictionary, expected one, or one for each site")
    found = {}
    for site, sae in given.items():
        _check_kind(sae)
        prefix = _prefix(loaded, sae)
        _check_site(sae, site, prefix)
        path = site if not prefix or site.startswith(prefix) else f"{prefix}{site}"
        resolve_site(loaded.model, path)
        if path in found:
            raise ConfigError(
                f"got two dictionaries for the site {path!r}, expected one; steer with one of them"
            )
        found[path] = sae
    return found


def _check_kind(sae: Any) -> None:
    if len(sae.in_dims) > 1:
        raise ConfigError(
            f"got a dictionary of {len(sae.in_dims)} sites at once, whose activations no single "
            "site holds; steer dictionaries of one site each"
        )
    if sae.out_dims is not None:
        raise ConfigError(
            "got a dictionary that reads one site and reconstructs another (a transcoder); steer "
            "a dictionary of the site itself"
        )


def _prefix(loaded: LoadedModel, sae: Dictionary) -> str:
    """The path of the model that the dictionary was trained for, within this one.

    Errors: MismatchError where it was trained for neither the model nor the one inside its head.
    """
    trained_for = sae.provenance.get("model_hash")
    if not trained_for or is_model(loaded.model, loaded.revision_or_hash, trained_for):
        return ""
    if loaded.without_head is not None:
        path, inner = loaded.without_head
        if is_model(inner.model, inner.revision_or_hash, trained_for):
            return f"{path}."
    raise MismatchError(
        f"got a dictionary of a model with hash {trained_for}, and the model {loaded.name!r} with "
        f"hash {loaded.revision_or_hash}; its features would mean nothing there. Give the model "
        f"that it was trained for ({sae.provenance.get('model_name') or 'not recorded'})"
    )


def _check_site(sae: Dictionary, site: str, prefix: str) -> None:
    trained_at = str(sae.provenance.get("site") or "").removesuffix(":output")
    plain = site.removesuffix(":output")
    if trained_at and plain not in (trained_at, f"{prefix}{trained_at}"):
        raise MismatchError(
            f"got the site {site!r} for a dictionary that was trained at {trained_at!r}; give it "
            "there. To try it elsewhere on purpose, call `sae.provenance.clear()` first"
        )
