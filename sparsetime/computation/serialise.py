"""Sparse models on disk: JSON for the plans, kept values and bit masks for the weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime.computation.applied_plan import AppliedPlan
from sparsetime.computation.held_steps import HeldSteps
from sparsetime.computation.named_plan import plan_from_config
from sparsetime.computation.packed_codes import pack_codes, unpack_codes
from sparsetime.computation.rounded_weights import RoundedMatrix, RoundedWeights
from sparsetime.computation.skipped_activations import SkippedActivations
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.thinned_weights import ThinnedWeights
from sparsetime.errors import ConfigError, DamagedError, MismatchError, StoreError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel

SCHEMA_VERSION = 1
JSON_NAME = "sparse.json"
WEIGHTS_NAME = "sparse.safetensors"
_AGAIN = "Restore it from a copy, or thin the model again"
_KEYS = ("model", "plans", "weights", "sha256")
_VALUES, _WHOLE, _CODES, _PLAN = "values/", "whole/", "codes/", "plan/"


@locks("out")
def save_sparse(sparse: Sparse, out: str | os.PathLike[str]) -> None:
    """Write a sparse model into a folder; the JSON comes last and makes it valid.

    Of a matrix whose values are levels of a grid, codes are written instead of values.

    Errors: ConfigError where values outside of a mask are not zero, as while a mask fades.
    """
    folder = Folder(folder_url(out, "out"))
    masks, codes = _last_masks(sparse), _codes(sparse)
    tensors: dict[str, Tensor] = {}
    weights: dict[str, list[Any]] = {}
    for name, value in _distinct(sparse.model).items():
        weights[name] = [list(value.shape), str(value.dtype).removeprefix("torch.")]
        mask = masks.get(name)
        if mask is not None and bool((value[~mask] != 0).any()):
            raise ConfigError(
                f"got {name} with values other than zero outside of its mask, expected a mask that "
                "holds; train until the gradient rule has faded them, or undo the plan"
            )
        if name in codes:
            bits, own = codes[name]
            tensors[_CODES + name] = pack_codes(own if mask is None else own[mask], bits)
        elif mask is None:
            tensors[_WHOLE + name] = value.detach().cpu().contiguous()
        else:
            tensors[_VALUES + name] = value.detach()[mask].cpu()
    for number, plan in enumerate(sparse.plans):
        for name, value in plan.saved().items():
            tensors[f"{_PLAN}{number}/{name}"] = value.cpu()
    sha256 = folder.write_tensors(WEIGHTS_NAME, tensors, SCHEMA_VERSION)
    record = {
        "model": sparse.loaded.name,
        "plans": [plan.to_config() for plan in sparse.plans],
        "weights": weights,
        "sha256": sha256,
    }
    folder.write_json(JSON_NAME, record, SCHEMA_VERSION)


def open_sparse(
    model: str | Path | nn.Module | LoadedModel,
    path: str | os.PathLike[str],
    tokenizer: Any = None,
    sample: Any = None,
) -> Sparse:
    """Put the weights and plans that `Sparse.save` wrote into a model of the same architecture.

    The model is changed in place: all its weights are those that were saved, bit for bit. A name or
    a folder is loaded with its head. `dense()` of the handle returns the weights that the model had
    before. sample: an input of the model, such as a few rows, with which plans of neurons find its
    MLPs; a language model of transformers needs none.

    Errors: StoreError where there is none, or it is from a newer sparsetime; DamagedError where a
    file is not the bytes that were written; MismatchError for another architecture or dtype.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is no sparse model; give the folder that "
            f"Sparse.save wrote. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    record = folder.read_json(JSON_NAME, SCHEMA_VERSION, _AGAIN)
    lacking = [key for key in _KEYS if key not in record] if isinstance(record, dict) else _KEYS
    if lacking:
        raise DamagedError(f"{folder.url}/{JSON_NAME} lacks {', '.join(lacking)}. {_AGAIN}")
    loaded = load_causal_model(model, tokenizer)
    _check_weights(loaded.model, record["weights"], folder.url)
    tensors = folder.read_tensors(WEIGHTS_NAME, SCHEMA_VERSION, _AGAIN, record["sha256"])
    try:
        return _opened(loaded, record, tensors, sample)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, ConfigError | MismatchError):
            raise
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} describes no sparse model that fits its weights "
            f"({type(error).__name__}: {error}). {_AGAIN}"
        ) from error


def _opened(
    loaded: LoadedModel, record: Mapping[str, Any], tensors: Mapping[str, Tensor], sample: Any
) -> Sparse:
    sparse = Sparse(loaded)
    states: list[dict[str, Tensor]] = [{} for _ in record["plans"]]
    for name, value in tensors.items():
        if name.startswith(_PLAN):
            number, _, rest = name.removeprefix(_PLAN).partition("/")
            states[int(number)][rest] = value
    plans = [
        plan_from_config({key: value for key, value in config.items() if key not in _OF_USE})
        for config in record["plans"]
    ]
    at_work: dict[int, AppliedPlan] = {}
    resumes: list[Callable[[], None]] = []

    def reopen(*kinds: str) -> None:
        for number, plan in enumerate(plans):
            if plan.acts_on in kinds:
                opened = plan.reopen(loaded, record["plans"][number], states[number], sample)
                at_work[number] = opened
                if isinstance(opened, SkippedActivations | HeldSteps):
                    resumes.append(opened.suspend())  # the next finds MLPs without it

    # Masks say where the values lie, scales what codes stand for, and scores of activations read
    # the weights.
    reopen("weights", "bits")
    sparse.plans = [at_work[number] for number in sorted(at_work)]
    _load_weights(sparse, tensors)
    reopen("activations", "time")
    for resume in resumes:
        resume()
    sparse.plans = [at_work[number] for number in sorted(at_work)]
    return sparse


@torch.no_grad()
def _load_weights(sparse: Sparse, tensors: Mapping[str, Tensor]) -> None:
    masks, rounded = _last_masks(sparse), _last_rounded(sparse)
    for name, target in _distinct(sparse.model).items():
        mask = masks.get(name)
        if _CODES + name in tensors:
            plan, matrix = rounded[name]
            grid = plan.bits.grid
            kept = torch.ones_like(target, dtype=torch.bool) if mask is None else mask
            codes = torch.full_like(target, int((grid.levels == 0).nonzero()), dtype=torch.long)
            own = unpack_codes(tensors[_CODES + name], grid.bits, int(kept.sum()))
            codes[kept] = own.to(target.device)
            target.copy_(plan.values(matrix, matrix.groups(codes).long()))
        elif mask is not None:
            values = torch.zeros_like(target)
            values[mask] = tensors[_VALUES + name].to(target.device)
            target.copy_(values)
        else:
            target.copy_(tensors[_WHOLE + name])


#: Keys of an applied plan's config that are of its use, and not of the plan.
_OF_USE = ("sparsity", "seed", "matrices", "points", "kept")


def _last_masks(sparse: Sparse) -> dict[str, Tensor]:
    """The mask of each thinned matrix, of the last plan that thinned it."""
    return {
        matrix.target.key: matrix.mask
        for plan in sparse.plans
        if isinstance(plan, ThinnedWeights)
        for matrix in plan.matrices
    }


def _last_rounded(sparse: Sparse) -> dict[str, tuple[RoundedWeights, RoundedMatrix]]:
    """The last plan that rounded each matrix, with it."""
    return {
        matrix.target.key: (plan, matrix)
        for plan in sparse.plans
        if isinstance(plan, RoundedWeights)
        for matrix in plan.matrices
    }


def _codes(sparse: Sparse) -> dict[str, tuple[int, Tensor]]:
    """By matrix, bits of a code and codes in the parameter's shape, where all values have one."""
    found = {}
    for name, (plan, matrix) in _last_rounded(sparse).items():
        codes = plan.codes(matrix)
        if codes is not None:
            shaped = matrix.parameter_of(codes.float()).to(torch.uint8)
            found[name] = plan.bits.grid.bits, shaped
    return found


def _distinct(model: nn.Module) -> dict[str, Tensor]:
    """The model's state_dict, with tensors that several names share once."""
    distinct: dict[str, Tensor] = {}
    seen: set[tuple[int, tuple[int, ...]]] = set()
    for name, value in model.state_dict().items():
        key = (value.data_ptr(), tuple(value.shape))
        if value.numel() and key in seen:
            continue
        seen.add(key)
        distinct[name] = value
    return distinct


def _check_weights(model: nn.Module, weights: Mapping[str, Any], where: str) -> None:
    own = {
        name: [list(value.shape), str(value.dtype).removeprefix("torch.")]
        for name, value in _distinct(model).items()
    }
    differing = sorted(
        name for name in own.keys() | weights.keys() if own.get(name) != weights.get(name)
    )
    if differing:
        name = differing[0]
        raise MismatchError(
            f"got a model that differs from the one saved in {where} in {len(differing)} tensors, "
            f"the first of them {name}: {own.get(name)} and {weights.get(name)}; give a model of "
            "the same architecture and dtype"
        )
