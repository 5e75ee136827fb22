"""Export of a training run to the shipped folder: weights, tokenizer, measured record."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from sparsetime.errors import StoreError
from sparsetime.files import Folder
from sparsetime.testbeds.python_code.model import fresh_model
from sparsetime.testbeds.python_code.ngram import NGram
from sparsetime.testbeds.python_code.pretrained import LAST, RECORD, step_file
from sparsetime.testbeds.python_code.quantise import dequantise_int8, quantise_int8
from sparsetime.testbeds.python_code.settings import LanguageModelTraining
from sparsetime.testbeds.python_code.stdlib_source import Module, modules
from sparsetime.testbeds.python_code.tokenizer import transformers_config
from sparsetime.testbeds.python_code.train import TOKENIZER
from sparsetime.training.module_trainable import WEIGHTS
from sparsetime.training.run_folder import read_metrics
from sparsetime.training.snapshots import snapshot_folders

GRAM = 5
_POINTS = 130  # of the loss curve in the record


def publish(run: str | Path, out: str | Path, settings: LanguageModelTraining) -> dict[str, Any]:
    """Measure the snapshots of a finished run on the held-out modules, and write what is shipped.

    Written to `out`, the record last: `model.safetensors` (bfloat16), the earlier checkpoints in
    `steps/` (see `quantise_int8`), `config.json`, the tokenizer's files, and `record.json`, which
    is also returned.

    Errors: StoreError where the run is not finished.
    """
    folder, target = Folder(os.fspath(run)), Folder(os.fspath(out))
    if not folder.exists(WEIGHTS):
        raise StoreError(
            f"{folder.url} holds no training run of {settings.steps} steps that is finished: "
            f"{WEIGHTS} is missing. Call train with the same settings to resume it"
        )
    tokenizer = Tokenizer.from_str(json.dumps(folder.read_json(TOKENIZER, 1)))
    library = modules()
    parts = {
        "training": [module for module in library if not module.held_out],
        "held_out": [module for module in library if module.held_out],
    }
    ids = {name: _ids(tokenizer, part) for name, part in parts.items()}
    model = fresh_model(settings.model, settings.seed).eval()
    losses, small_losses = [], []
    saved = {**snapshot_folders(folder.url, WEIGHTS), settings.steps: folder}
    for step, source in saved.items():
        weights = {k: v.bfloat16() for k, v in source.read_tensors(WEIGHTS, 1).items()}
        losses.append([step, _held_out_loss(model, weights, ids["held_out"])])
        if step < settings.steps:
            small = quantise_int8(weights)
            target.write_tensors(step_file(step), small)
            restored = dequantise_int8(small)
            small_losses.append([step, _held_out_loss(model, restored, ids["held_out"])])
    gram = NGram(ids["training"], GRAM, settings.model.vocabulary)
    counted = gram.perplexity(ids["held_out"])
    target.write_tensors(LAST, weights, metadata={"format": "pt"})
    model.bfloat16().config.architectures = ["LlamaForCausalLM"]  # type: ignore[union-attr]
    # As transformers reads them, which takes no key of ours.
    for name, text in {
        "config.json": model.config.to_json_string(),  # type: ignore[union-attr, operator]
        "tokenizer.json": tokenizer.to_str(),
        "tokenizer_config.json": json.dumps(transformers_config(settings.model.context), indent=2),
    }.items():
        target.write_bytes(name, text.encode())
    record = {
        "settings": settings.model_dump(),
        "parameters": sum(value.numel() for value in weights.values()),
        "python": platform.python_version(),
        "text": "The source of Python's standard library, (c) Python Software Foundation",
        "data": {
            name: {
                "modules": len(parts[name]),
                "characters": sum(len(module.text) for module in parts[name]),
                "tokens": int(sum(map(len, ids[name]))),
            }
            for name in parts
        },
        "held_out_modules": [module.name for module in parts["held_out"]],
        "loss": _curve(folder),
        "checkpoints": losses,
        "checkpoints_in_8_bits": small_losses,
        "held_out": {
            "loss": losses[-1][1],
            "perplexity": round(math.exp(losses[-1][1]), 3),
            f"perplexity_{GRAM}_gram": round(counted, 3),
        },
    }
    target.write_json(RECORD, record)
    return record


def _held_out_loss(
    model: nn.Module, weights: dict[str, Tensor], documents: Sequence[NDArray[np.int64]]
) -> float:
    """The mean over all tokens of the documents, to four digits."""
    model.load_state_dict(weights, strict=False)  # the head is the embedding
    context = model.config.max_position_embeddings  # type: ignore[union-attr]
    return round(float(token_losses(model, documents, context).mean()), 4)  # type: ignore[arg-type]


@torch.no_grad()
def token_losses(
    model: nn.Module, documents: Sequence[NDArray[np.int64]], context: int
) -> Float[Tensor, " tokens"]:
    """Cross-entropy in nats of every token of the documents, given those before it in a window.

    Windows overlap by half, so that every token after a document's first window has at least half
    a window before it. Each window begins with the token 0, as in training.
    """
    losses_by_window = []
    for tokens in documents:
        for window, fresh in _windows(torch.from_numpy(tokens), context - 1):
            ids = nn.functional.pad(window, (1, 0))[None]
            logits = model(input_ids=ids).logits[0, :-1]
            losses = nn.functional.cross_entropy(logits, window, reduction="none")
            losses_by_window.append(losses[-fresh:])
    return torch.cat(losses_by_window)


def _windows(
    tokens: Int[Tensor, " tokens"], length: int
) -> Iterator[tuple[Int[Tensor, " window"], int]]:
    """Windows of a document, and how many tokens at the end of each are in no window before."""
    done = 0
    while done < len(tokens):
        begin = max(0, done - length // 2)
        end = min(begin + length, len(tokens))
        yield tokens[begin:end], end - done
        done = end


def _ids(tokenizer: Tokenizer, part: Sequence[Module]) -> list[NDArray[np.int64]]:
    """The tokens of every module, without the one that begins a text."""
    encoded = tokenizer.encode_batch([module.text for module in part], add_special_tokens=False)
    return [np.asarray(encoding.ids, dtype=np.int64) for encoding in encoded]


def _curve(folder: Folder) -> list[list[float]]:
    losses = np.array([line["loss"] for line in read_metrics(folder.url)])
    pieces = np.array_split(np.arange(len(losses)), min(_POINTS, len(losses)))
    return [[int(at[-1]) + 1, round(float(losses[at].mean()), 4)] for at in pieces]
