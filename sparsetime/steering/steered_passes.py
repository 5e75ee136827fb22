"""Hooks of a steered model: every forward pass begins sequences or continues those before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime.errors import ConfigError
from sparsetime.interventions.model_pass import ModelPass, PassReader, check_generation
from sparsetime.interventions.site_exchange import exchange
from sparsetime.interventions.span import RunFacts
from sparsetime.models.wrappers import hook_input
from sparsetime.steering.edit_plan import EditPlan
from sparsetime.steering.session import Session

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
class SteeredPasses:
    """The steered sites of one model, hooked while the object is entered.

    A pass whose cache holds earlier steps continues them, and so does every pass of a stream; any
    other begins new sequences. What is known of these is `facts`; where they hold no length of a
    prompt, the first pass reads it.

    plans: dictionary and edits of each site. untouched: tokens that are never edited. reads: by
    site the one that its dictionary encodes, of transcoders.
    """

    def __init__(
        self,
        model: nn.Module,
        plans: Mapping[str, tuple[Dictionary, EditPlan]],
        untouched: frozenset[int] = frozenset(),
        time_axis: int = 1,
        seed: int = 0,
        reads: Mapping[str, str] | None = None,
    ) -> None:
        self.model, self.plans = model, dict(plans)
        self._reads = dict(reads or {})
        self._untouched, self._time_axis, self._seed = untouched, time_axis, seed
        self._reader = PassReader(model)
        self._hooks = ExitStack()
        self._is_entered = False
        self._facts = RunFacts()
        self._is_stream = self._is_open = False
        self.is_paused = False  # hooks do nothing, for the time between two generated tokens
        self.session: Session | None = None

    def expect(self, facts: RunFacts, is_stream: bool = False, is_open: bool = False) -> None:
        """Set what is known of the next sequences. Errors: those of `Span.check`, at once.

        is_open: whether facts of the length of the batch are taken from each pass.
        """
        facts = replace(facts, activations=True)
        if not is_open:
            for _, plan in self.plans.values():
                for span in plan.spans:
                    span.check(facts)
        self._facts, self._is_stream, self._is_open = facts, is_stream, is_open
        self.session = None

    def __enter__(self) -> None:
        """Errors: ConfigError where it is entered already; those of `exchange`."""
        if self._is_entered:
            raise ConfigError("got a steered model that is entered already; leave it first")
        with ExitStack() as hooks:
            hooks.callback(hook_input(self.model, self._before).remove)
            for site in self.plans:
                hooks.callback(exchange(self.model, site, self._exchanged(site)).remove)
            # Behind the edits, so that an edited input is what is read.
            for read in dict.fromkeys(self._reads.values()):
                hooks.callback(exchange(self.model, read, self._recorded(read)).remove)
            self._guard_generate(hooks)
            self._hooks = hooks.pop_all()
        self._is_entered = True

    def __exit__(self, *_: object) -> None:
        self._hooks.close()
        self._is_entered = False

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.is_paused:
            return
        given = self._reader.read(args, kwargs)
        if self.session is None or not (self._is_stream or given.earlier):
            self.session = self._begun(given)
        self.session.open_pass(given)

    def _begun(self, given: ModelPass) -> Session:
        facts = self._facts
        if self._is_open:
            batch = facts.batch if given.shape is None else given.shape[0]
            facts = replace(facts, batch=batch, has_tokens=given.tokens is not None)
        if self._is_open and given.shape is not None and facts.prompt_lengths is None:
            # A pass that nothing says more about is the prompt.
            facts = replace(facts, prompt_lengths=_lengths(given))
        return Session.begin(
            self.plans, facts, self._untouched, self._seed, self._time_axis, self._reads
        )

    def _exchanged(self, site: str) -> Callable[[Tensor], Tensor]:
        def exchanged(tensor: Tensor) -> Tensor:
            if self.is_paused:
                return tensor
            assert self.session is not None  # begun before the pass
            return self.session.exchanged(site, tensor)

        return exchanged

    def _recorded(self, site: str) -> Callable[[Tensor], Tensor]:
        def recorded(tensor: Tensor) -> Tensor:
            if not self.is_paused:
                assert self.session is not None  # begun before the pass
                self.session.record_read(site, tensor)
            return tensor

        return recorded

    def _guard_generate(self, hooks: ExitStack) -> None:
        """Refuse settings of the model's own `generate`, and take the length of its prompt."""
        original = getattr(self.model, "generate", None)
        if not callable(original) or not self._is_open:
            return

        def generate(*args: Any, **kwargs: Any) -> Any:
            defaults = getattr(self.model, "generation_config", None)
            check_generation({"generation_config": defaults, **kwargs})
            before = self._facts
            prompt = kwargs.get("input_ids", args[0] if args else None)
            if isinstance(prompt, Tensor):
                mask = kwargs.get("attention_mask")
                lengths = np.full(len(prompt), prompt.shape[1])
                if isinstance(mask, Tensor) and mask.ndim == 2:
                    lengths = mask.sum(1).cpu().numpy().astype(np.int64)
                self._facts = replace(before, prompt_lengths=lengths)
            try:
                return original(*args, **kwargs)
            finally:
                self._facts = before

        # On the instance, so that other models of the class are as they were.
        attributes = vars(self.model)
        if "generate" in attributes:
            hooks.callback(attributes.__setitem__, "generate", original)
        else:
            hooks.callback(attributes.pop, "generate", None)
        attributes["generate"] = generate


def _lengths(given: ModelPass) -> Int[np.ndarray, " batch"]:
    assert given.shape is not None  # checked by the caller
    if given.real is not None:
        return np.asarray(given.real.sum(1))
    return np.full(given.shape[0], given.shape[1])
