"""Attachment of a run to a model through every door that it has."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from sparsetime.attention.doors.dot_product_calls import attach_to_calls
from sparsetime.attention.doors.multihead import attach_to_multihead
from sparsetime.attention.doors.transformers_interface import attach_to_transformers
from sparsetime.attention.policy import AttentionPolicy, Phase
from sparsetime.attention.run import AttentionRun
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel, longest_input

_attached: WeakKeyDictionary[nn.Module, AttentionRun] = WeakKeyDictionary()


def attached(
    model: nn.Module | LoadedModel,
    policies: dict[Phase, AttentionPolicy | None],
    record: bool = True,
    measure: bool = False,
) -> AttentionRun:
    """A run over a model; without policies it is dense, and observers see its calls.

    Errors: ConfigError for a model that has a run attached.
    """
    module = model.model if isinstance(model, LoadedModel) else model
    tokenizer = model.tokenizer if isinstance(model, LoadedModel) else None
    if module in _attached:
        raise ConfigError("got a model that has attention policies; detach the earlier run first")
    run = AttentionRun(module, policies, record, measure, longest_input(module, tokenizer))
    attach_to_transformers(run)
    attach_to_multihead(run)
    attach_to_calls(run)
    _attached[module] = run

    def forget() -> None:
        _attached.pop(module, None)

    run.on_detach(forget)
    _refuse_unreached(run)
    return run


def _refuse_unreached(run: AttentionRun) -> None:
    """Refuse a model none of whose attention was reached, at the end of its first pass."""

    def check(*_: Any) -> None:
        handle.remove()
        if not run.reached:
            raise ConfigError(
                f"the attention of {type(run.model).__name__} cannot be reached: it called neither "
                "transformers' attention interface, nor torch's scaled_dot_product_attention, nor "
                "nn.MultiheadAttention; compute its attention by one of these"
            )

    handle = run.model.register_forward_hook(check)
    run.on_detach(handle.remove)
