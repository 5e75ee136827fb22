"""A LoRA adapter of PEFT that scales or removes what linear layers write along atoms."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.files import locks
from sparsetime.models.load import LoadedModel
from sparsetime.steering.unlearning.saved_update import save_adapter


@locks("out")
@torch.no_grad()
def write_peft_adapter(
    out: str | os.PathLike[str],
    dictionary: Dictionary,
    latents: Sequence[int],
    model: LoadedModel,
    modules: Sequence[str],
    *,
    factor: float = 0.0,
    force: bool = False,
) -> str:
    """Write an adapter that multiplies what modules write along some atoms; returns its folder.

        W' = W + (f - 1) Q Qᵀ W,    Q: [d, r], an orthonormal basis of the atoms of the latents

    That is a LoRA of rank r with B = (f - 1) Q and A = Qᵀ W.
    `peft.PeftModel.from_pretrained(model, out)` applies it, and `merge_and_unload` puts it into the
    weights.
    With f = 0, all modules that write to a stream, and its embedding, the stream has nothing along
    the atoms.

    modules: paths of linear layers without bias whose outputs are in the space of the atoms, such
    as "model.layers.3.mlp.down_proj". factor: f; 0 removes, 1 changes nothing.

    Errors: ConfigError for no latents or modules, for latents that do not exist, and for a module
    that is no linear layer without bias; MismatchError where its outputs have other dimensions than
    the atoms; StoreError where `out` is not empty and `force` is not given.

    Source: Arditi et al. 2024, Refusal in Language Models Is Mediated by a Single Direction,
    arXiv:2406.11717 (weight orthogonalisation); Hu et al. 2021, LoRA, arXiv:2106.09685.
    """
    wrong = [i for i in latents if not 0 <= i < dictionary.width]
    if wrong or not latents or not modules:
        raise ConfigError(
            f"got latents {list(latents)} and modules {list(modules)}, expected some of the "
            f"{dictionary.width} latents of {dictionary.name!r}, and at least one module"
        )
    layers = {name: _layer(model, name, dictionary.d_out) for name in modules}
    basis = _basis(dictionary.atoms.detach().double()[list(latents)])
    written = ((factor - 1) * basis).float()
    factors = {
        name: ((basis.T @ layer.weight.detach().double().cpu()).float(), written)
        for name, layer in layers.items()
    }
    return save_adapter(factors, model.name, out, force)


def _layer(model: LoadedModel, name: str, d_out: int) -> nn.Linear:
    layer = dict(model.model.named_modules()).get(name)
    if not isinstance(layer, nn.Linear) or getattr(layer, "bias", None) is not None:
        raise ConfigError(
            f"got the module {name!r} of {model.name!r}, expected a linear layer without bias, to "
            "which a LoRA adds a product; sparsetime.steer edits any site while the model runs"
        )
    if layer.out_features != d_out:
        raise MismatchError(
            f"got the module {name!r} with {layer.out_features} outputs and atoms of {d_out} "
            "dimensions; give modules that write where the dictionary reads"
        )
    return layer


def _basis(atoms: Float[Tensor, "some d"]) -> Float[Tensor, "d rank"]:
    """An orthonormal basis of the span of the atoms."""
    left, lengths, _ = torch.linalg.svd(atoms.T.cpu(), full_matrices=False)
    basis: Tensor = left[:, lengths > 1e-6 * lengths.max()]
    return basis
