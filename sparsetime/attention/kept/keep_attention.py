"""What every head reads in one sequence and what policies would read, kept in a folder."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime.attention.equal_budget import solved
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.kept.kept_attention import JSON_NAME, SCHEMA_VERSION, STEPS, head_name
from sparsetime.attention.kept.pattern_runs import pattern_runs
from sparsetime.attention.kept.runs import is_read
from sparsetime.attention.kept.strongest_pairs import HeadPairs, copy_share, strongest_pairs
from sparsetime.attention.measures import mass_kept
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recorded_calls import named_calls
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.models.load import LoadedModel
from sparsetime.models.model_hash import model_hash


@locks("path")
def keep_attention(
    model: nn.Module | LoadedModel,
    tokens: Int[Tensor, "batch time"],
    path: str | os.PathLike[str],
    policies: Sequence[AttentionPolicy] = (),
    *,
    texts: Sequence[str] = (),
    strongest: int = 32,
    sequence: tuple[str, int] | None = None,
) -> None:
    """Keep the attention of one sequence, for the explorer's view of attention.

    The model runs densely. Of every head of self-attention the `strongest` keys of each query are
    kept, and of every policy the keys that it would read of the same queries and keys; a policy
    that was asked for a sparsity by `policy.at` is solved first. Best in RUN/attention/NAME.

    tokens: ids. texts: those of the tokens, one each; by default the tokenizer's, or the ids.
    sequence: the hash of the shards of a store and the number of its sequence whose steps the
    tokens are, so that features are shown on the same steps.

    Errors: DataError for more or less than one sequence, for texts that do not fit, and for a
    model without self-attention; ConfigError for `strongest` below 1, and for a policy that does
    not apply in prefill, or that was not fitted.
    """
    if tokens.shape[0] != 1:
        raise DataError(f"got {tokens.shape[0]} sequences of tokens, expected one [1, time]")
    if strongest < 1:
        raise ConfigError(f"got strongest={strongest}, expected at least one key a query")
    names = list(texts) or _texts_of(model, tokens[0])
    if len(names) != tokens.shape[1]:
        raise DataError(f"got {len(names)} texts of {tokens.shape[1]} tokens, expected one each")
    solutions = [_ready(policy, model) for policy in policies]
    calls = [pair for pair in named_calls(model, tokens) if _is_whole(pair[1], tokens)]
    if not calls:
        raise DataError("got a model without a call of self-attention over all tokens")
    folder = Folder(folder_url(path, "path"))
    heads: list[dict[str, Any]] = []
    steps: dict[str, list[Tensor]] = {name: [] for name in ("distance", "entropy", "received")}
    for module, call in calls:
        pairs = strongest_pairs(call, strongest)
        patterns = [_pattern_of(policy, call) for policy in solutions]
        copying = copy_share(pairs.keys, tokens[0])
        for head in range(call.heads):
            kept = [(pattern, mass[0, head]) for pattern, mass in patterns]
            record = _written(folder, len(heads), head, pairs, kept)
            heads.append(
                {
                    "module": module,
                    "layer": call.layer,
                    "head": head,
                    "copying": _finite(copying[head]),
                    "distance": float(pairs.distance[head].mean()),
                    "entropy": float(pairs.entropy[head].mean()),
                    **record,
                }
            )
        for name, values in steps.items():
            values.append(getattr(pairs, name))
    along_time = {name: torch.cat(values).float() for name, values in steps.items()}
    own = model.model if isinstance(model, LoadedModel) else model
    record = {
        "model": model.name if isinstance(model, LoadedModel) else type(model).__name__,
        "model_hash": model_hash(own),
        "tokens": tokens[0].tolist(),
        "texts": names,
        "sequence": list(sequence) if sequence else None,
        "policies": [policy.to_config() for policy in solutions],
        "heads": heads,
        "steps": folder.write_tensors(STEPS, along_time, SCHEMA_VERSION),
    }
    folder.write_json(JSON_NAME, record, SCHEMA_VERSION)


def _ready(policy: AttentionPolicy, model: nn.Module | LoadedModel) -> AttentionPolicy:
    if "prefill" not in policy.phases:
        raise ConfigError(
            f"got the policy {policy.name!r}, which applies in "
            f"{' and '.join(policy.phases)} alone; "
            "a kept sequence is read at once, so give one of prefill"
        )
    policy = solved(policy, model)
    if policy.needs_fit:
        raise ConfigError(
            f"got the policy {policy.name!r}, which was not fitted; call policy.fit(model, data) "
            "first"
        )
    return policy


def _pattern_of(policy: AttentionPolicy, call: AttentionInputs) -> tuple[AttentionPattern, Tensor]:
    """What a policy reads of a call, for every head of queries, and the mass that it keeps."""
    arranged = policy.layout.arranged(replace(call, state={}))
    pattern = policy.select(arranged)
    if pattern is None:
        pattern = AttentionPattern.full(arranged.readable)
    return pattern.expand(1, call.heads), mass_kept(arranged, pattern)


def _written(
    folder: Folder,
    number: int,
    head: int,
    pairs: HeadPairs,
    patterns: Sequence[tuple[AttentionPattern, Tensor]],
) -> Mapping[str, Any]:
    """Write the file of one head; returns its checksum, and what each policy reads of it."""
    keys = pairs.keys[head]
    tensors = {"keys": keys.int(), "weights": pairs.weights[head].half()}
    query = np.repeat(np.arange(keys.shape[0]), keys.shape[1])
    reads = []
    for place, (pattern, mass) in enumerate(patterns):
        runs = pattern_runs(pattern, head)
        read = is_read(runs, query, keys.numpy().reshape(-1).astype(np.int64))
        tensors[f"runs.{place}"] = torch.from_numpy(runs).int()
        tensors[f"read.{place}"] = torch.from_numpy(read).reshape(keys.shape)
        pairs_read = int(pattern.pairs_of_heads[0, head])
        share = pairs_read * pattern.heads / max(1, pattern.readable_pairs)
        reads.append({"sparsity": 1 - share, "mass_kept": float(mass)})
    return {
        "sha256": folder.write_tensors(head_name(number), tensors, SCHEMA_VERSION),
        "policies": reads,
    }


def _is_whole(call: AttentionInputs, tokens: Tensor) -> bool:
    """Whether a call is self-attention over all tokens."""
    return call.queries == call.keys == tokens.shape[1]


def _texts_of(model: nn.Module | LoadedModel, tokens: Tensor) -> list[str]:
    tokenizer = model.tokenizer if isinstance(model, LoadedModel) else None
    if tokenizer is None:
        return [str(token) for token in tokens.tolist()]
    return [str(tokenizer.decode([token])) for token in tokens.tolist()]


def _finite(value: Tensor) -> float | None:
    return float(value) if math.isfinite(float(value)) else None
