"""Forward passes of a measurement of effects: outputs and codes behind the first edited step."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

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

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True)
class PassResult:
    """What one pass of some windows gave.

    output: [windows, steps, ...], from the first edited step on. codes: of the watched sites, at
    the same steps, before any edit there. relative_norm, norm: of what was added, mean over edited
    steps; NaN without an edit.
    """

    output: Tensor
    codes: dict[str, SparseCode]
    relative_norm: float = float("nan")
    norm: float = float("nan")


@final
class EffectPasses:
    """Runs windows through a model, plain and edited."""

    def __init__(
        self,
        model: nn.Module,
        site: str,
        sae: Dictionary,
        watched: Mapping[str, Dictionary],
        read_output: ReadOutput,
        untouched: frozenset[int],
        time_axis: int,
    ) -> None:
        self.model, self.site, self.sae = model, site, sae
        self._watched = {site: sae, **watched}
        self._read_output = read_output
        self.untouched, self._time_axis = untouched, time_axis

    def run(
        self, windows: EffectWindows, plan: EditPlan | None = None, watch: bool = True
    ) -> PassResult:
        """One pass. plan: None for the model as it is. watch: whether codes are computed."""
        passes = None
        if plan is not None:
            plans = {self.site: (self.sae, plan)}
            passes = SteeredPasses(self.model, plans, self.untouched, self._time_axis)
            passes.expect(RunFacts(len(windows.begins)))
        sites = list(self._watched) if watch else []
        hooks: Any = nullcontext() if passes is None else passes
        # Recorded first, so that the edited site is read before its edit.
        recorded: Any = recording(self.model, sites) if sites else nullcontext({})
        with eval_mode(self.model), recorded as activations, hooks:
            output = self._read_output(self._forward(windows.inputs))
        at = windows.begins[:, None] + np.arange(windows.steps)
        rows = torch.from_numpy(at).to(output.device)
        index = rows.reshape(*rows.shape, *([1] * (output.ndim - 2)))
        kept = torch.take_along_dim(output, index, dim=1)
        codes = {name: self._code(name, activations[name], at) for name in sites}
        if passes is None or passes.session is None:
            return PassResult(kept, codes)
        record = passes.session.record[self.site]
        added = record.added[record.added > 0]
        norm = float(added.mean()) if len(added) else 0.0
        return PassResult(kept, codes, record.relative_norm, norm)

    def whole_code(self, windows: Tensor) -> SparseCode:
        """The code of the edited site at every step of some windows."""
        with eval_mode(self.model), recording(self.model, self.site) as activations:
            self._forward(windows)
        return self.sae.encode(self._rows(self.site, activations[self.site], len(windows)))

    def _code(self, site: str, activation: Tensor, at: np.ndarray) -> SparseCode:
        sae = self._watched[site]
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
