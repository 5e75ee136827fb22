"""Every recipe trains, saves, loads and encodes alike. The list is the registry."""

import copy
import dataclasses

import pytest
import torch
from planted import planted
from small_batches import small_batch, small_source
from small_recipes import CARDS, small

import sparsetime as st
from sparsetime import kernels
from sparsetime.activations.sampling.batch import HOW_TO_PROVIDE
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.errors import DataError
from sparsetime.kernels import reference, selection
from sparsetime.segments import Segments
from sparsetime.training.config import TrainConfig
from sparsetime.training.dictionary_trainable import DictionaryTrainable

# Steps by which the error has fallen far enough, and of the snapshots among them.
STEPS, SNAPSHOTS = 120, (1, 5, 24)
LONGER = {"lista_matryoshka": (200, (1, 6, 34))}


@pytest.fixture(scope="module", params=CARDS)
def trained(request, tmp_path_factory):
    """A dictionary of every recipe after its steps on planted features, with its run."""
    sae = small(request.param)
    steps, _ = LONGER.get(request.param, (STEPS, SNAPSHOTS))
    out = tmp_path_factory.mktemp(request.param)
    return st.train(
        sae,
        small_source(sae),
        out=out / "run",
        rows=steps * 128,
        batch=128,
        learning_rate=3e-3,
        snapshots=3,
        show=False,
    )


def test_error_falls(trained):
    first, last = trained.metrics[0]["fvu"], trained.metrics[-1]["fvu"]
    # Matching pursuit explains nine tenths with random atoms, and has less to learn. Atoms of
    # lagged covariances are not fitted to the error.
    by_error = trained.dictionary.name != "amuse"
    assert last < 0.75 * first or (first < 0.1 and last < first) or not by_error
    assert last < 0.5


def test_codes_are_sparse_and_well_formed(trained):
    code = trained.dictionary.encode(planted(100, seed=5))
    assert 0 < code.counts.float().mean() < 32
    assert code.values.isfinite().all()
    assert (code.values != 0).all()
    for start, stop in zip(code.offsets, code.offsets[1:], strict=False):
        assert (code.indices[start:stop].diff() > 0).all()


def test_loading_gives_identical_codes(trained, tmp_path):
    x = planted(200, seed=5)
    trained.dictionary.save(tmp_path / "copy")
    a, reconstruction = trained.dictionary.encode(x), trained.dictionary(x)
    for path in (trained.path, tmp_path / "copy"):
        again = st.load(path)
        assert again.name == trained.dictionary.name
        assert again.to_config() == trained.dictionary.to_config()
        b = again.encode(x)
        assert torch.equal(a.indices, b.indices)
        assert torch.equal(a.values, b.values)
        assert torch.equal(reconstruction, again(x))


def test_further_training_keeps_what_was_fitted(trained):
    """Scales, offsets, thresholds, and atoms that are data: on data of another scale and mean."""
    for sae in (copy.deepcopy(trained.dictionary), st.load(trained.path)):
        before = {name: value.clone() for name, value in sae.state_dict().items()}
        batch = small_batch(sae, rows=128, seed=9)
        batch = dataclasses.replace(batch, x=3 * batch.x + 1)
        DictionaryTrainable(sae, TrainConfig(rows=128, batch=128), torch.float32).initialise(batch)
        assert sae.is_fitted
        for name, value in sae.state_dict().items():
            assert torch.equal(value, before[name]), name


def test_snapshots_are_dictionaries_on_the_way(trained):
    _, expected = LONGER.get(trained.dictionary.name, (STEPS, SNAPSHOTS))
    found = [(each.step, each.rows) for each in trained.snapshots]
    assert found == [(step, step * 128) for step in expected]
    for snapshot in trained.snapshots:
        then = snapshot.load()
        assert then.to_config() == trained.dictionary.to_config()
        assert (then.encode(planted(50, seed=5)).values != 0).all()


@pytest.mark.parametrize("name", CARDS)
def test_a_snapshot_is_the_dictionary_of_that_step(name, tmp_path):
    """The batches end just where the second of two snapshots is taken."""
    sae = small(name)
    batches = (small_batch(sae, rows=128, seed=seed) for seed in (1, 2))
    with pytest.raises(DataError, match="the batches ended after step 2 of 4"):
        st.train(sae, batches, out=tmp_path, rows=4 * 128, batch=128, snapshots=2, show=False)
    then = st.load(tmp_path / "snapshots" / "000002")
    x = planted(100, seed=5)
    a, b = sae.eval().encode(x), then.encode(x)
    assert torch.equal(a.indices, b.indices)
    assert torch.equal(a.values, b.values)
    assert torch.equal(sae(x), then(x))


def test_a_rows_code_does_not_depend_on_its_batch(trained):
    """Nor on other sequences, where it depends on what went before in its own."""
    sae = trained.dictionary
    x = planted(257, seed=6)
    time = 1
    if sae.is_stateful:
        x, time = planted(255, seed=6, sequences=51), 5
    whole = sae.encode(x)
    for one in (0, 20, 50):
        alone = sae.encode(x[one : one + 1])
        there = whole.row_slice(one * time, (one + 1) * time)
        assert torch.equal(alone.indices, there.indices)
        torch.testing.assert_close(alone.values, there.values, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bfloat16, torch.float32], ids=str)
def test_rounded_selection_loses_nothing(trained, dtype, monkeypatch):
    """Also with a row far larger than the others, and with float64 as the judge."""
    from sparsetime.dictionaries.encoders import select_linear

    monkeypatch.setattr(select_linear, "selection_dtype", lambda device: dtype)
    sae = trained.dictionary
    if not isinstance(sae.encoder, select_linear.SelectLinearEncoder):
        pytest.skip("an encoder that is no product has nothing to round")
    x = planted(300, seed=11)
    x[7] *= 100
    seen = sae.centred(sae.normalisation.normalise(x))
    inputs = EncoderInput(seen, segments=Segments.of_lengths([len(x)]))
    read = sae.encoder.read(inputs)
    with torch.no_grad():
        pre = read.double() @ sae.encoder.directions().double().T + sae.encoder.bias.double()
    rule = sae.sparsifier.inference_rule(inputs)
    exact = reference.select_dense(pre, rule)
    found, _ = sae.encoder.encoded(read, rule)
    # Only what float32 itself cannot tell from the threshold, or from its neighbour, may differ.
    assert len(places(exact) ^ places(found)) <= 2


def places(support):
    return set(zip(support.row_of_entry.tolist(), support.indices.tolist(), strict=True))


def test_leading_shapes_come_back(trained):
    sae = trained.dictionary
    x = planted(60, seed=7).reshape(3, 20, 16)
    code = sae.encode(x)
    assert code.shape == (3, 20)
    assert sae.decode(code).shape == sae(x).shape == (3, 20, sae.d_out)
    parts = torch.cat([sae.encode(part).indices for part in x])
    assert torch.equal(code.indices, parts)


def test_streams_equal_whole_sequences(trained):
    sae = trained.dictionary
    x = planted(50, seed=8).reshape(5, 10, 16)
    whole = sae.encode(x).dense()
    state = sae.stream()
    steps = torch.stack([state.step(x[:, t]).dense() for t in range(10)], 1)
    torch.testing.assert_close(steps, whole, rtol=1e-5, atol=1e-6)
    assert state.steps == 10


def test_bfloat16_input(trained):
    code = trained.dictionary.encode(planted(50, seed=9).bfloat16())
    assert code.values.dtype == torch.float32
    assert code.indices.numel() > 0


@pytest.mark.parametrize("name", CARDS)
def test_reference_and_fast_kernels_train_alike(name):
    """With a third of the latents dead, so that what revives them takes part."""
    found = {}
    for backend in ("reference", "cpu"):
        with kernels.use(backend):
            found[backend] = loss_and_gradients(name, dead=torch.arange(64) % 3 == 0)
    check_alike(found["cpu"], found["reference"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CARDS)
def test_gradients_are_those_of_dense_autograd(name, monkeypatch):
    """The same loss where torch multiplies everything out and takes its own gradients."""
    found = loss_and_gradients(name, dead=None)
    monkeypatch.setattr(kernels, "gather_dot", dense_gather_dot)
    monkeypatch.setattr(kernels, "decode", dense_decode)
    monkeypatch.setattr(kernels, "pre_activations_at", dense_pre_activations_at)
    monkeypatch.setattr(selection, "pre_activations_at", dense_pre_activations_at)
    monkeypatch.setattr(kernels, "squared_error", dense_squared_error)
    check_alike(found, loss_and_gradients(name, dead=None), rtol=1e-3, atol=1e-5)


def loss_and_gradients(name, dead):
    torch.manual_seed(0)  # for parts that draw
    sae = small(name)
    batch = small_batch(sae)
    init_from_data(sae, batch)
    step = sae.forward_train(batch, dead=dead, progress=0.5)
    loss = sae.objective.total(sae.objective.losses(step))
    assert loss.isfinite()
    if not any(parameter.requires_grad for parameter in sae.parameters()):
        return {"loss": loss}  # atoms that are data
    loss.backward()
    gradients = {n: p.grad for n, p in sae.named_parameters() if p.grad is not None}
    assert gradients
    return {"loss": loss.detach(), **gradients}


def check_alike(a, b, **tolerance):
    assert a.keys() == b.keys()
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], **tolerance, msg=lambda m, n=name: f"{n}: {m}")


def dense_gather_dot(x, weight, support):
    return (x @ weight.T)[support.row_of_entry, support.indices]


def dense_pre_activations_at(x, weight, bias, support, precomputed=None):
    return dense_gather_dot(x, weight, support) + bias[support.indices]


def dense_squared_error(values, support, atoms, bias, target, ends, shares):
    shape = (support.rows,)
    code = SparseCode(support.offsets, support.indices, values, support.width, shape).dense()
    residuals = [target - bias - code[:, :end] @ atoms[:end] for end in ends]
    errors = [residual.square().sum(1).mean() for residual in residuals]
    total = sum(share * error for share, error in zip(shares, errors, strict=True))
    return total, residuals[-1].detach()


def dense_decode(values, support, atoms):
    shape = (support.rows,)
    code = SparseCode(support.offsets, support.indices, values, support.width, shape)
    return code.dense() @ atoms


@pytest.mark.parametrize("name", CARDS)
def test_built_on_the_meta_device(name):
    with torch.device("meta"):
        sae = small(name)
    assert sae.atoms.is_meta
    assert sae.atoms.shape == (64, sae.d_out)


@pytest.mark.parametrize("name", CARDS)
def test_cards_say_what_a_reader_asks(name):
    card = CARDS[name]
    assert card.title
    assert card.idea.endswith(".")
    assert card.claim.endswith(".")
    assert any(year in card.paper for year in map(str, range(1990, 2027)))
    assert card.source_of_defaults.endswith(".")
    assert card.cost.endswith(".")
    assert card.system is None or 0 <= card.system < 300
    assert card.needs <= HOW_TO_PROVIDE.keys()
    assert {"encoder", "sparsifier", "decoder", "objective"} <= card.components.keys()


@pytest.mark.parametrize("name", CARDS)
def test_same_seed_same_start(name):
    states = [small(name, seed=seed).state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])
