"""Gates by hand: what opens them, and what does not."""

import pytest
import torch

import sparsetime as st
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.objectives.gate_l1 import GateL1
from sparsetime.dictionaries.objectives.gate_mse import GateMSE
from sparsetime.dictionaries.sparsifiers import AbsTopK, Gated
from sparsetime.kernels import Support

NO_INPUTS = EncoderInput(torch.zeros(1, 1))


def row(*indices):
    return Support(torch.tensor([0, len(indices)]), torch.tensor(indices), 4)


def test_strengths_are_scaled_and_shifted_where_the_gate_is_open():
    gated = Gated(4)
    with torch.no_grad():
        gated.log_scale.copy_(torch.tensor([1.0, 2.0, 3.0, 1.0]).log())
        gated.shift.copy_(torch.tensor([0.0, 0.5, -9.0, 1.0]))
    pre = torch.tensor([1.0, 2.0, 2.0, -0.5], requires_grad=True)
    values = gated.gate(pre, row(0, 1, 2, 3), NO_INPUTS)
    # As it is; 2 * 2 + 0.5; 3 * 2 - 9 is below zero; the last gate is closed.
    assert values.tolist() == pytest.approx([1.0, 4.5, 0.0, 0.0])
    values.sum().backward()
    assert pre.grad.tolist() == pytest.approx([1.0, 2.0, 0.0, 0.0])
    assert gated.shift.grad.tolist() == pytest.approx([1.0, 1.0, 0.0, 0.0])


def test_the_terms_of_gates_by_hand():
    sae = st.compose(
        d_in=2,
        width=2,
        sparsifier="gated",
        objective=["mse", GateL1(0.5), GateMSE()],
    )
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(2))
        sae.decoder.weight.copy_(torch.eye(2))
        sae.sparsifier.log_scale.fill_(torch.tensor(2.0).log())
    step = sae.forward_train(torch.tensor([[1.0, -1.0], [3.0, 1.0]]))
    losses = sae.objective.losses(step)
    # Strengths are twice the gates: rows (2, 0) and (6, 2).
    assert losses["mse"].item() == pytest.approx(((1 + 1) + (9 + 1)) / 2)
    assert losses["gate_l1"].item() == pytest.approx((1 + 3 + 1) / 2)
    assert losses["gate_mse"].item() == pytest.approx(1 / 2)
    gradient = torch.autograd.grad(
        losses["gate_mse"], [sae.decoder.weight, sae.decoder.bias], allow_unused=True
    )
    assert gradient == (None, None)  # the atoms stay still


def test_magnitude_keeps_its_sign():
    values = AbsTopK(2).gate(torch.tensor([-3.0, 2.0]), row(0, 1), NO_INPUTS)
    assert values.tolist() == [-3.0, 2.0]
    sae = st.dictionary("abs_topk", d_in=3, width=3, k=2)
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(3))
        sae.decoder.weight.copy_(torch.eye(3))
    x = torch.tensor([[-3.0, 2.0, 1.0]])
    assert sae.encode(x).dense().tolist() == [[-3.0, 2.0, 0.0]]
    assert sae(x).tolist() == [[-3.0, 2.0, 0.0]]
