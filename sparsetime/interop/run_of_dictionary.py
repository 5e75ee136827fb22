"""A run for the explorer out of a dictionary, a model and data: capture, conversion, index."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from sparsetime.activations.capture.capture import capture
from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import ConfigError, MismatchError, StoreError
from sparsetime.features.build_index import index
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.interop.hook_names import site_of_hook
from sparsetime.interop.load import load
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.sites import resolve_site, sites

STORE, DICTIONARY, FEATURES = "activations", "sae", "features"


def run_of_dictionary(
    sae: Dictionary | str | os.PathLike[str],
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    out: str | os.PathLike[str],
    *,
    site: str | None = None,
    progress: bool = True,
    force: bool = False,
    **conventions: Any,
) -> str:
    """Capture what a dictionary reads of a model, and index its features; returns the folder.

    `out` gets `activations`, `sae` (the dictionary in the format of sparsetime) and `sae/features`,
    which `sparsetime.explore(out)` opens. Interrupted, it resumes where it is called again.

    sae: a dictionary, or what `load` opens, with conventions as there. site: where the dictionary
    reads; None: its own site, or that of the hook that its file names. data: as of `capture`.

    Errors: those of `load` and `capture`; ConfigError where no site is known, and for a dictionary
    that is not saved; MismatchError where the site has another dimension than the dictionary reads;
    StoreError where `out` holds another dictionary and `force` is not given.
    """
    folder = Folder(folder_url(out))
    dictionary = sae if isinstance(sae, Dictionary) else load(sae, **conventions)
    loaded = load_model(model)
    name = resolve_site(loaded.model, site or _site_of(dictionary, loaded)).name
    _check_width(dictionary, loaded, name)
    if _read_site(dictionary) != name:
        dictionary.provenance |= {"site": name}
    kept = folder / DICTIONARY
    if not force:
        _refuse_another(dictionary, kept)
    dictionary.save(kept.url)
    store = capture(loaded, data, name, (folder / STORE).url, progress=progress, force=force)
    path = (kept / FEATURES).url
    index(dictionary, store, path, force=force, progress=progress)
    return folder.url


def _refuse_another(dictionary: Dictionary, kept: Folder) -> None:
    """Errors: StoreError where the folder holds a dictionary that computes something else."""
    if not kept.exists(serialise.JSON_NAME):
        return
    old = serialise.load(kept.url)
    if dictionary_hash(old) != dictionary_hash(dictionary):
        raise StoreError(
            f"{kept.url} holds another dictionary, or the same with other conventions; choose "
            "another folder, or force=True to replace it"
        )


def _site_of(dictionary: Dictionary, model: LoadedModel) -> str:
    known = dictionary.provenance
    if (read := _read_site(dictionary)) is not None:
        return read
    if isinstance(known.get("hook"), str):
        return site_of_hook(known["hook"], model)
    raise ConfigError(
        f"got the dictionary {dictionary.name!r}, whose files name no site, expected one; give it "
        "as site= (--site), such as layers.10 (sparsetime sites)"
    )


def _read_site(dictionary: Dictionary) -> str | None:
    """The site that a dictionary knows to read: of "a -> b", which transcoders have, the first."""
    site = dictionary.provenance.get("site")
    return site.partition(" -> ")[0] if isinstance(site, str) else None


def _check_width(dictionary: Dictionary, model: LoadedModel, name: str) -> None:
    for found in sites(model):
        for shape, part in ((found.output_shape, "output"), (found.input_shape, "input")):
            own = found.path if part == "output" else f"{found.path}:input"
            if own == name and shape and shape[-1] != dictionary.d_in:
                raise MismatchError(
                    f"got the site {name!r} of {shape[-1]} dimensions and a dictionary of "
                    f"{dictionary.d_in}; give the site that it was trained on, or its model"
                )
