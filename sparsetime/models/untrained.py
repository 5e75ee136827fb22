"""Untrained copy of a model: the same modules with initial weights."""

from __future__ import annotations

import copy

from torch import nn

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.model_hash import model_hash
from sparsetime.models.wrappers import unwrapped


def untrained_copy(model: nn.Module | LoadedModel, seed: int = 0) -> LoadedModel:
    """The model with weights as before training, drawn by its own initialisation.

    A model of transformers is built again from its configuration, within another module too. Of any
    other module a copy is made, and `reset_parameters` is called on every part that has one. The
    tokenizer is kept; the name has "untrained" in front. The copy is in evaluation mode, with the
    model's dtype and device. What a probe reads in it is due to the architecture and the inputs
    alone.

    Errors: ConfigError, with their names, where parameters are of a module without
    `reset_parameters`.
    """
    loaded = load_model(model)
    original = unwrapped(loaded.model)
    with seeds.torch_globals(seed, "initial weights of an untrained copy"):
        fresh = copy.deepcopy(original)
        _reset(fresh)
    like = next(original.parameters(), None)
    if like is not None:
        fresh.to(device=like.device, dtype=like.dtype)
    fresh.eval()
    return LoadedModel(fresh, loaded.tokenizer, f"untrained {loaded.name}", model_hash(fresh))


def _reset(model: nn.Module) -> None:
    from transformers import PreTrainedModel

    missed, rebuilt = [], set[nn.Module]()
    for path, module in model.named_modules():
        if module in rebuilt:
            continue
        if isinstance(module, PreTrainedModel):
            made = type(module)(copy.deepcopy(module.config))
            keys = module.load_state_dict(made.state_dict(), strict=False)
            missed += [f"{path}.{name}" if path else name for name in keys.missing_keys]
            rebuilt.update(module.modules())
            continue
        reset = getattr(module, "reset_parameters", None) or getattr(
            module, "_reset_parameters", None
        )
        if callable(reset):
            reset()
        else:
            names = [name for name, _ in module.named_parameters(recurse=False)]
            missed += [f"{path}.{name}" if path else name for name in names]
    if missed:
        raise ConfigError(
            f"got parameters that no reset_parameters() initialises ({', '.join(missed[:3])}), "
            f"expected one in their module; give an untrained copy of your own instead"
        )
