"""The language model that comes with the package: its weights, its tokenizer, its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sparsetime.files import Folder
from sparsetime.models.load import LoadedModel, load_model

NAME = "sparsetime-code"
WEIGHTS = Path(__file__).parent / "weights"
RECORD = "record.json"


def code_model(folder: str | Path = WEIGHTS) -> LoadedModel:
    """The trained model with its head and its tokenizer, in evaluation mode and in float32.

    Its weights are stored as bfloat16. Sites: `model.layers.0` to `model.layers.3`.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder).float()
    loaded = load_model(model.eval(), AutoTokenizer.from_pretrained(folder))
    return replace(loaded, name=NAME)


def record(folder: str | Path = WEIGHTS) -> dict[str, Any]:
    """How the model was trained, and how well it predicts modules that it never saw.

    settings; python: the version whose library it read; data: modules, tokens and characters of
    the training and the held-out part; loss: the loss curve in nats, [step, mean over the steps
    since the last point]; checkpoints: [step, held-out loss]; held_out: loss and perplexity of the
    weights as they are shipped, and the perplexity of the n-gram model on the same tokens.
    """
    found: dict[str, Any] = Folder(str(folder)).read_json(RECORD)
    return found
