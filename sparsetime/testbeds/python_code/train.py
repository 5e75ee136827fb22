"""Training the code testbed's language model, so that a run that was cut off goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Int
from safetensors.torch import load, save
from torch import Tensor, nn

from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.progress import progress
from sparsetime.testbeds.python_code.model import fresh_model
from sparsetime.testbeds.python_code.settings import LanguageModelTraining
from sparsetime.testbeds.python_code.stdlib_source import modules
from sparsetime.testbeds.python_code.tokenizer import train_tokenizer
from sparsetime.testbeds.resuming import packed, rise_and_fall, unpacked

TOKENIZER, STATE, LOG, CHECKPOINTS = "tokenizer.json", "state.safetensors", "log.jsonl", "steps"


def train(out: str | Path, settings: LanguageModelTraining, show: bool = True) -> nn.Module:
    """Train on the modules that are not held out, and return the model in evaluation mode.

    Written to `out`: the tokenizer, the whole state every `save_every` steps, a log line a step
    (loss in nats a token), and the checkpoints as bfloat16. A call with the same settings goes on
    where the last one stopped.

    Muon: Jordan et al., "Muon: An optimizer for hidden layers in neural networks".

    Errors: ConfigError where torch is older than 2.9, which has no Muon; DataError where the
    sources are missing.
    """
    if not hasattr(torch.optim, "Muon"):
        raise ConfigError(
            f"training the code model needs torch.optim.Muon, which torch {torch.__version__} "
            f"lacks; install torch 2.9 or later. Using the shipped model needs no training"
        )
    folder = Folder(os.fspath(out))
    tokens = _training_tokens(folder, settings)
    model = fresh_model(settings.model, settings.seed)
    optimisers = _optimisers(model, settings)
    first = _restore(folder, model, optimisers)
    kept = checkpoint_steps(settings.steps, settings.checkpoints)
    model.train()
    with progress("train the code model", settings.steps, "steps", show) as bar:
        bar.advance(first)
        batches = _batches(tokens, settings, first)
        for step in range(first, settings.steps):
            loss = _step(model, optimisers, next(batches), _rate(step, settings), settings.clip)
            folder.append_text(LOG, json.dumps({"step": step + 1, "loss": round(loss, 5)}) + "\n")
            bar.advance()
            bar.say(f"loss {loss:.3f}")
            if step + 1 in kept:
                weights = {k: v.bfloat16() for k, v in _weights(model).items()}
                folder.write_bytes(f"{CHECKPOINTS}/{step + 1:06d}.safetensors", save(weights))
            if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
                _save(folder, model, optimisers, step + 1)
    return model.eval()


def checkpoint_steps(steps: int, count: int) -> list[int]:
    """Log-spaced steps, the last of them `steps`: each `10 ** (2 / (count - 1))` times the last."""
    ratios = np.logspace(-2, 0, count) if count > 1 else np.ones(1)
    return sorted({max(1, round(steps * float(ratio))) for ratio in ratios})


def _training_tokens(folder: Folder, settings: LanguageModelTraining) -> Int[Tensor, " tokens"]:
    """All training modules in one stream, each behind the token that begins a text."""
    from tokenizers import Tokenizer

    texts = [module.text for module in modules() if not module.held_out]
    if not folder.exists(TOKENIZER):
        tokenizer = train_tokenizer(texts, settings.model.vocabulary)
        folder.write_text(TOKENIZER, tokenizer.to_str())
    tokenizer = Tokenizer.from_str(folder.read_bytes(TOKENIZER).decode())
    ids = [np.asarray(found.ids, dtype=np.int64) for found in tokenizer.encode_batch(texts)]
    return torch.from_numpy(np.concatenate(ids))


def _batches(
    tokens: Int[Tensor, " tokens"], settings: LanguageModelTraining, skip: int
) -> Iterator[Int[Tensor, "batch context"]]:
    """Shuffled windows without end, each behind the beginning token; cut anew in every epoch."""
    length = settings.model.context - 1
    seen = 0
    for epoch in range(1 << 30):
        random = np.random.default_rng([settings.seed, epoch])
        offset = int(random.integers(length))
        windows = tokens[offset:].unfold(0, length, length)
        order = torch.from_numpy(random.permutation(len(windows)))
        for chosen in order.split(settings.batch)[: len(windows) // settings.batch]:
            seen += 1
            if seen > skip:
                yield nn.functional.pad(windows[chosen], (1, 0), value=0)


def _step(
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    batch: Int[Tensor, "batch context"],
    rate: float,
    clip: float,
) -> float:
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=batch).logits
    loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), batch[:, 1:].flatten())
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        optimiser.zero_grad()
    return float(loss.detach())


def _rate(step: int, settings: LanguageModelTraining) -> float:
    return settings.learning_rate * rise_and_fall(step, settings.steps, settings.warmup)


def _optimisers(model: nn.Module, settings: LanguageModelTraining) -> list[torch.optim.Optimizer]:
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    outer = [p for n, p in model.named_parameters() if p.ndim < 2 or "embed" in n]
    rate, decay = settings.learning_rate, settings.weight_decay
    muon = torch.optim.Muon(inner, rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(outer, rate, betas=(0.9, 0.98), weight_decay=0.0)
    return [muon, adam]


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Each weight once: the head is the embedding."""
    return {k: v.detach() for k, v in model.state_dict().items() if k != "lm_head.weight"}


def _save(
    folder: Folder, model: nn.Module, optimisers: list[torch.optim.Optimizer], step: int
) -> None:
    tensors = packed(_weights(model), optimisers)
    folder.write_bytes(STATE, save(tensors | {"step": torch.tensor(step)}))


def _restore(folder: Folder, model: nn.Module, optimisers: list[torch.optim.Optimizer]) -> int:
    """Put back the last saved state; the step it was saved at."""
    if not folder.exists(STATE):
        folder.remove(LOG)
        return 0
    tensors = load(folder.read_bytes(STATE))
    step = int(tensors["step"])
    model.load_state_dict(unpacked(tensors, optimisers), strict=False)
    cast(Any, model).tie_weights()
    lines = folder.read_bytes(LOG).decode().splitlines()[:step]
    folder.write_text(LOG, "".join(line + "\n" for line in lines))
    return step
