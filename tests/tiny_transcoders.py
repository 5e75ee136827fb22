"""A tiny model whose MLPs are exactly transcoders, and random dictionaries of it."""

import torch
from causal_architectures import tiny_causal_model

import sparsetime as st
from sparsetime import seeds
from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import L1, MSE, Objective
from sparsetime.dictionaries.sparsifiers import ReLU

TOKENS = [3, 9, 4, 9, 3, 5, 7, 3]
LAYERS = ["model.decoder.layers.0", "model.decoder.layers.1"]
MLPS = [f"{layer}.fc1:input -> {layer}.fc2" for layer in LAYERS]


def opt_model():
    """Return an OPT of two layers, whose MLPs are linear maps with ReLU between them."""
    model = tiny_causal_model("opt")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(5)  # so that attention and MLPs matter
    return model


def exact_transcoder(model, layer):
    """Return the transcoder that computes the MLP of a layer."""
    first, second = (model.get_submodule(f"{layer}.{name}") for name in ("fc1", "fc2"))
    encoder, decoder = LinearEncoder(32, 48), UnitNormDecoder(48, 32)
    with torch.no_grad():
        encoder.weight.copy_(first.weight)
        encoder.bias.copy_(first.bias)
        decoder.weight.copy_(second.weight.T)
        decoder.bias.copy_(second.bias)
    objective = Objective([MSE(), L1(0.0)])
    return Dictionary(encoder, ReLU(), decoder, objective, "exact", out_dims=(32,)).eval()


def exact_transcoders(model):
    """Return the transcoders of all MLPs, by what they read and write."""
    return {site: exact_transcoder(model, layer) for site, layer in zip(MLPS, LAYERS, strict=True)}


def random_dictionary(recipe, **settings):
    """Return a dictionary with random weights, all of whose tensors are used."""
    sae = st.dictionary(recipe, **settings).eval()
    draw = seeds.torch_generator(0, "random inputs")
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.3)
        for name, buffer in sae.named_buffers():
            if name.endswith("scale"):
                buffer.fill_(1.7)
    return sae
