"""Plans of bits: values of a grid, stacked with masks, in training, in files and in the ledger."""

import pytest
import torch
from computation.small_nets import data, net, train

import sparsetime as st
from sparsetime.computation.bit_grids.bit_grid import BitGrid
from sparsetime.computation.bit_grids.integer import IntegerGrid
from sparsetime.computation.bit_grids.normal_float import NormalFloatGrid
from sparsetime.computation.bit_grids.ternary import TernaryGrid
from sparsetime.computation.packed_codes import pack_codes, unpack_codes
from sparsetime.errors import ConfigError, MismatchError


def weights(model):
    return [module.weight.detach() for module in model if hasattr(module, "weight")]


@pytest.mark.parametrize("kind", BitGrid.kinds)
def test_levels_rise_to_one_and_have_a_zero(kind):
    grid = BitGrid.from_description(kind)
    levels = grid.levels
    assert bool((levels.diff() > 0).all()) and bool((levels == 0).any())
    assert float(levels.max()) == 1
    assert len(levels) <= 2**grid.bits
    rounded = grid.values(torch.arange(len(levels))[None], torch.tensor([[3.0]]))
    assert torch.equal(grid.values(grid.codes(rounded, torch.tensor([[3.0]])),
                                   torch.tensor([[3.0]])), rounded)  # fmt: skip


def test_integers_are_the_nearest_ones():
    groups = torch.tensor([[7.0, -3.4, 0.49, 0.51], [0.0, 0.0, 0.0, 0.0]])
    grid = IntegerGrid(4)
    scales = grid.scales(groups)
    made = grid.values(grid.codes(groups, scales), scales)
    assert made == pytest.approx(torch.tensor([[7.0, -3.0, 0.0, 1.0], [0.0] * 4]))


def test_ternary_weights_are_those_of_the_paper():
    groups = torch.tensor([[1.0, -2.0, 0.5, 0.1, 3.0, 0.0]])  # mean of others 1.32, threshold 0.924
    grid = TernaryGrid()
    scales = grid.scales(groups)
    assert float(scales) == pytest.approx(2.0)
    values = grid.values(grid.codes(groups, scales), scales)
    assert values.tolist() == [[2.0, -2.0, 0.0, 0.0, 2.0, 0.0]]


def test_normal_quantiles_beat_integers_on_normal_weights():
    groups = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    errors = []
    for grid in (NormalFloatGrid(), IntegerGrid(4)):
        scales = grid.scales(groups)
        errors.append(float((grid.values(grid.codes(groups, scales), scales) - groups).norm()))
    assert errors[0] < errors[1]


def test_a_scale_of_least_error_has_less_error():
    errors = []
    for scale in ("whole", "least_error"):
        model = net()
        before = [w.clone() for w in weights(model)]
        plan = st.computation.BitPlan({"kind": "integer", "bits": 3}, scale=scale)
        sparse = st.sparsify(model, plan)
        pairs = zip(before, weights(model), strict=True)
        errors.append(sum(float((a - b).square().sum()) for a, b in pairs))
        assert sparse.report().holds
    assert errors[1] < 0.95 * errors[0]


@pytest.mark.parametrize("bits", [1, 3, 4, 8])
def test_codes_are_packed_without_loss(bits):
    codes = torch.randint(0, 2**bits, (37,), generator=torch.Generator().manual_seed(bits))
    packed = pack_codes(codes, bits)
    assert len(packed) == -(-37 * bits // 8)
    assert torch.equal(unpack_codes(packed, bits, 37), codes)


def test_bits_stack_on_masks_in_training_and_are_undone(tmp_path):
    model = net()
    before = [w.clone() for w in weights(model)]
    sparse = st.sparsify(model, "rigl", sparsity=0.5, every=2, until=8)
    sparse.then("round_to_nearest", bits=4, group=8)
    assert sparse.report().holds
    sparse.dense()
    assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))

    sparse = st.sparsify(model, "rigl", sparsity=0.5, every=2, until=8)
    sparse.then("round_to_nearest", bits=4, group=8)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    sparse.attach(optimiser)
    losses = []

    def after():
        assert sparse.report().holds
        x, y = data()
        losses.append(torch.nn.functional.cross_entropy(model(x), y).item())

    train(model, optimiser, 12, after)
    assert losses[-1] < 0.8 * losses[0]
    assert sparse.report().sparsity == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ConfigError, match="trained for 12 steps since its weights were rounded"):
        sparse.plans[1].suspend()
    sparse.save(tmp_path)
    other = net(seed=5)
    opened = st.open_sparse(other, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(other), strict=True))
    assert opened.report() == sparse.report()


def test_a_file_of_few_bits_is_small(tmp_path):
    sizes = []
    for name, method in (("whole", None), ("rounded", "round_to_nearest")):
        model = torch.nn.Linear(256, 256, bias=False)
        sparse = st.sparsify(model, "magnitude", sparsity=0.0)
        if method:
            sparse.then(method, bits=4)
        sparse.save(tmp_path / name)
        sizes.append((tmp_path / name / "sparse.safetensors").stat().st_size)
    assert sizes[1] < 0.2 * sizes[0]  # an eighth, a bit an entry of the mask, and scales


def test_the_ledger_counts_bytes_of_few_bits():
    model, (x, _) = net(), data()
    dense = st.cost(model, x)
    rounded = st.cost(st.sparsify(model, "round_to_nearest", bits=8, sites="0"), x)
    first = dense.table.filter(dense.table["matrix"].combine_chunks().indices.to_numpy() == 0)
    assert first["bytes"].to_pylist()[0] == 4 * 512
    found = rounded.table.filter(rounded.table["matrix"].combine_chunks().indices.to_numpy() == 0)
    assert found["bytes"].to_pylist()[0] == pytest.approx(512 * (1 + 4 / 16), rel=0.02)
    assert st.computation.energy(rounded).sparse < st.computation.energy(dense).sparse


def test_bad_input_is_refused_in_words():
    with pytest.raises(
        ConfigError, match=r"got sparsity=0\.5 for the method 'ternary', which leav"
    ):
        st.sparsify(net(), "ternary", sparsity=0.5)
    with pytest.raises(ConfigError, match="got sparsity=None, expected the share"):
        st.sparsify(net(), "magnitude")
    with pytest.raises(ConfigError, match="weight with 16 inputs, which groups of 5 do not div"):
        st.sparsify(net(), "nf4", group=5)
    with pytest.raises(ConfigError, match="got bits=9, expected from 2 to 8"):
        st.sparsify(net(), "round_to_nearest", bits=9)
    with pytest.raises(ConfigError, match="got scale='small', expected one of whole, least_error"):
        st.computation.BitPlan(scale="small")
    model = net()
    sparse = st.sparsify(model, "ternary").then("round_to_nearest")
    with pytest.raises(ConfigError, match="two plans of 0"):
        sparse.attach(torch.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(MismatchError, match="another plan of bits"):
        sparse.load_state_dict({"0/step": torch.tensor(1)})
