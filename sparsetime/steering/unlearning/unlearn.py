"""st.unlearn: a low-rank change of weights under which features of a concept no longer fire."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.constant_parameters import constant_parameters
from sparsetime.models.load import LoadedModel
from sparsetime.models.sites import resolve_site
from sparsetime.progress import progress as running
from sparsetime.steering.effect_windows import windows_of
from sparsetime.steering.steered_sites import steered_sites
from sparsetime.steering.unlearning.low_rank_update import LowRankUpdate
from sparsetime.steering.unlearning.salient_features import salient_features
from sparsetime.steering.unlearning.saved_update import save_adapter, save_weights
from sparsetime.steering.unlearning.suppression import Suppression, kl_of_logits

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

_LEAST_WINDOWS = 4


@final
@dataclass(frozen=True, eq=False)
class Unlearned:
    """A model with changed weights.

    model: a copy; no hook is needed. features: that were suppressed, by site. factors: A and B of
    the update B A by path of the linear map. measured: on windows that were not trained on, before
    and after: "activation" of the features on what is forgotten, mean of max(pre, 0) over features
    and steps, and the next-token loss in nats, "forget" and "keep".
    """

    model: nn.Module
    features: dict[str, tuple[int, ...]]
    factors: dict[str, tuple[Tensor, Tensor]] = field(repr=False)
    measured: dict[str, tuple[float, float]]
    rank: int
    base: LoadedModel = field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the changed weights; see `save_weights`."""
        save_weights(self.model, path)

    def save_adapter(self, path: str | os.PathLike[str]) -> None:
        """Write the update alone, as PEFT loads it; see `saved_update.save_adapter`."""
        save_adapter(self.factors, self.base.name, path)


def unlearn(
    model: nn.Module | LoadedModel,
    dictionaries: Dictionary | Mapping[str, Dictionary],
    forget: Any,
    keep: Any,
    *,
    features: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    count: int = 16,
    ratio: float = 2.0,
    modules: Sequence[str] | None = None,
    rank: int = 4,
    steps: int = 100,
    batch: int = 8,
    window: int = 64,
    windows: int = 128,
    learning_rate: float = 1e-3,
    keep_weight: float = 1.0,
    kl_weight: float = 1.0,
    tokenizer: Any = None,
    seed: int = 0,
    progress: bool = True,
) -> Unlearned:
    """Change weights by a low-rank update, so that features of a concept no longer fire.

        L = sum over chosen i, steps of F of max(pre_i, 0) / that sum at first
            + w mean over steps of K of |x' - x|^2 / spread^2  + v KL(p || p') on K

    F: windows to forget, K: windows to keep; x, p: activations of the site and next-token
    probabilities of the model as it is. The update of each linear map is B A of the given rank.

    model: a causal language model with its head; it is not changed. dictionaries: one, or one by
    site. forget, keep: stores of texts, texts, or tokens [windows, time]. features: to suppress;
    None takes the `count` whose firing rate on `forget` exceeds that on `keep` by most, and is
    `ratio` times as high. modules: linear maps to change; None takes those of the site's own block
    that write from more dimensions than they give, the down projections of MLPs. window: tokens
    read at once; windows: how many of each kind, of which every other one is held out to measure.
    keep_weight, kl_weight: w, v.

    Source: Ashuach et al. 2025, CRISP: persistent concept unlearning via sparse autoencoders,
    arXiv:2508.13650, whose loss is of this form; the weights and the contrast are ours.

    Errors: ConfigError for settings out of range, a site without such maps, and a dictionary whose
    encoder gives no gradient; DataError for too few windows, and where no feature is salient; those
    of `steered_sites`.
    """
    _check(steps, batch, windows, learning_rate, keep_weight, kl_weight)
    loaded = load_causal_model(model, tokenizer)
    sites = steered_sites(loaded, dictionaries)
    paths = list(modules) if modules is not None else _down_projections(loaded.model, sites)
    update = LowRankUpdate(loaded.model, paths, rank, seed)
    parts = {
        name: _halves(windows_of(data, loaded, window, windows), name)
        for name, data in (("forget", forget), ("keep", keep))
    }
    chosen = _chosen(loaded, sites, parts, features, count, ratio, batch)
    suppression = Suppression(loaded, sites, chosen)
    before = suppression.measured(parts, batch)
    rng = seeds.numpy_generator(seed, "batches of a low-rank update")
    optimiser = torch.optim.Adam(update.parameters(), lr=learning_rate)
    with (
        running("unlearn", steps, "steps", progress) as bar,
        constant_parameters(loaded.model),
    ):
        for _ in range(steps):
            forgotten, kept = (
                parts[name][0][rng.integers(len(parts[name][0]), size=batch)]
                for name in ("forget", "keep")
            )
            plain = suppression.read(kept)
            with update.applied():
                loss = suppression.relative_activation(forgotten, before["activation"])
                own = suppression.read(kept, gradients=True)
            loss = loss + keep_weight * suppression.distance(own, plain)
            loss = loss + kl_weight * kl_of_logits(plain.logits, own.logits)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            bar.advance()
    changed = copy.deepcopy(loaded.model)
    update.merge_into(changed)
    merged = LoadedModel(changed, loaded.tokenizer, loaded.name, "")
    after = Suppression(merged, sites, chosen).measured(parts, batch)
    return Unlearned(
        changed,
        {site: tuple(own.tolist()) for site, own in chosen.items()},
        update.factors(),
        {name: (before[name], after[name]) for name in before},
        rank,
        loaded,
    )


def _halves(tokens: Int[Tensor, "windows time"], name: str) -> tuple[Tensor, Tensor]:
    if len(tokens) < _LEAST_WINDOWS:
        raise DataError(
            f"got {len(tokens)} windows of the data to {name}, expected at least {_LEAST_WINDOWS}, "
            "half of them to train on; give more data, or a smaller window="
        )
    return tokens[::2], tokens[1::2]


def _chosen(
    model: LoadedModel,
    sites: Mapping[str, Dictionary],
    parts: Mapping[str, tuple[Tensor, Tensor]],
    features: Any,
    count: int,
    ratio: float,
    batch: int,
) -> dict[str, Int[np.ndarray, " some"]]:
    if features is not None:
        given = features if isinstance(features, Mapping) else dict.fromkeys(sites, features)
        for site, sae in sites.items():
            wrong = [f for f in given[site] if not 0 <= f < sae.width]
            if wrong or not len(given[site]):
                raise ConfigError(
                    f"got features {sorted(given[site])} at {site!r}, expected some from 0 to "
                    f"{sae.width - 1}"
                )
        return {site: np.array(sorted(set(given[site]))) for site in sites}
    reading = Suppression(model, sites, {})
    rows: dict[str, dict[str, list[Tensor]]] = {}
    for name, (training, _) in parts.items():
        for tokens in training.split(batch):
            for site, x in reading.read(tokens).activations.items():
                rows.setdefault(site, {}).setdefault(name, []).append(x.flatten(0, 1))
    chosen = {}
    for site, sae in sites.items():
        target, other = (sae.encode(torch.cat(rows[site][name])) for name in ("forget", "keep"))
        chosen[site] = np.sort(salient_features(target, other, count, ratio))
    return chosen


def _down_projections(model: nn.Module, sites: Mapping[str, Dictionary]) -> list[str]:
    """Linear maps to fewer dimensions within the blocks of the sites.

    Errors: ConfigError for a site without one.
    """
    found = []
    for site in sites:
        block = resolve_site(model, site).module_path
        own = [
            path
            for path, module in model.named_modules()
            if isinstance(module, nn.Linear)
            and (path == block or path.startswith(f"{block}."))
            and module.out_features < module.in_features
        ]
        if not own:
            raise ConfigError(
                f"the module at {site!r} has no linear map to fewer dimensions, as the down "
                "projection of an MLP is; name those to change by modules="
            )
        found += [path for path in own if path not in found]
    return found


def _check(
    steps: int, batch: int, windows: int, rate: float, keep_weight: float, kl_weight: float
) -> None:
    if min(steps, batch) < 1 or windows < _LEAST_WINDOWS or not rate > 0:
        raise ConfigError(
            f"got steps={steps}, batch={batch}, windows={windows} and learning_rate={rate}; "
            f"expected at least one step and row, {_LEAST_WINDOWS} windows, and a positive rate"
        )
    if keep_weight < 0 or kl_weight < 0:
        raise ConfigError(
            f"got keep_weight={keep_weight} and kl_weight={kl_weight}, expected 0 or more"
        )
