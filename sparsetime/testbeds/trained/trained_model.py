"""Models trained once and kept in the user's cache, under a hash of settings and training file."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.files import Folder, folder_lock
from sparsetime.files.user_cache import user_cache

WEIGHTS, RECORD = "model.safetensors", "record.json"


def trained_model(
    name: str,
    settings: Mapping[str, Any],
    make: Callable[[], nn.Module],
    train: Callable[[nn.Module], Mapping[str, float]],
) -> tuple[nn.Module, dict[str, Any]]:
    """The model with trained weights, in evaluation mode, and the record of its training.

    settings: what decides the weights, such as sizes and steps. make: the model as it is
    initialised. train: trains it in place, and returns what was measured. The folder's name has a
    hash of the settings and of what `train`'s file computes, so that a change of either trains
    again; other files that it calls are not in the hash. Another process that needs the model
    waits.
    """
    content = json.dumps([dict(settings), _computed(train)], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    folder = Folder(str(model_folder(name, digest)))
    with folder_lock(folder, what=f"the training of the testbed {name!r}", patience=-1):
        with seeds.torch_globals(0, "initial weights of a testbed", name):
            model = make()
        if not folder.exists(RECORD):
            model.train()
            measured = dict(train(model))
            weights = {key: value.contiguous() for key, value in model.state_dict().items()}
            folder.write_tensors(WEIGHTS, weights)
            folder.write_json(RECORD, {"settings": dict(settings), "measured": measured})
        record: dict[str, Any] = folder.read_json(RECORD)
        model.load_state_dict(folder.read_tensors(WEIGHTS, 1))
    return model.eval(), record


def _computed(train: Callable[..., Any]) -> str:
    """The syntax tree of the file of a function, without comments and docstrings."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(train) or trained_model))
    for node in ast.walk(tree):
        match node:
            case ast.Module(body=body) | ast.FunctionDef(body=body) | ast.ClassDef(body=body):
                if ast.get_docstring(node) is not None:
                    del body[0]
    return ast.dump(tree)


def model_folder(name: str, digest: str) -> Path:
    """Where a trained model is kept: in the cache beside the testbeds."""
    return user_cache("testbeds") / f"{name}-model-{digest}"


def train_steps(
    model: nn.Module,
    loss: Callable[[int], Tensor],
    steps: int,
    rate: float,
    weight_decay: float = 0.01,
) -> float:
    """AdamW with a warm-up of 5% of the steps and a cosine decay to 0; returns the mean last loss.

    loss: of a step, by its number. The mean is over the last 5% of the steps.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.05
    )
    last = []
    for step in range(steps):
        optimiser.zero_grad()
        value = loss(step)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step >= steps - max(1, steps // 20):
            last.append(float(value.detach()))
    return sum(last) / len(last)
