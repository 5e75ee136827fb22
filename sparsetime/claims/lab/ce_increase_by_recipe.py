"""Increase in cross-entropy of the code model under dictionaries of several recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sparsetime as st
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.lab.lab import Lab
from sparsetime.metrics.ce_increase import ce_increase


def ce_increase_by_recipe(
    lab: Lab,
    site: str,
    data: Callable[[], Any],
    recipes: Mapping[str, str],
    *,
    length: int,
    width: int,
    k: int,
    seed: int,
    **training: Any,
) -> dict[str, float]:
    """For each recipe "CE increase, TITLE", in nats per token, and "FVU of TITLE".

    On the code model's held-out documents, in windows of `length` tokens. recipes: titles by name.
    data: returns the training data, equal for all recipes. training: settings of `lab.train`.
    """
    code = lab.code(site)
    assert code.bed.model is not None
    tokens = token_windows(code.held_out_store, length)
    values = {}
    for name, title in recipes.items():
        sae = st.dictionary(name, d_in=code.d, width=width, k=k, seed=seed)
        lab.train(sae, data(), seed=seed, **training)
        increase = ce_increase(code.bed.model.model, sae, tokens, site)
        values[f"CE increase, {title}"] = increase.value
        values[f"FVU of {title}"] = lab.fvu(sae, code.held_out)
    return values
