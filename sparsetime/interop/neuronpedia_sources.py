"""Rows of Neuronpedia's tables Model, SourceRelease, SourceSet and Source."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsetime.activations.store.store import Store
from sparsetime.interop.neuronpedia_records import SourceKeys
from sparsetime.models.load import LoadedModel


def source_rows(
    keys: SourceKeys,
    source_set: str,
    creator: str,
    data: str,
    store: Store,
    model: LoadedModel | None,
) -> dict[str, dict[str, Any]]:
    """The row of each table, by the name of its file."""
    owned = {"creatorId": keys.creator, "createdAt": keys.created, "visibility": "PUBLIC"}
    config = getattr(model.model, "config", None) if model is not None else None
    lengths = np.asarray(store.sequences["length"].to_numpy())
    of_creator = {"creatorName": creator, "urls": []}
    rows: dict[str, dict[str, Any]] = {
        "model": {
            "id": keys.model,
            "displayName": store.model_name or keys.model,
            "displayNameShort": keys.model,
            "layers": int(getattr(config, "num_hidden_layers", 0) or 0),
            "neuronsPerLayer": int(getattr(config, "intermediate_size", 0) or 0),
            "owner": creator,
            "updatedAt": keys.created,
        },
        "release": {"name": source_set, "description": source_set, **of_creator},
        "sourceset": {
            "name": source_set,
            "modelId": keys.model,
            "releaseName": source_set,
            "description": store.site,
            **of_creator,
        },
        "source": {
            "id": keys.source,
            "modelId": keys.model,
            "setName": source_set,
            "dataset": data,
            "num_prompts": len(lengths),
            "num_tokens_in_prompt": int(lengths.max(initial=0)),
        },
    }
    return {name: {**row, **owned} for name, row in rows.items()}
