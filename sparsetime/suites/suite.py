"""A dictionary for every site of a model, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch
from torch import nn

from sparsetime.activations.capture.capture import capture as run_capture
from sparsetime.activations.sampling.batch import check_needs
from sparsetime.activations.store.store import Store
from sparsetime.config import validated
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.dictionaries.serialise import JSON_NAME
from sparsetime.errors import StoreError
from sparsetime.files import Folder
from sparsetime.metrics.evaluate import evaluate
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.site_patterns import matching_sites
from sparsetime.progress import progress as running
from sparsetime.suites.ce_increase_by_context import CeIncreaseByContext
from sparsetime.suites.settings import SuiteSettings
from sparsetime.suites.suite_record import RECORD, Suite, SuiteEntry
from sparsetime.training.train import train as run_train

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STORES = "activations"
_GIVEN = frozenset({"earlier"})  # by a store, beside its rows


def suite(
    model: str | Path | nn.Module | LoadedModel,
    data: Iterable[Any],
    sites: str | Sequence[str],
    out: str | Path,
    *,
    width: int | Sequence[int],
    recipe: str = "topk",
    settings: Mapping[str, Any] | None = None,
    capture: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    held_out: float = 0.1,
    split_seed: int = 0,
    seed: int = 0,
    contexts: Sequence[int] = (),
    copies: Mapping[str, nn.Module] | None = None,
    tokens: int = 16_384,
    tokenizer: PreTrainedTokenizerBase | None = None,
    force: bool = False,
    progress: bool = True,
) -> Suite:
    """Train a dictionary for every site of a model, and say how good each one is.

    The model runs once over `data` for all sites; then one dictionary a site and width is trained
    and measured on documents that were held out. `out` gets a store a site in `activations/`, a
    folder a dictionary, named by its site and width, suite.json and the table suite.md;
    `sparsetime.report(out)` draws the figures over depth. Dictionaries lie as `train` leaves them,
    so each can be indexed and explored.

    model, data, tokenizer: as `sparsetime.capture` takes them. sites: names, or patterns in which
    `*` stands for one step of a path: "layers.*", "layers.*.mlp". recipe, settings: a recipe
    and its own settings, such as `{"k": 32}`. capture, train: settings of these two, such as
    `{"window": 128}` and `{"rows": 1_000_000}`.

    contexts: lengths in tokens on which to measure by how much a language model's loss rises with
    each reconstruction in place of its site, over at most `tokens` tokens of held-out text.
    copies: other weights of the same layout to measure it on too, by name (a fine-tuned model).

    A call that was interrupted goes on; a finished suite is opened, and new contexts and copies
    are measured. Source: He et al. 2024, Llama Scope, arXiv:2410.20526.

    Errors, before long work: UnknownNameError for a site, recipe or setting that does not exist;
    ConfigError for settings out of range; DataError for contexts where the model gives no logits;
    StoreError where `out` holds something else and `force` is not given. Later on: those of
    `capture` and `train`.
    """
    chosen = validated(
        SuiteSettings,
        {
            "sites": [sites] if isinstance(sites, str) else list(sites),
            "recipe": recipe,
            "width": [width] if isinstance(width, int) else list(width),
            "settings": dict(settings or {}),
            "capture": dict(capture or {}),
            "train": dict(train or {}),
            "held_out": held_out,
            "split_seed": split_seed,
            "seed": seed,
        },
        "the settings of a suite",
    )
    loaded = load_model(model, tokenizer)
    patterns = matching_sites(loaded.model, chosen.sites)
    names = [name for found in patterns.values() for name in found]
    with torch.device("meta"):  # a wrong setting must show before the capture
        for each in chosen.width:
            check_needs(_fresh(chosen, each, each).needs, _GIVEN, recipe, "a store of one site")
    losses = CeIncreaseByContext(loaded.model, copies or {}, contexts, tokens, names)
    made = _claimed(Folder(str(out)), chosen, loaded, force)
    stores = run_capture(
        loaded,
        data,
        names,
        f"{made.path}/{STORES}",
        force=force,
        progress=progress,
        **chosen.capture.model_dump(),
    )
    plan = _planned(patterns, stores, chosen.width)
    with running(f"suite of {recipe}", len(plan), "dictionaries", progress) as bar:
        for due in plan:
            bar.say(f"{due.site}, width {due.width}")
            made = _with(made, _done(made, due, chosen, losses, force))
            made.save()
            bar.advance()
    return made


def _claimed(folder: Folder, chosen: SuiteSettings, loaded: LoadedModel, force: bool) -> Suite:
    """The suite that the folder holds, or a new one; from here on the folder is this suite's."""
    about = {
        "settings": chosen.model_dump(),
        "model_name": loaded.name,
        "model_hash": loaded.revision_or_hash,
    }
    if folder.exists(RECORD) and not force:
        found = Suite.open(folder.url)
        if {**found.about, "model_name": loaded.name} == about:
            return found
        other = [key for key in about if found.about.get(key) != about[key]]
        raise StoreError(
            f"{folder.url} holds a suite of another {' and other '.join(other)} (see its "
            f"{RECORD}); choose another folder, or force=True to replace it"
        )
    if folder.names() and not folder.exists(RECORD):
        raise StoreError(
            f"{folder.url} is not empty and no suite: it holds "
            f"{', '.join(folder.names()[:5])}. Choose another folder"
        )
    made = Suite(folder.url, (), about)
    made.save()
    return made


@final
@dataclass(frozen=True)
class _Planned:
    """A dictionary that the suite is to have."""

    site: str
    pattern: str
    depth: int
    width: int
    store: Store

    @property
    def folder(self) -> str:
        return f"{self.store.path.rstrip('/').rpartition('/')[2]}-{self.width}"


def _planned(
    patterns: Mapping[str, list[str]], stores: Sequence[Store], widths: Sequence[int]
) -> list[_Planned]:
    by_site = {store.site: store for store in stores}
    return [
        _Planned(site, pattern, depth, width, by_site[site])
        for pattern, names in patterns.items()
        for depth, site in enumerate(names)
        for width in widths
    ]


def _done(
    made: Suite, due: _Planned, chosen: SuiteSettings, losses: CeIncreaseByContext, force: bool
) -> SuiteEntry:
    """The entry with its figures; what an earlier call has finished is opened."""
    learnt, held_out = due.store.split(held_out=chosen.held_out, seed=chosen.split_seed)
    run = run_train(
        _fresh(chosen, due.store.d, due.width),
        learnt,
        out=f"{made.path}/{due.folder}",
        show=False,
        force=force,
        **chosen.train.model_dump(),
    )
    sha256 = str(Folder(run.path).read_json(JSON_NAME)["sha256"])
    known = {each.folder: each for each in made.entries}.get(due.folder)
    if known is None or known.sha256 != sha256:
        place = (due.site, due.pattern, due.depth, due.width, due.folder, sha256)
        known = SuiteEntry(*place, *_figures(run.dictionary, held_out, run.path))
    if set(losses.names) <= known.loss_rises.keys():
        return known
    rises = losses.of(run.dictionary, due.site, held_out)
    return replace(known, loss_rises={**known.loss_rises, **rises})


def _fresh(chosen: SuiteSettings, d_in: int, width: int) -> Dictionary:
    return dictionary(chosen.recipe, d_in=d_in, width=width, seed=chosen.seed, **chosen.settings)


def _figures(sae: Dictionary, held_out: Store, path: str) -> tuple[float, float, float]:
    report = evaluate(sae, held_out, ("fvu", "l0", "dead"), out=path, progress=False)
    fvu, l0, dead = (report[name].value for name in ("fvu", "l0", "dead"))
    assert isinstance(fvu, float | int), "these are no histograms"
    assert isinstance(l0, float | int) and isinstance(dead, float | int)
    return fvu, l0, dead


def _with(made: Suite, entry: SuiteEntry) -> Suite:
    others = [each for each in made.entries if each.folder != entry.folder]
    return replace(made, entries=(*others, entry))
