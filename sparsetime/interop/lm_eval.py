"""The steering file of lm-eval (`--model steered --model_args steer_path=…`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.files.torch_file import torch_file_bytes
from sparsetime.models.load import LoadedModel


@torch.no_grad()
def write_lm_eval_steering(
    path: str | os.PathLike[str],
    dictionary: Dictionary,
    latents: Mapping[int, float],
    model: LoadedModel,
) -> str:
    """Write the file that steers a model in lm-eval by a constant sum of atoms; returns its path.

        x <- x + s Σ_i value_i w_i    at every step, s: the dictionary's scale

    path: ends in .pt. latents: the value that is added of each latent, in the dictionary's units.
    model: which lm-eval loads; modules are named below its `base_model` there. Edits that depend on
    the step, on the code or on other latents have no form in that file.

    Errors: ConfigError for a path or latent that is not one, and for a site that is the input of a
    module or outside of the base model, which lm-eval does not hook.
    """
    target = Path(path)
    if target.suffix != ".pt":
        raise ConfigError(f"got path={str(path)!r}, expected a file that ends in .pt")
    wrong = [i for i in latents if not 0 <= i < dictionary.width]
    if wrong or not latents:
        raise ConfigError(
            f"got latents {sorted(latents)}, expected some of the {dictionary.width} of "
            f"{dictionary.name!r}"
        )
    vector = torch.zeros(dictionary.d_out)
    for latent, value in latents.items():
        vector += value * dictionary.atoms[latent]
    entry = {
        "action": "add",
        "steering_vector": vector * dictionary.output_normalisation.scale,
        "steering_coefficient": 1.0,
        "bias": None,
        "head_index": None,
    }
    data = torch_file_bytes({_hookpoint(dictionary, model): entry})
    Folder(str(target.parent)).write_bytes(target.name, data)
    return str(target)


def _hookpoint(dictionary: Dictionary, model: LoadedModel) -> str:
    """The module's path below the base model, whose output is steered."""
    site = str(dictionary.provenance.get("site", ""))
    base = getattr(model.model, "base_model", model.model)
    below = {module: name for name, module in base.named_modules()}
    modules = dict(model.model.named_modules())
    module = modules.get(site)
    if not site or ":" in site or module is None or module not in below:
        raise ConfigError(
            f"got the site {site!r}, expected the output of a module within the base model of "
            f"{model.name!r}, which is all that lm-eval steers"
        )
    return str(below[module])
