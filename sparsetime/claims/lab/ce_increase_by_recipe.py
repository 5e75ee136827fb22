"""What recipes, trained alike, cost the model that they are spliced into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sparsetime as st
from sparsetime.claims.lab.lab import Lab
from sparsetime.metrics.ce_increase import ce_increase, token_windows


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
    """For each recipe "rise of loss, TITLE", in nats a token, and "FVU of TITLE".

    On the code model's held-out documents, in windows of `length` tokens. recipes: titles by name.
    data: makes what every one is trained on, the same for all. training: settings of `lab.train`.
    """
    code = lab.code(site)
    assert code.bed.model is not None
    tokens = token_windows(code.held_out_store, length)
    values = {}
    for name, title in recipes.items():
        made = st.dictionary(name, d_in=code.d, width=width, k=k, seed=seed)
        lab.train(made, data(), seed=seed, **training)
        values[f"rise of loss, {title}"] = ce_increase(code.bed.model.model, made, tokens, site)
        values[f"FVU of {title}"] = lab.fvu(made, code.held_out)
    return values
