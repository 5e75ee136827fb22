"""st.effects: the effect of an edit over time, by lag: impulse, step and release responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.activations.store.store import Store
from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder, locks
from sparsetime.interventions.model_inputs import check_length
from sparsetime.interventions.sequence_spans import FromSteps
from sparsetime.interventions.span import Span
from sparsetime.interventions.spans import steps as all_steps
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.progress import progress as running
from sparsetime.steering.echo import Echo, measured_echo
from sparsetime.steering.edit_plan import EditPlan, Edits
from sparsetime.steering.effect_passes import EffectPasses
from sparsetime.steering.effect_windows import (
    ONSET,
    EffectWindows,
    check_at,
    first_steps,
    windows_of,
)
from sparsetime.steering.measured_response import MeasuredResponse
from sparsetime.steering.null_features import feature_density
from sparsetime.steering.null_plans import null_plans, nulls_of_sites
from sparsetime.steering.output_divergence import ReadOutput, divergence_of, first_output
from sparsetime.steering.prompts import special_tokens
from sparsetime.steering.response import Response
from sparsetime.steering.site_edits import SiteEdits, edits_of_sites
from sparsetime.steering.site_steering import column
from sparsetime.steering.steered_sites import sites_to_steer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex

KINDS = ("impulse", "step", "release")
RECORD_VERSION = 1
_ROOM = 32  # steps in which an onset is looked for


@final
@dataclass(frozen=True)
class EffectsByLag:
    """Responses to an edit by kind.

    site, features: that are edited; of several sites the first, whose first feature is followed.
    windows: how many were measured. settings: lags, hold, at, units, sites,
    edits, null, dictionary (its hash). divergence_is: "KL in nats" or "mean squared change".
    """

    site: str
    features: tuple[int, ...]
    responses: dict[str, Response]
    windows: int
    divergence_is: str
    settings: dict[str, Any] = field(default_factory=dict)
    echo: Echo | None = None

    def to_record(self) -> dict[str, Any]:
        """The effects as JSON values."""
        return {
            "schema_version": RECORD_VERSION,
            "site": self.site,
            "features": list(self.features),
            "windows": self.windows,
            "divergence_is": self.divergence_is,
            "settings": self.settings,
            "echo": None if self.echo is None else self.echo.to_record(),
            "responses": [response.to_record() for response in self.responses.values()],
        }

    def save(self, folder: str | Path) -> None:
        """Write `effects/<features>.json` into a folder, such as that of an index.

        The name of an edit of several sites ends in their number.
        """
        sites = len(self.settings.get("sites", ()))
        name = "-".join(map(str, self.features)) + (f"-at-{sites}-sites" if sites > 1 else "")
        where = Folder(str(folder)) / "effects"
        where.make()
        where.write_json(f"{name}.json", self.to_record())


@locks("out")
def effects(
    model: nn.Module | LoadedModel,
    dictionaries: Dictionary | Mapping[str, Dictionary],
    edits: Edits | Mapping[str, Edits],
    data: Any,
    *,
    at: str | int = "onset",
    lags: int = 32,
    hold: int = 16,
    kinds: Sequence[str] = KINDS,
    windows: int = 32,
    before: int = 8,
    null: int = 8,
    units: str | None = None,
    index: FeatureIndex | Mapping[str, FeatureIndex] | None = None,
    watch: Mapping[str, Dictionary] | None = None,
    output: ReadOutput | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    time_axis: int = 1,
    batch: int = 8,
    seed: int = 0,
    echo: bool = False,
    out: str | Path | None = None,
    progress: bool = True,
) -> EffectsByLag:
    """Measure the effect of an edit by lag: how large, how long, and where else.

        r_impulse(l) = D(y_{t+l}, y'_{t+l}),  edited at t alone
        r_step(l)    = D(y_{t+l}, y'_{t+l}),  edited from t on
        r_release(l) = D(y_{t+h+l}, y'_{t+h+l}),  edited from t to t + h - 1

    Both runs read the same inputs (teacher forced), so an effect at a later step is what keys and
    values, or a recurrent state, carry there. D: the KL divergence of next-token distributions of a
    language model, KL(plain || edited); the mean squared change of another output.

    dictionaries, edits, index: as of `steer`; edits of several sites act together, and the first
    feature of the first is followed. data: a store of texts, texts, tokens [windows, time], or rows
    [windows, time, channels], from which windows are taken. at: "onset", the first onset of the
    edited feature in a window, or a step. hold: steps of the held edit. before: steps in front of
    an onset at least. null: how many random features of the same density decile are compared, each
    added at every step of the span, as long as the edit's vector is in the mean of the steps at
    which it adds one. watch: dictionaries of deeper sites, whose features that move most are
    listed; those of the edited site are read before its edit. output: from the model's output to
    [batch, time, ...]. echo: whether a language model also writes with the held edit, to part what
    keys and values carry from what the chosen words carry; see `Echo`. out: a folder in which they
    are saved.

    Errors: ConfigError for settings out of range, and windows longer than the model reads;
    DataError where no document is as long as a window, or no window has an onset; StoreError where
    another process writes to `out`; those of `steer`.
    """
    if lags < 2 or hold < 1 or windows < 1 or null < 0 or batch < 1 or before < 0:
        raise ConfigError(
            f"got lags={lags}, hold={hold}, windows={windows}, null={null}, batch={batch} and "
            f"before={before}; expected at least 2 lags and 1 step, window and row"
        )
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ConfigError(f"got kinds={list(kinds)}, expected some of {', '.join(KINDS)}")
    check_at(at)
    loaded = load_model(model, tokenizer)
    sites = sites_to_steer(loaded, dictionaries)
    given: Any = edits
    if isinstance(dictionaries, Mapping) and len(sites) == 1 and not _is_by_site(edits):
        given = {next(iter(dictionaries)): edits}  # of the only one they need no site
    store = data if isinstance(data, Store) else None
    own = edits_of_sites(sites, dictionaries, given, units, index, store)
    own = {path: one for path, one in own.items() if one.edits}
    _check_edits(own)
    if echo and not callable(getattr(loaded.model, "generate", None)):
        raise ConfigError(
            f"got echo=True for {type(loaded.model).__name__}, which does not write; give a "
            "causal language model with its head"
        )

    def planned(span: Span) -> dict[str, EditPlan]:
        return {path: one.plan(span) for path, one in own.items()}

    planned(all_steps())  # for its errors, before any work
    steps = hold + lags + 1
    room = before + _ROOM if at == ONSET else int(at)
    inputs = windows_of(data, loaded, room + steps, windows)
    if not inputs.is_floating_point():
        check_length(loaded.model, room + steps, "lags=, hold= or at=")
    passes = EffectPasses(
        loaded.model,
        {path: one.site for path, one in own.items()},
        sites_to_steer(loaded, watch) if watch else {},
        output or first_output,
        special_tokens(loaded.tokenizer),
        time_axis,
    )
    site, first = next(iter(own.items()))
    feature = next(iter(first.edits))
    chosen, density = _located(passes, inputs, site, feature, at, before, steps, batch)
    others = nulls_of_sites(own, density, null, seed) if null else []
    divergence = divergence_of(inputs, output)
    measured = {
        kind: MeasuredResponse(
            kind, site, feature, hold if kind == "release" else 0, lags, divergence
        )
        for kind in kinds
    }

    lengths = {"impulse": 1, "step": None, "release": hold}
    total = float(len(kinds) * (1 + len(others)) * len(chosen.begins))
    with running(f"effects of feature {feature}", total, "windows", progress) as bar:
        for part in chosen.parts(batch):
            plain = passes.run(part)
            for kind, response in measured.items():
                span = FromSteps(part.begins, lengths[kind])
                main = passes.run(part, planned(span))
                response.add(plain, main)
                for number, other in enumerate(others):
                    plans = null_plans(own, other, main.norms, span)
                    response.add_null(number, plain, passes.run(part, plans, watch=False))
                bar.advance((1 + len(others)) * len(part.begins))
    parted = None
    if echo:
        prompts = chosen.inputs[:, : max(room, 1)]
        parted = measured_echo(passes, planned, prompts, site, feature, hold, lags, batch, seed)
    made = EffectsByLag(
        site,
        tuple(first.edits),
        {kind: response.response(seed) for kind, response in measured.items()},
        len(chosen.begins),
        divergence.name,
        {
            "lags": lags,
            "hold": hold,
            "at": at,
            "units": first.unit,
            "sites": list(own),
            "null": [one[site] for one in others] if len(own) == 1 else others,
            "dictionary": dictionary_hash(first.dictionary),
            "edits": {
                str(f) if len(own) == 1 else f"{path}: {f}": [
                    [type(e).__name__.lower(), e.strength] for e in each
                ]
                for path, one in own.items()
                for f, each in one.edits.items()
            },
        },
        parted,
    )
    if out is not None:
        made.save(out)
    return made


def _located(
    passes: EffectPasses,
    inputs: Tensor,
    site: str,
    feature: int,
    at: str | int,
    before: int,
    steps: int,
    batch: int,
) -> tuple[EffectWindows, dict[str, Float[np.ndarray, " width"]]]:
    """The windows with a first edited step, and by site the density of every feature on all.

    Errors: DataError where no window has an onset.
    """
    codes = [passes.whole_codes(part) for part in inputs.split(batch)]
    activation = np.concatenate([column(one[site], feature) for one in codes])
    begins = first_steps(at, activation, before, steps)
    has_step = begins >= 0
    if not has_step.any():
        raise DataError(
            f"got {len(begins)} windows without an onset of feature {feature} that has {before} "
            f"steps before it and {steps} behind; give more data, or at= a step"
        )
    density = {path: feature_density([one[path] for one in codes]) for path in codes[0]}
    return EffectWindows(inputs, begins, steps).take(has_step), density


def _is_by_site(edits: Any) -> bool:
    return isinstance(edits, Mapping) and any(isinstance(key, str) for key in edits)


def _check_edits(own: Mapping[str, SiteEdits]) -> None:
    """Errors: ConfigError for no edit, and for one with a span of its own."""
    if not own:
        raise ConfigError("got no edits, expected at least one, whose effect is measured")
    edits = [edit for one in own.values() for each in one.edits.values() for edit in each]
    if any(edit.span is not None for edit in edits):
        raise ConfigError(
            "got an edit with a span of its own; effects sets the spans of an impulse, a step and "
            "a release, so leave it out"
        )
