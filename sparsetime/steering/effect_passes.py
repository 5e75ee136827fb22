"""Forward passes of a measurement of effects: outputs and codes behind the first edited step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.codes import SparseCode
from sparsetime.interventions.model_inputs import forward_arguments
from sparsetime.interventions.span import RunFacts
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import recording
from sparsetime.models.site_tensors import as_batch_time_d
from sparsetime.steering.edit_plan import EditPlan
from sparsetime.steering.effect_windows import EffectWindows
from sparsetime.steering.output_divergence import ReadOutput
from sparsetime.steering.steered_passes import SteeredPasses
from sparsetime.steering.steered_sites import SteeredSite

#: The edits of every site.
Plans: TypeAlias = Mapping[str, EditPlan]


@final
@dataclass(frozen=True)
class PassResult:
    """What one pass of some windows gave.

    output: [windows, steps, ...], from the first edited step on. codes: of the edited and watched
    sites, at the same steps, before their own edit. relative_norm: of what was added, mean over
    edited steps and sites, NaN without an edit; norms: its norm by site, mean over edited steps.
    """

    output: Tensor
    codes: dict[str, SparseCode]
    relative_norm: float = float("nan")
    norms: dict[str, float] = field(default_factory=dict)


@final
@dataclass(frozen=True, eq=False)
class _Recorded:
    """By watched site what its dictionary encodes. read: the site that a transcoder encodes."""

    read: Mapping[str, str | None]
    before: Mapping[str, Tensor]
    behind: Mapping[str, Tensor]

    def __getitem__(self, site: str) -> Tensor:
        other = self.read[site]
        return self.before[site] if other is None else self.behind[other]


@final
class EffectPasses:
    """Runs windows through a model, plain and edited."""

    def __init__(
        self,
        model: nn.Module,
        edited: Mapping[str, SteeredSite],
        watched: Mapping[str, SteeredSite],
        read_output: ReadOutput,
        untouched: frozenset[int],
        time_axis: int,
    ) -> None:
        """edited, watched: sites with their dictionaries; an edited one is watched too."""
        self.model, self._edited = model, dict(edited)
        self._watched = {**watched, **edited}
        self._read_output = read_output
        self._untouched, self._time_axis = untouched, time_axis

    def hooks(self, plans: Plans) -> SteeredPasses:
        """The model with the edits of every site."""
        return SteeredPasses(
            self.model,
            {site: (self._edited[site].dictionary, plan) for site, plan in plans.items()},
            self._untouched,
            self._time_axis,
            reads={site: r for site, one in self._edited.items() if (r := one.read) is not None},
        )

    def run(
        self, windows: EffectWindows, plans: Plans | None = None, watch: bool = True
    ) -> PassResult:
        """One pass. plans: None for the model as it is. watch: whether codes are computed."""
        passes = None
        if plans is not None:
            passes = self.hooks(plans)
            passes.expect(RunFacts(len(windows.begins)))
        hooks: Any = nullcontext() if passes is None else passes
        with eval_mode(self.model), self._recorded(hooks, watch) as recorded:
            output = self._read_output(self._forward(windows.inputs))
        at = windows.begins[:, None] + np.arange(windows.steps)
        rows = torch.from_numpy(at).to(output.device)
        index = rows.reshape(*rows.shape, *([1] * (output.ndim - 2)))
        kept = torch.take_along_dim(output, index, dim=1)
        sites = self._watched if watch else {}
        codes = {site: self._code(site, recorded[site], at) for site in sites}
        if passes is None or passes.session is None:
            return PassResult(kept, codes)
        record = passes.session.record
        added = {site: one.added[one.added > 0] for site, one in record.items()}
        relative = [one.relative_norm for one in record.values() if one.edited_steps]
        return PassResult(
            kept,
            codes,
            float(np.mean(relative)) if relative else float("nan"),
            {site: float(own.mean()) if len(own) else 0.0 for site, own in added.items()},
        )

    def whole_codes(self, windows: Tensor) -> dict[str, SparseCode]:
        """The codes of the edited sites at every step of some windows."""
        with eval_mode(self.model), self._recorded(nullcontext(), True) as recorded:
            self._forward(windows)
        return {
            site: one.dictionary.encode(self._rows(site, recorded[site], len(windows)))
            for site, one in self._edited.items()
        }

    @contextmanager
    def _recorded(self, hooks: Any, watch: bool) -> Iterator[_Recorded]:
        """By site what its dictionary encodes, recorded while the hooks of the edits are entered.

        A dictionary of the site itself reads it before its edit. What a transcoder encodes is
        recorded behind the edits, since another dictionary may edit it.
        """
        read = {site: one.read for site, one in self._watched.items() if watch}
        own = [site for site, other in read.items() if other is None]
        others = list(dict.fromkeys(other for other in read.values() if other is not None))
        with ExitStack() as stack:
            before: Any = stack.enter_context(recording(self.model, own)) if own else {}
            stack.enter_context(hooks)
            behind: Any = stack.enter_context(recording(self.model, others)) if others else {}
            yield _Recorded(read, before, behind)

    def _code(self, site: str, activation: Tensor, at: np.ndarray) -> SparseCode:
        sae = self._watched[site].dictionary
        rows = self._rows(site, activation, len(at))
        if not sae.is_stateful:
            index = torch.from_numpy(at).to(rows.device)[..., None]
            return sae.encode(torch.take_along_dim(rows, index, dim=1))
        code = sae.encode(rows)
        numbers = np.arange(code.rows).reshape(code.shape)
        chosen = np.take_along_axis(numbers, at, axis=1)
        return code.take(torch.from_numpy(chosen.reshape(-1))).reshape(*at.shape)

    def _rows(self, site: str, activation: Tensor, batch: int) -> Float[Tensor, "batch time d"]:
        time = (
            len(activation) // batch if activation.ndim == 2 else activation.shape[self._time_axis]
        )
        return as_batch_time_d(activation, site, batch, time, self._time_axis)

    def _forward(self, inputs: Tensor) -> Any:
        arguments, named = forward_arguments(self.model, inputs)
        return self.model(*arguments, **named)
