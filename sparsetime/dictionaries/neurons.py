"""st.neurons: the neurons of a model's own MLP as a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sparsetime.dictionaries.decoders import FreeNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.neurons import GatedNeuronEncoder, NeuronEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.sparsifiers import AbsTopK
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.mlp import find_mlp


def neurons(
    model: str | Path | nn.Module | LoadedModel,
    site: str,
    k: int | None = None,
    sample: Tensor | Mapping[str, Any] | None = None,
) -> Dictionary:
    """The neurons of the MLP at a site as a dictionary, to compare features with.

        code(x) = h, of which the k neurons of largest magnitude are kept
        decode  = D h + b,  h = f(U x + u) or f(G x + g) * (U x + u)

    It reads the MLP's input and, with all neurons, reconstructs its output exactly: its decoder
    rows are the columns of the down projection. Capture `dictionary.provenance["reads"]` to index
    it. Values keep their sign, which neurons of SiLU and GELU have.

    site: of the MLP, such as "model.layers.3.mlp", or of the layer around it. k: None keeps every
    neuron, so that codes are dense; compare with features at equal k. sample: an input of the
    model; a language model of transformers needs none.

    Errors: those of `find_mlp`, for a module without an MLP of one hidden layer; ConfigError for a
    k that is not from 1 to the number of neurons.
    """
    loaded = load_model(model)
    mlp = find_mlp(loaded, site, sample)
    width, d_in = mlp.up.shape
    if k is not None and not 1 <= k <= width:
        raise ConfigError(f"got k={k} of {width} neurons, expected 1 to {width}, or None for all")
    encoder: NeuronEncoder | GatedNeuronEncoder
    weights = {"up": mlp.up, "up_bias": mlp.up_bias}
    if mlp.gate is None or mlp.gate_bias is None:
        encoder = NeuronEncoder(d_in, width, mlp.nonlinearity)
    else:
        encoder = GatedNeuronEncoder(d_in, width, mlp.nonlinearity)
        weights |= {"gate": mlp.gate, "gate_bias": mlp.gate_bias}
    decoder = FreeNormDecoder(width, len(mlp.down))
    encoder.load_state_dict(weights)
    decoder.load_state_dict({"weight": mlp.down.T, "bias": mlp.down_bias})
    dictionary = Dictionary(
        encoder,
        AbsTopK(k or width),
        decoder,
        Objective([MSE()]),
        name="neurons",
        out_dims=(len(mlp.down),),
    )
    dictionary.is_fitted = True  # another scale or offset would be another function
    dictionary.provenance = {
        "model_name": loaded.name,
        "model_hash": loaded.revision_or_hash,
        "site": f"{mlp.reads} -> {mlp.writes}",
        "reads": mlp.reads,
        "writes": mlp.writes,
    }
    return dictionary.eval()
