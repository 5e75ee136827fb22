"""Which dictionary is steered at which site of a model, and whether they belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.model_hash import is_model
from sparsetime.models.sites import resolve_site

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.models.load import LoadedModel

_ARROW = "->"


@final
@dataclass(frozen=True, eq=False)
class SteeredSite:
    """The dictionary of a site. read: the site that it encodes where that is another one, as of a
    transcoder; else None.
    """

    dictionary: Dictionary
    read: str | None = None


def sites_to_steer(
    loaded: LoadedModel, dictionaries: Dictionary | Mapping[str, Dictionary]
) -> dict[str, SteeredSite]:
    """The dictionary of every steered site, under the site's path in this model.

    A dictionary alone is steered at the site that it was trained at. One of a model without its
    head is steered at the same module within the model with a head. A transcoder is steered at the
    site that it reconstructs: given as "site", whose input it reads, or as "read -> site".

    Errors: ConfigError for a dictionary that names no site, one of several sites, and two at one
    site; MismatchError for a dictionary of another model or site; UnknownNameError for a site that
    does not exist.
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
    found: dict[str, SteeredSite] = {}
    for name, sae in given.items():
        _check_kind(sae)
        prefix = _prefix(loaded, sae)
        read, write = _read_and_written(name, sae)
        _check_site(sae, name, (read, write), prefix)
        path, read_path = (
            site if not prefix or site.startswith(prefix) else f"{prefix}{site}"
            for site in (write, read)
        )
        for site in {path, read_path}:
            resolve_site(loaded.model, site)
        if path in found:
            raise ConfigError(
                f"got two dictionaries for the site {path!r}, expected one; steer with one of them"
            )
        found[path] = SteeredSite(sae, None if read == write else read_path)
    return found


def steered_sites(
    loaded: LoadedModel, dictionaries: Dictionary | Mapping[str, Dictionary]
) -> dict[str, Dictionary]:
    """The dictionaries of `sites_to_steer`, all of which encode the site itself.

    Errors: those of `sites_to_steer`; ConfigError for one that encodes another site.
    """
    sites = sites_to_steer(loaded, dictionaries)
    for one in sites.values():
        if one.read is not None:
            raise ConfigError(
                "got a dictionary that reads one site and reconstructs another (a transcoder), "
                "expected one of the site itself; st.steer, st.ablate and st.effects take both"
            )
    return {site: one.dictionary for site, one in sites.items()}


def _check_kind(sae: Any) -> None:
    if len(sae.in_dims) > 1:
        raise ConfigError(
            f"got a dictionary of {len(sae.in_dims)} sites at once, whose activations no single "
            "site holds; steer dictionaries of one site each"
        )
    if len(sae.out_dims or ()) > 1:
        raise ConfigError(
            f"got a dictionary that reconstructs {len(sae.out_dims)} sites at once (a cross-layer "
            "transcoder); steer dictionaries that reconstruct one site each"
        )


def _read_and_written(name: str, sae: Dictionary) -> tuple[str, str]:
    """The sites that a dictionary encodes and reconstructs, of its name by which it was given."""
    before, arrow, after = (part.strip() for part in name.partition(_ARROW))
    if arrow:
        return before, after
    return (before, before) if sae.out_dims is None else (f"{before}:input", before)


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


def _check_site(sae: Dictionary, name: str, sites: tuple[str, str], prefix: str) -> None:
    trained_at = str(sae.provenance.get("site") or "")
    if not trained_at:
        return
    for own, trained in zip(sites, _read_and_written(trained_at, sae), strict=True):
        plain = trained.removesuffix(":output")
        if own.removesuffix(":output") not in (plain, f"{prefix}{plain}"):
            raise MismatchError(
                f"got the site {name!r} for a dictionary that was trained at {trained_at!r}; give "
                "it there. To try it elsewhere on purpose, call `sae.provenance.clear()` first"
            )
