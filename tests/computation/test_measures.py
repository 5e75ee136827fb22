"""Loss increase, knee, output errors, cost, energy and bounded sparsity against their formulas."""

import numpy as np
import pytest
import torch
from computation.small_nets import data, net
from torch import nn

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, UnknownNameError


def llama(seed=0, layers=2):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=32, num_hidden_layers=layers,
        num_attention_heads=2, max_position_embeddings=32,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def tokens(sequences=6, time=12):
    return torch.randint(0, 40, (sequences, time), generator=torch.Generator().manual_seed(2))


def test_the_increase_is_the_paired_difference_of_losses():
    model, (x, y) = net(), data()
    dense = nn.functional.cross_entropy(model(x), y)
    sparse = st.sparsify(model, "magnitude", sparsity=0.7)
    thinned = nn.functional.cross_entropy(model(x), y)
    weights = model[0].weight.detach().clone()
    found = st.computation.loss_increase(sparse, (x, y))
    assert found.value == pytest.approx((thinned - dense).item(), abs=1e-5)
    assert found.interval[0] < found.value < found.interval[1]
    assert found.details["dense"] == pytest.approx(dense.item(), abs=1e-5)
    assert torch.equal(model[0].weight, weights)


def test_knees_of_a_known_curve():
    s = [0.0, 0.2, 0.4, 0.6, 0.8]
    found = st.computation.knee(s, [0.0, 0.0, 0.01, 0.03, 1.0], budget=0.02)
    assert found.by_budget == pytest.approx(0.5)
    assert found.by_chord == 0.6
    assert st.computation.knee(s, [0.0] * 5, 0.1).by_budget == 0.8
    with pytest.raises(DataError, match="at least three that ascend"):
        st.computation.knee([0.5, 0.1, 0.2], [0, 0, 0], 0.1)
    with pytest.raises(DataError, match="expected finite numbers"):
        st.computation.knee(s, [0, 0, 0, 0, float("nan")], 0.1)


def test_output_errors_are_relative_to_the_output():
    model, x = net(), data()[0]
    w = model[0].weight.detach().clone()
    sparse = st.sparsify(model, "magnitude", sparsity=0.5, sites="0")
    thinned = model[0].weight.detach()
    expected = (x @ (thinned - w).T).square().sum() / (x @ w.T).square().sum()
    assert st.computation.output_errors(sparse, x)["0.weight"] == pytest.approx(
        float(expected), rel=1e-4
    )


def test_cost_counts_weights_and_activations_together():
    model, x = net(), data()[0]
    sparse = st.sparsify(model, "magnitude", sparsity=0.5, sites="2")
    found = st.cost(sparse, x)
    hidden = model[1](model[0](x)).detach() != 0
    expected = hidden.float() @ (model[2].weight != 0).float().sum(0)
    assert found.matrices == ["0", "2", "4"]
    macs = np.array([r["macs"] for r in found.table.to_pylist() if r["matrix"] == "2"])
    assert macs.tolist() == expected.tolist()
    assert 0 < found.share < 1
    assert found.by_step(3)[1, 0] == expected[3]


def test_cost_of_a_language_model_is_by_position(tmp_path):
    model = llama()
    found = st.cost(model, tokens(), out=tmp_path)
    assert found.share == pytest.approx(1.0)
    assert found.by_step(5).shape == (15, 12)
    assert st.computation.CostTable.open(tmp_path).table.equals(found.table)
    energy = st.computation.energy(found)
    macs = sum(m.parameter.numel() for m in st.computation.weight_matrices(model, [""]))
    assert energy.dense == pytest.approx(macs * (4.6 + 640) / 1e6)
    assert energy.sparse == pytest.approx(energy.dense) and energy.int8 < energy.dense / 3
    assert "not measured" in str(energy) and "Horowitz" in str(energy)
    with pytest.raises(UnknownNameError, match="did you mean '45nm'"):
        st.computation.energy(found, "45")


def test_cost_places_the_windows_of_a_text_at_their_positions():
    class Tokenizer:
        model_max_length = 32

        def __call__(self, text, **settings):
            return {"input_ids": [ord(c) % 40 for c in text]}

    loaded = st.models.load_model(llama(), tokenizer=Tokenizer())
    found = st.cost(loaded, ["a short text", "a text that is longer than the model reads at once"])
    first, second = (found.by_step(sequence) for sequence in (0, 1))
    assert first.shape == (15, 12) and second.shape == (15, 50)
    sizes = {m.path: m.parameter.numel() for m in st.computation.weight_matrices(loaded.model, "*")}
    assert all((second[row] == sizes[name]).all() for row, name in enumerate(found.matrices))


def test_rows_behind_a_router_belong_to_no_sequence():
    class Routed(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.expert = nn.Embedding(40, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.expert(self.table(x).flatten(0, 1)[::2])

    found = st.cost(Routed(), tokens(6, 12))
    assert set(found.table["sequence"].to_pylist()) == {-1} and len(found.table) == 36


def test_rows_that_a_gate_makes_needless_are_left_out():
    model = llama()
    st.sparsify(model, "cats", sparsity=0.5, data=tokens(), sites="model.layers.0").dense()
    sparse = st.sparsify(model, "cats", sparsity=0.5, data=tokens())
    shares = st.cost(sparse, tokens()).share_by_matrix()
    for layer in (0, 1):
        mlp = f"model.layers.{layer}.mlp"
        assert shares[f"{mlp}.up_proj"] == pytest.approx(shares[f"{mlp}.down_proj"])
        assert shares[f"{mlp}.down_proj"] == pytest.approx(0.5, abs=0.03)
        assert shares[f"{mlp}.gate_proj"] == 1.0


def test_a_predictor_is_counted_too():
    model = llama()
    sparse = st.sparsify(model, "deja_vu", sparsity=0.75, data=tokens(), rank=2, steps=5)
    found = st.cost(sparse, tokens())
    mlp = "model.layers.0.mlp"
    assert found.share_by_matrix()[f"{mlp}.gate_proj"] == pytest.approx(0.25)
    rows = [r for r in found.table.to_pylist() if r["matrix"] == f"{mlp}.down_proj:predictor"]
    assert {r["macs"] for r in rows} == {2 * (16 + 32)}


def test_bounded_sparsity_meets_its_budget_and_leaves_the_model():
    model, data_ = llama(), tokens()
    before = model(data_).logits.detach()
    found = st.computation.bounded_sparsity(model, data=data_, percent=0.5, steps=6)
    assert 0 < found.sparsity < 1 and found.percent <= 0.5
    assert torch.equal(model(data_).logits, before)
    with pytest.raises(ConfigError, match="got percent=0 and steps=10"):
        st.computation.bounded_sparsity(model, data=data_, percent=0)
