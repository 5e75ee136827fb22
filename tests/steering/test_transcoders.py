"""Steering through transcoders and neurons: what is read at one site is edited at another."""

import numpy as np
import pytest
import torch
from steered_models import SITES, language_model, small_dictionary
from tiny_transcoders import LAYERS, MLPS, TOKENS, exact_transcoders, opt_model

import sparsetime as st
from sparsetime.models.load import LoadedModel

MLP = f"{SITES[0]}.mlp"
ROWS = torch.tensor([[7, 3, 9, 0, 1, 2, 3, 6, 8, 3], [2, 6, 0, 1, 2, 9, 3, 7, 6, 4]])
EDITS = {
    "add": st.edits.add(1.5),
    "set": st.edits.set(2.0),
    "scale": st.edits.scale(-3.0),
    "mean": st.edits.ablate("mean"),
}


def edited(weights, columns):
    """Logits of the model with units of its first MLP ablated in the weights."""
    model = opt_model()
    with torch.no_grad():
        model.get_submodule(LAYERS[0]).fc2.weight[:, columns] = weights
        return model(input_ids=torch.tensor([TOKENS])).logits


def test_ablation_through_an_exact_transcoder_is_that_of_the_units():
    model = opt_model()
    given = {MLPS[0]: exact_transcoders(model)[MLPS[0]]}
    loaded = LoadedModel(model, None, "tiny", "")
    changed = st.ablate(loaded, given, {MLPS[0]: [3, 9, 20]}).read([TOKENS])
    torch.testing.assert_close(changed.logits, edited(0.0, [3, 9, 20]), rtol=0, atol=1e-5)
    (record,) = changed.record.values()
    assert list(changed.record) == [f"{LAYERS[0]}.fc2"] and record.edited_steps > 0
    plain = st.ablate(loaded, given, {MLPS[0]: []}).read([TOKENS])
    assert (changed.logits - plain.logits).abs().max() > 1e-3


def test_a_neuron_is_ablated_in_the_model():
    model = language_model()
    neurons = st.neurons(model, MLP)
    run = st.ablate(model, neurons, [5, 8])
    read = run.read(ROWS)
    down = model.model.get_submodule(MLP).down_proj.weight
    with torch.no_grad():
        down[:, [5, 8]] = 0
        expected = model.model(ROWS).logits
    torch.testing.assert_close(read.logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("keep_error", [True, False])
@pytest.mark.parametrize("edit", EDITS)
def test_passes_are_equal_at_several_sites_of_two_kinds(edit, keep_error):
    model = language_model(torch.float64)
    given = {
        MLP: small_dictionary("skip_transcoder", 1, 0.3, d_out=16, k=6),
        SITES[1]: small_dictionary("topk", 2, 0.1, k=12),
    }
    sample = torch.linspace(-1, 1, 16 * 20).reshape(20, 16)
    run = st.steer(
        model, given, {site: dict.fromkeys((3, 8, 11), EDITS[edit]) for site in given},
        span=st.spans.steps(1, 7) | st.spans.while_on(8, above=0.01), units="activation",
        data=dict.fromkeys(given, sample), keep_error=keep_error,
    )  # fmt: skip
    whole = run.read(ROWS)
    assert all(one.edited_steps > 0 for one in whole.record.values())
    for pieces in ([4, 1, 5], [1] * 10):
        parts = run.read(ROWS, pieces=pieces)
        torch.testing.assert_close(parts.logits, whole.logits, rtol=0, atol=1e-10)
    written = run.generate(ROWS[:, :4], 5, ends=())
    again = run.read(written.tokens, prompt_length=4)
    torch.testing.assert_close(written.logits, again.logits[:, 3:-1], rtol=0, atol=1e-10)


def test_effects_of_a_neuron_are_those_of_the_weights():
    model, edited_model = language_model(), language_model()
    made = st.effects(
        model, st.neurons(model, MLP), {5: st.edits.scale(99)}, ROWS, lags=6, hold=2, at=0, null=0,
        kinds=["step"], progress=False,
    )  # fmt: skip
    with torch.no_grad():
        edited_model.model.get_submodule(MLP).down_proj.weight[:, 5] *= 99
        plain, edited = (
            one.model(ROWS).logits[:, :7].double().log_softmax(-1) for one in (model, edited_model)
        )
    expected = (plain.exp() * (plain - edited)).sum(-1).mean(0).numpy()
    assert expected[0] > 1e-6
    divergence = made.responses["step"].divergence
    np.testing.assert_allclose(divergence.mean, expected, rtol=1e-2, atol=1e-6)
