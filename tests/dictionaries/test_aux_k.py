"""Auxiliary loss of dead latents: gradient on all parameters of every dead latent, every recipe."""

import pytest
import torch
from small_batches import small_batch
from small_recipes import CARDS, small

from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.objectives.aux_k import AuxK

WITH_AUX_K = [name for name, card in CARDS.items() if "aux_k" in card.defaults]


def one_step(sae, rows=24):
    """A forward pass in which the latents that fire on no row count as dead."""
    batch = small_batch(sae, rows)
    init_from_data(sae, batch)
    step = sae.forward_train(batch)
    dead = torch.ones(sae.width, dtype=torch.bool)
    dead[step.support.indices[step.values.detach() != 0]] = False
    if dead.sum() < 8:  # every latent has its rows, as with feature choice
        dead = torch.arange(sae.width) % 3 == 0
    return sae.forward_train(batch, dead), dead.nonzero().squeeze(1)


def own_rows(sae, component, name, latents):
    """The rows of a parameter that belong to each latent; None where all latents share it."""
    parameter = dict(component.named_parameters())[name]
    if component.kind == "kronecker":
        head = latents // (component.base * component.extension)
        base, extension = latents // component.extension, latents % component.extension
        return base if name.startswith("base") else head * component.extension + extension
    if parameter.shape[:1] == (sae.width,):
        return latents
    if name in ("attention.output", "weight", "bias") and parameter.shape[0] == sae.width // 2:
        return latents % (sae.width // 2)
    return None


def without_gradient(sae, latents):
    """Parameters of dead latents that have no gradient, over a window: in any of its steps."""
    missing = []
    for component in (sae.encoder, sae.decoder):
        for name, parameter in component.named_parameters():
            rows = own_rows(sae, component, name, latents)
            gradient = parameter.grad
            if rows is None or (name == "bias" and component is sae.decoder):
                continue
            if gradient is None:
                missing.append(f"{component.role}.{name}")
                continue
            slots = getattr(component, "window", 1) if name == "weight" else 1
            parts = gradient.reshape(gradient.shape[0], slots, -1)
            reached = (parts[rows] != 0).any(2)
            if slots > 1 and hasattr(component, "mask"):  # frequencies outside of a latent's band
                reached |= ~component.mask[rows]
            reached = reached.all(1)
            if component.kind == "predictive":  # each half of the latents has parameters of its own
                predicted = latents < sae.width // 2
                reached = reached[predicted if name == "attention.output" else ~predicted]
            if not bool(reached.all()):
                few = f"{int((~reached).sum())} of {len(reached)} latents"
                missing.append(f"{component.role}.{name}: {few}")
    return missing


@pytest.mark.parametrize("name", WITH_AUX_K)
def test_every_dead_latent_gets_gradient_on_all_its_parameters(name):
    sae = small(name, **({"k": 1} if "k" in CARDS[name].defaults else {}))
    step, dead = one_step(sae)
    AuxK(k=sae.width).of(step, step.dead).backward()
    assert without_gradient(sae, dead) == []


@pytest.mark.parametrize("name", WITH_AUX_K)
@pytest.mark.parametrize("few", [0, 10**6])
def test_selected_dead_latents_alone_get_gradient_by_both_paths(name, few, monkeypatch):
    """With two for every row: by dense products and by selected entries alike."""
    from sparsetime.dictionaries.objectives import aux_k

    monkeypatch.setattr(aux_k, "_FEW", few)
    sae = small(name, **({"k": 1} if "k" in CARDS[name].defaults else {}))
    step, dead = one_step(sae)
    places = sae.encoder.topk_among(sae.encoder.read(step.inputs), dead, 2)
    has_past = (places.row_of_entry % 12) > 0  # a first step says nothing to a window's older slots
    chosen = places.indices[has_past].unique()
    AuxK(k=2).of(step, step.dead).backward()
    assert without_gradient(sae, chosen) == []


def test_a_window_of_dead_latents_explains_the_residual_of_the_window():
    """The loss is 0 where the dead atoms are the residual of all steps, not of the last alone."""
    sae = small("window_crosscoder", k=1)
    step, _ = one_step(sae)
    residual, weight = step.written_residual
    assert residual.shape == (24, 32) and weight.shape == (24, 32)
    last = step.residual
    torch.testing.assert_close(residual[:, 16:], last)
    first_of_segments = weight[[0, 12]]
    assert first_of_segments[:, :16].eq(0).all() and first_of_segments[:, 16:].eq(1).all()
    assert weight[1].eq(0.5).all()
    # The same sum of squares as in the term that trains the living latents.
    term = sae.objective.members[0].loss(step)
    torch.testing.assert_close((residual.square() * weight).sum(1).mean(), term)


def test_dead_predicted_latents_read_the_attention_and_novel_ones_what_it_leaves():
    sae = small("temporal_feature_analysis", k=1)
    step, _ = one_step(sae)
    encoder, half = sae.encoder, sae.width // 2
    read = encoder.read(step.inputs)
    every = torch.arange(sae.width)
    pre = encoder.preacts_of(read, every)
    assert pre[[0, 12], :half].eq(0).all(), "a first step has nothing to predict from"
    assert (pre[1:12, :half] != 0).all()
    # The code's own entries are these pre-activations: of the novel ones exactly.
    novel = step.support.indices >= half
    row, latent = step.support.row_of_entry[novel], step.support.indices[novel]
    torch.testing.assert_close(pre[row, latent], step.pre[novel])
    # On a first step, predicted latents do not outrank novel ones that are negative.
    chosen = encoder.topk_among(read, every, half)
    assert (chosen.indices[chosen.row_of_entry == 0] >= half).all()


def test_a_dead_pair_returns_whatever_the_sign_of_its_factors():
    """The soft AND alone is flat where a factor is negative."""
    sae = small("kron_sae", k=1)
    step, _ = one_step(sae)
    with torch.no_grad():
        sae.encoder.base_bias.fill_(-50.0)
    dead = torch.ones(sae.width, dtype=torch.bool)
    AuxK(k=sae.width).of(step, dead).backward()
    assert without_gradient(sae, torch.arange(sae.width)) == []


def test_signed_and_continues_the_soft_and():
    from sparsetime.dictionaries.encoders.kronecker import signed_and, soft_and

    u, v = (
        torch.tensor([2.0, 3.0, -1.0, -3.0, 0.0, 0.0]),
        torch.tensor([8.0, 3.0, 4.0, -4.0, 5.0, 0]),
    )
    found = signed_and(u, v)
    assert torch.equal(found[:2], soft_and(u, v)[:2])
    torch.testing.assert_close(found[2:], torch.tensor([3 - 17**0.5, -12.0, 0.0, 0.0]))


def test_terms_of_several_k_read_what_the_encoder_reads():
    """Multi-TopK with a windowed encoder: at the same k, the reconstruction of the code itself."""
    import sparsetime as st

    sae = st.compose(
        d_in=16,
        width=64,
        encoder={"kind": "windowed", "window": 2},
        sparsifier={"kind": "top_k", "k": 2},
        objective=["mse", {"kind": "multi_top_k", "times": 2}],
    )
    step, _ = one_step(sae)
    seen = sae.encoder.read(step.inputs)
    exact = seen @ sae.encoder.weight.T + sae.encoder.bias
    best = exact.topk(4, dim=1)
    dense = torch.zeros_like(exact).scatter(1, best.indices, best.values.relu())
    wanted = (dense @ sae.atoms + sae.decoder.bias - step.target).square().sum(1).mean()
    torch.testing.assert_close(sae.objective.members[1].loss(step), wanted)
