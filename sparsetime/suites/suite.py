"""st.suite: trains and measures a dictionary for every site of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sparsetime.activations.capture.capture import capture as run_capture
from sparsetime.activations.sampling.batch import check_needs
from sparsetime.config import validated
from sparsetime.errors import StoreError
from sparsetime.files import Folder, locks
from sparsetime.files.other_files import check_no_other_files
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.model_hash import same_model
from sparsetime.models.site_patterns import matching_sites
from sparsetime.progress import progress as running
from sparsetime.suites.ce_increase_by_context import CeIncreaseByContext
from sparsetime.suites.entry_training import (
    new_dictionary,
    planned_dictionaries,
    trained_entry,
)
from sparsetime.suites.settings import SuiteSettings
from sparsetime.suites.suite_record import RECORD, Suite

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STORES = "activations"
_GIVEN = frozenset({"earlier"})  # by a store, beside its rows


@locks("out")
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
    """Train and measure a dictionary for every site of a model.

    The model runs once over `data` for all sites; then one dictionary a site and width is trained
    and measured on held-out documents. `out` gets a store per site in `activations/`, a folder per
    dictionary, named by site and width, suite.json and the table suite.md. `sparsetime.report(out)`
    draws the metrics over depth. Each dictionary has a run folder of `train`, so it can be indexed
    and explored.

    model, data, tokenizer: as `sparsetime.capture` takes them. sites: names, or patterns in which
    `*` stands for one step of a path: "layers.*", "layers.*.mlp". recipe, settings: a recipe
    and its own settings, such as `{"k": 32}`. capture, train: settings of these two, such as
    `{"window": 128}` and `{"rows": 1_000_000}`.

    contexts: lengths in tokens at which to measure the increase in cross-entropy with each
    reconstruction in place of its site, over at most `tokens` tokens of held-out text. copies:
    other weights of the same layout to measure it with too, by name (a fine-tuned model).

    An interrupted call resumes. A finished suite is opened, and new contexts and copies are
    measured. Source: He et al. 2024, Llama Scope, arXiv:2410.20526.

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
    names = [name for sites_of_pattern in patterns.values() for name in sites_of_pattern]
    with torch.device("meta"):  # an error in a setting must come before the capture
        for size in chosen.width:
            needs = new_dictionary(chosen, names[0], size, size).needs
            check_needs(needs, _GIVEN, recipe, "a store of one site")
    increases = CeIncreaseByContext(
        loaded.model, copies or {}, contexts, tokens, names, loaded.tokenizer
    )
    trained = _opened_or_new(Folder(str(out)), chosen, loaded, force)
    stores = run_capture(
        loaded,
        data,
        names,
        f"{trained.path}/{STORES}",
        force=force,
        progress=progress,
        **chosen.capture.model_dump(),
    )
    plan = planned_dictionaries(patterns, stores, chosen.width)
    with running(f"suite of {recipe}", len(plan), "dictionaries", progress) as bar:
        for planned in plan:
            bar.say(f"{planned.site}, width {planned.width}")
            entry = trained_entry(planned, chosen, trained, increases, force)
            trained = trained.with_entry(entry)
            trained.save()
            bar.advance()
    return trained


def _opened_or_new(
    folder: Folder, chosen: SuiteSettings, loaded: LoadedModel, force: bool
) -> Suite:
    """The suite that the folder holds, or a new one that is saved there at once."""
    about = {
        # As JSON, in which the record keeps it: a tuple, of lags or tokens, is a list there.
        "settings": chosen.model_dump(mode="json"),
        "model_name": loaded.name,
        "model_hash": loaded.revision_or_hash,
    }
    if folder.exists(RECORD) and not force:
        saved = Suite.open(folder.url)
        if same_model(saved.about.get("model_hash"), loaded.revision_or_hash):
            about["model_hash"] = saved.about["model_hash"]
        if {**saved.about, "model_name": loaded.name} == about:
            return saved
        other = [key for key in about if saved.about.get(key) != about[key]]
        raise StoreError(
            f"{folder.url} holds a suite of another {' and other '.join(other)} (see its "
            f"{RECORD}); choose another folder, or force=True to replace it"
        )
    if not folder.exists(RECORD):
        check_no_other_files(folder, "suite", advice="Choose another folder")
    new_suite = Suite(folder.url, (), about)
    new_suite.save()
    return new_suite
