"""st.attend: run a model with sparse attention, by policies for prefill and decoding."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from sparsetime.attention.attach import attached
from sparsetime.attention.equal_budget import solved
from sparsetime.attention.policy import AttentionPolicy, Phase
from sparsetime.attention.recipes.card import attention_policy
from sparsetime.attention.run import AttentionRun
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel

_Policy = AttentionPolicy | str | None


def attend(
    model: nn.Module | LoadedModel | str | Path,
    policy: _Policy = None,
    *,
    prefill: _Policy = None,
    decode: _Policy = None,
    record: bool = True,
    measure: bool = False,
) -> AttentionRun:
    """Attach attention policies to a model: `with st.attend(model, policy) as run:`.

    model: any torch module, or a name or folder that transformers loads as a causal model
    (`run.model` is it). Reached are models with transformers' attention interface, modules that
    call torch's scaled-dot-product attention, and nn.MultiheadAttention. policy: for both phases;
    prefill and decode: for one each; an AttentionPolicy or the name of a recipe. record: keep the
    pattern of each call. measure: also compute dense attention beside it, for the mass kept and the
    error of the output.

    The model's own attention returns at the end of the block, or by `run.detach()`.

    Errors: ConfigError without a policy, for a policy that was not fitted, for a model that has
    policies attached, for one whose attention is not reached, and for a policy of the other
    direction.
    """
    if policy is not None and (prefill is not None or decode is not None):
        raise ConfigError(
            "got policy and one for a phase, expected policy= or prefill= and decode="
        )
    if policy is not None:
        prefill = decode = _made(policy)
    policies: dict[Phase, AttentionPolicy | None] = {
        "prefill": _made(prefill),
        "decode": _made(decode),
    }
    if not any(policies.values()):
        raise ConfigError("got no policy, expected policy=, prefill= or decode=")
    loaded = model if isinstance(model, nn.Module) else load_causal_model(model)
    solutions = {id(one): solved(one, loaded) for one in policies.values() if one is not None}
    policies = {
        phase: None if one is None else solutions[id(one)] for phase, one in policies.items()
    }
    for one in policies.values():
        if one is not None and one.needs_fit:
            raise ConfigError(
                f"got the policy {one.name!r}, which was not fitted; call "
                "policy.fit(model, data) first"
            )
    return attached(loaded, policies, record, measure)


def _made(policy: _Policy) -> AttentionPolicy | None:
    if policy is None or isinstance(policy, AttentionPolicy):
        return policy
    if isinstance(policy, str):
        return attention_policy(policy)
    raise MismatchError(
        f"got {type(policy).__name__} as a policy, expected an AttentionPolicy or a recipe's name"
    )
