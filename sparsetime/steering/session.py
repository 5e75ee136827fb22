"""Session: the state of all steered sites over the passes of some sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.interventions.model_pass import ModelPass, check_cache_size, numbered
from sparsetime.interventions.span import RunFacts, Steps
from sparsetime.models.site_tensors import as_batch_time_d
from sparsetime.steering.edit_plan import EditPlan
from sparsetime.steering.run_record import SiteRecord
from sparsetime.steering.site_steering import SiteSteering

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass
class Session:
    """One run of some sequences from their first step on, over any number of passes."""

    sites: dict[str, SiteSteering]
    time_axis: int
    read_elsewhere: frozenset[str | None]
    record: dict[str, SiteRecord] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    _read: dict[str, Tensor] = field(default_factory=dict)
    _seen: dict[str, Int[np.ndarray, " batch"]] = field(default_factory=dict)
    _pass: ModelPass = field(default_factory=ModelPass)
    _done: set[str] = field(default_factory=set)

    @staticmethod
    def begin(
        plans: Mapping[str, tuple[Dictionary, EditPlan]],
        facts: RunFacts,
        untouched: frozenset[int],
        seed: int,
        time_axis: int,
        reads: Mapping[str, str],
    ) -> Session:
        """reads: see `SteeredPasses`. Errors: those of `Span.check`, before any step is read."""
        for _, plan in plans.values():
            for span in plan.spans:
                span.check(facts)
        made = {
            site: SiteSteering(site, sae, plan, facts, untouched, seed)
            for site, (sae, plan) in plans.items()
        }
        for site, steering in made.items():
            for feature, other in (f for span in steering.plan.spans for f in span.features):
                _check_feature(made, site if other is None else other, feature)
        read = {
            other
            for steering in made.values()
            for span in steering.plan.spans
            for _, other in span.features
        }
        record = {site: SiteRecord() for site in made}
        return Session(made, time_axis, frozenset(read - {None}), record, reads)

    @property
    def batch(self) -> int:
        return next(iter(self.sites.values())).facts.batch

    def open_pass(self, given: ModelPass) -> None:
        """Begin the next pass. Errors: MismatchError for a cache of other steps than were seen."""
        if given.earlier:
            seen = next(iter(self._seen.values()), np.zeros(self.batch, dtype=np.int64))
            batch = self.batch if given.shape is None else given.shape[0]
            check_cache_size(batch, seen, given.earlier)
        self._pass, self._done = given, set()
        self._read.clear()

    def record_read(self, site: str, tensor: Tensor) -> None:
        """Keep what a transcoder encodes in this pass."""
        self._read[site] = tensor

    def exchanged(self, site: str, tensor: Tensor) -> Tensor:
        """The edited activations of a site, in the layout of its tensor.

        Errors: ConfigError where the pass calls the site twice; MismatchError for another layout.
        """
        if site in self._done:
            raise ConfigError(
                f"the site {site!r} is passed more than once in one forward pass; choose a module "
                "that is called once, for example the one around it"
            )
        self._done.add(site)
        x = self._rows(site, tensor)
        batch, time, _ = x.shape
        if batch != self.batch:
            raise MismatchError(
                f"got {batch} sequences at the site {site!r} in a run of {self.batch}; begin "
                "another run for other sequences"
            )
        fits = self._pass.shape == (batch, time)
        tokens = self._pass.tokens if fits else None
        real = self._pass.real if fits else None
        seen = self._seen.get(site, np.zeros(batch, dtype=np.int64))
        numbers = numbered(seen, real, time)
        self._seen[site] = seen + (time if real is None else real.sum(1))
        changed, done = self.sites[site].feed(
            x, Steps(numbers, tokens), self._elsewhere, site in self.read_elsewhere,
            self._encoded(site, x),
        )  # fmt: skip
        self.record[site].parts.append(done)
        if changed is x:
            return tensor
        return self._put_back(changed, tensor)

    def _encoded(self, site: str, x: Tensor) -> Tensor:
        """What the dictionary of a site encodes. Errors: ConfigError where it comes later."""
        other = self.reads.get(site)
        if other is None:
            return x
        if other not in self._read:
            raise ConfigError(
                f"got a dictionary that reads {other!r}, which the forward pass computes later "
                f"than the site {site!r} that is edited; exchange the two sites"
            )
        rows = self._rows(other, self._read[other])
        if rows.shape[:2] != x.shape[:2]:
            raise MismatchError(
                f"got {list(rows.shape[:2])} steps at {other!r} and {list(x.shape[:2])} at "
                f"{site!r}, expected as many; a dictionary between them has one row a step"
            )
        return rows

    def _elsewhere(self, feature: int, site: str) -> Float[np.ndarray, "batch time"]:
        if site not in self._done:
            raise ConfigError(
                f"got a span that reads feature {feature} at {site!r}, which the forward pass "
                "computes later than the edited site; read it at the edited site or before"
            )
        return self.sites[site].activation(feature)

    def _rows(self, site: str, tensor: Tensor) -> Tensor:
        shape = self._pass.shape
        if tensor.ndim == 2:
            fits = shape is not None and shape[0] * shape[1] == tensor.shape[0]
            batch, time = shape if fits and shape is not None else (1, tensor.shape[0])
            return tensor.reshape(batch, time, tensor.shape[1])
        if tensor.ndim == 3 and self.time_axis == 1:
            return tensor
        batch, time = tensor.shape[0], tensor.shape[self.time_axis]
        if self.time_axis == 0:
            batch = tensor.shape[1]
        return as_batch_time_d(tensor, site, batch, time, self.time_axis)

    def _put_back(self, x: Tensor, tensor: Tensor) -> Tensor:
        if self.time_axis == 1 and x.shape == tensor.shape:
            return x
        if tensor.ndim == 2 or self.time_axis == 1:
            return x.reshape(tensor.shape)
        moved = tensor.movedim(self.time_axis, 1)
        return x.reshape(moved.shape).movedim(1, self.time_axis)


def _check_feature(sites: Mapping[str, SiteSteering], site: str, feature: int) -> None:
    """Errors: ConfigError for a feature or a site that no dictionary of the run has."""
    if site not in sites:
        raise ConfigError(
            f"got a span that reads the site {site!r}, expected one of the run: "
            f"{', '.join(map(repr, sites))}; give its dictionary too, with no edits"
        )
    width = sites[site].sae.width
    if feature >= width:
        raise ConfigError(
            f"got a span that reads feature {feature} at {site!r}, expected a number from 0 to "
            f"{width - 1}"
        )
