"""What sparsify, open_sparse and plans refuse, in words and before the model is changed."""

import re

import pytest
import torch
from computation.small_nets import data, net, sparsified
from torch import nn

import sparsetime as st
from sparsetime.errors import (
    ConfigError,
    DamagedError,
    DataError,
    MismatchError,
    StoreError,
    UnknownNameError,
)

SHARED, BLOCK, GROUP = (
    {"kind": "shared_fan_in", "tile": 4},
    {"kind": "block", "size": 8},
    {"kind": "group", "size": 8},
)
CASES = [
    (("magnitude",), {"sparsity": 1.0}, ConfigError, r"got sparsity=1\.0, expected the share"),
    (("magnitude",), {"sparsity": -0.1}, ConfigError, r"got sparsity=-0\.1"),
    (("magnitude",), {"sparsity": True}, ConfigError, "got sparsity=True"),
    (("magnitud",), {}, UnknownNameError, "did you mean 'magnitude'"),
    (("topk",), {}, ConfigError, "got the recipe 'topk' of kind 'dictionary', expected one of"),
    (("magnitude",), {"struct": "free"}, UnknownNameError, "did you mean 'structure'"),
    ((), {"structur": "free"}, UnknownNameError, "did you mean 'structure'"),
    ((), {"structure": "freee"}, UnknownNameError, "unknown structure 'freee'"),
    (("wanda",), {}, ConfigError, "got no data for the method 'wanda', which is calibrated"),
    (("2:4",), {"sparsity": 0.6}, ConfigError, r"got 0\.weight \[32, 16\] .* keeps 1\.6 of 4"),
    (("3:7",), {"sparsity": 4 / 7}, ConfigError, "16 inputs are not divided by m=7"),
    ((), {"structure": SHARED, "sparsity": 0.98}, ConfigError, "keeps none of its 16 inputs"),
    ((), {"structure": BLOCK, "sparsity": 0.95}, ConfigError, "keeps none of its 8 blocks"),
    ((), {"structure": GROUP, "sparsity": 0.995}, ConfigError, "keeps none of its 64 groups"),
    (("magnitude",), {"sites": "layers.*"}, UnknownNameError, "unknown sites"),
    (("magnitude",), {"sites": "1"}, ConfigError, "expected at least one of Linear"),
    (("wanda",), {"data": ["text"]}, DataError, "came without a tokenizer"),
    (("wanda",), {"data": []}, DataError, "got data without a sequence"),
    (("wanda",), {"data": 3}, DataError, "got int as data"),
    ((), {"score": "wanda", "schedule": "gradual"}, ConfigError, "expected a score of weights"),
    ((), {"score": "saliency", "data": torch.ones(4, 16)}, DataError, "data without targets"),
]


@pytest.mark.parametrize(("args", "settings", "error", "words"), CASES)
def test_bad_input_is_refused_and_changes_nothing(args, settings, error, words):
    model = net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(error, match=words):
        st.sparsify(model, *args, **{"sparsity": 0.5, **settings})
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_weights_that_cannot_be_thinned_are_named():
    quantised = nn.Sequential(nn.Linear(4, 4))
    quantised[0].weight = nn.Parameter(torch.ones(4, 4, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ConfigError, match=r"got 0\.weight in int8, expected floating point"):
        st.sparsify(quantised, "magnitude", sparsity=0.5)
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    with pytest.raises(ConfigError, match="remove its parametrisation"):
        st.sparsify(nn.Sequential(normed), "magnitude", sparsity=0.5)
    with pytest.raises(ConfigError, match=r"got modules of type|got the model with modules"):
        st.sparsify(nn.Sequential(nn.LayerNorm(4)), "magnitude", sparsity=0.5)

    class FullyShardedDataParallel(nn.Module):
        def __init__(self):
            super().__init__()
            self._fsdp_wrapped_module = nn.Linear(4, 4)

    with pytest.raises(ConfigError, match="sharded by FSDP, whose processes hold pieces"):
        st.sparsify(FullyShardedDataParallel(), "magnitude", sparsity=0.5)


def test_modules_whose_inputs_no_hook_reads_are_named():
    model = nn.Sequential(nn.LSTM(4, 4))
    with pytest.raises(ConfigError, match=r"got 0\.weight_ih_l0 of a LSTM, whose inputs no hook"):
        st.sparsify(model, "wanda", sparsity=0.5, data=torch.ones(3, 2, 4))
    silent = nn.ModuleDict({"used": nn.Linear(4, 4), "other": nn.Linear(4, 4)})
    silent.forward = lambda x: silent["used"](x)
    with pytest.raises(ConfigError, match=r"got other\.weight, whose module the model never calls"):
        st.sparsify(silent, "wanda", sparsity=0.5, data=torch.ones(3, 4))


def test_all_supported_types_are_thinned():
    from transformers.pytorch_utils import Conv1D

    torch.manual_seed(0)
    parts = [nn.Conv1d(4, 4, 3), nn.Conv3d(2, 2, 2), nn.GRU(4, 4), nn.MultiheadAttention(8, 2)]
    model = nn.ModuleList([*parts, Conv1D(6, 4)])
    report = st.sparsify(model, "magnitude", sparsity=0.5).report()
    assert report.holds and report.sparsity == pytest.approx(0.5)
    names = {row.name for row in report.matrices}
    assert {"0.weight", "2.weight_hh_l0", "3.in_proj_weight", "3.out_proj.weight"} <= names
    assert next(row.entries for row in report.matrices if row.name == "4.weight") == 24


def test_embeddings_and_heads_are_left_unless_they_are_named():
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    names = [matrix.key for matrix in st.computation.weight_matrices(model)]
    assert len(names) == 7 and "lm_head.weight" not in names
    (head,) = st.computation.weight_matrices(model, "lm_head")
    assert head.key == "lm_head.weight"


def test_damaged_and_foreign_folders_are_refused(tmp_path):
    sparse = sparsified("magnitude", net())
    sparse.save(tmp_path / "a")
    with pytest.raises(StoreError, match=r"holds no sparse\.json.*holds: nothing"):
        st.open_sparse(net(), tmp_path / "b")
    other = nn.Sequential(nn.Linear(16, 30))
    with pytest.raises(MismatchError, match=r"differs from the one saved in .* first of them 0"):
        st.open_sparse(other, tmp_path / "a")
    with pytest.raises(MismatchError, match="same architecture and dtype"):
        st.open_sparse(net().half(), tmp_path / "a")
    for name in ("sparse.json", "sparse.safetensors"):
        path = tmp_path / "a" / name
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        with pytest.raises(DamagedError, match=re.escape(name)):
            st.open_sparse(net(), tmp_path / "a")
        path.write_bytes(content)


def test_a_state_of_another_plan_is_refused():
    sparse, other = sparsified("magnitude", net()), sparsified("sr_ste", net())
    with pytest.raises(MismatchError, match="state of another plan or model"):
        sparse.load_state_dict(other.state_dict())


def test_a_mask_that_still_fades_is_not_saved(tmp_path):
    with pytest.raises(ConfigError, match="other than zero outside of its mask"):
        sparsified("fading", net()).save(tmp_path)


def test_a_matrix_at_ninety_percent_takes_a_sixth(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(256, 256, bias=False)).half()
    sparse = st.sparsify(model, "magnitude", sparsity=0.9)
    sparse.save(tmp_path)
    row = sparse.report().matrices[0]
    assert row.dense_bytes / row.bytes == pytest.approx(16 / 2.6, rel=0.01)
    size = (tmp_path / "sparse.safetensors").stat().st_size
    assert size < row.bytes + 1500


def test_targets_of_another_shape_than_the_outputs_are_refused():
    model = nn.Linear(16, 1)
    plan = st.computation.WeightPlan("saliency")
    with pytest.raises(DataError, match=r"targets of the shape \[64\] for outputs .* \[64, 1\]"):
        st.sparsify(model, plan, sparsity=0.5, data=(data()[0], torch.ones(64)))


def test_losses_of_the_caller_are_read():
    model, (x, y) = net(), data()
    plan = st.computation.WeightPlan("saliency")

    def loss(module, batch):
        inputs, targets = batch
        return nn.functional.cross_entropy(module(inputs), targets)

    st.sparsify(model, plan, sparsity=0.5, data=(x, y), loss=loss)
    other = net()
    st.sparsify(other, plan, sparsity=0.5, data=(x, y))
    assert torch.equal(model[0].weight, other[0].weight)
