"""Training the Python-source testbed's language model; an interrupted run resumes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime.files import Folder, locks
from sparsetime.testbeds.python_code.language_model_trainable import (
    LanguageModelTrainable,
    token_batches,
)
from sparsetime.testbeds.python_code.settings import LanguageModelTraining
from sparsetime.testbeds.python_code.stdlib_source import modules
from sparsetime.testbeds.python_code.tokenizer import train_tokenizer
from sparsetime.torch_settings import with_gradients
from sparsetime.training.job import Job
from sparsetime.training.loop import run_jobs
from sparsetime.training.plan import RunPlan
from sparsetime.training.run_folder import RunFolder

TOKENIZER = "tokenizer.json"


@locks("out")
def train(out: str | Path, settings: LanguageModelTraining, show: bool = True) -> nn.Module:
    """Train on the modules that are not held out, and return the model in evaluation mode.

    `out` is a run folder with the tokenizer beside: a log line a step (loss in nats a token), a
    checkpoint every `save_every` steps, log-spaced snapshots, and the trained weights. A call with
    the same settings resumes an interrupted run, and loads a finished one.

    Errors: ConfigError where torch is older than 2.9, which has no Muon; DataError where the
    sources are missing; StoreError where `out` holds a run of other settings or other sources.
    """
    folder = Folder(os.fspath(out))
    with with_gradients():
        trainable = LanguageModelTrainable(settings)
    tokens = _training_tokens(folder, settings)
    job = Job(
        trainable,
        RunFolder(folder.url, trainable.files),
        {
            "config": settings.model_dump(mode="json"),
            "source": hashlib.sha256(tokens.numpy().tobytes()).hexdigest(),
        },
        RunPlan(
            settings.steps,
            rows_per_step=settings.batch,
            log_every=1,
            checkpoint_every=settings.save_every,
            # The last is the trained model itself.
            snapshot_steps=tuple(checkpoint_steps(settings.steps, settings.checkpoints)[:-1]),
        ),
    )
    job.acquire()
    run_jobs([job], token_batches(tokens, settings, skip=job.next_step), show, "windows")
    return trainable.module.eval()


def checkpoint_steps(steps: int, count: int) -> list[int]:
    """Log-spaced steps, the last of them `steps`: each `10 ** (2 / (count - 1))` times the last."""
    ratios = np.logspace(-2, 0, count) if count > 1 else np.ones(1)
    return sorted({max(1, round(steps * float(ratio))) for ratio in ratios})


def _training_tokens(folder: Folder, settings: LanguageModelTraining) -> Int[Tensor, " tokens"]:
    """All training modules in one stream, each after the token that begins a text."""
    from tokenizers import Tokenizer

    texts = [module.text for module in modules() if not module.held_out]
    if not folder.exists(TOKENIZER):
        tokenizer = train_tokenizer(texts, settings.model.vocabulary)
        folder.write_json(TOKENIZER, json.loads(tokenizer.to_str()))
    tokenizer = Tokenizer.from_str(json.dumps(folder.read_json(TOKENIZER, 1)))
    ids = [np.asarray(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(texts)]
    return torch.from_numpy(np.concatenate(ids))
