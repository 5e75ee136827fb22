"""Every recipe trains, saves, loads and encodes alike. The list is the registry."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime import kernels
from sparsetime.codes import SparseCode
from sparsetime.kernels import reference

CARDS = {card.name: card for card in st.recipes()}
SMALL = {"relu_l1": {"l1": 0.1}, "jumprelu": {"l0": 4.0}}


def small(name, **settings):
    own = {"k": 4} if "k" in CARDS[name].defaults else {}
    return st.dictionary(name, d_in=16, width=64, **{**own, **SMALL.get(name, {}), **settings})


def batch_for(sae, rows=64, seed=1):
    if sae.needs == "pairs":
        return planted(2 * rows, seed=seed).reshape(rows, 2, 16)
    return planted(rows, seed=seed)


@pytest.fixture(scope="module", params=CARDS)
def trained(request, tmp_path_factory):
    """A dictionary of every recipe after 200 steps on planted features, with its run."""
    sae = small(request.param)
    x = planted(4000, sequences=40)
    out = tmp_path_factory.mktemp(request.param)
    return st.train(
        sae, x, out=out / "run", rows=200 * 128, batch=128, learning_rate=3e-3, show=False
    )


def test_error_falls(trained):
    first, last = trained.metrics[0]["fvu"], trained.metrics[-1]["fvu"]
    assert last < 0.6 * first
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
    for path in (trained.path, tmp_path / "copy"):
        trained.dictionary.save(tmp_path / "copy")
        again = st.load(path)
        assert again.name == trained.dictionary.name
        assert again.written() == trained.dictionary.written()
        a, b = trained.dictionary.encode(x), again.encode(x)
        assert torch.equal(a.indices, b.indices)
        assert torch.equal(a.values, b.values)
        assert torch.equal(trained.dictionary(x), again(x))


def test_a_rows_code_does_not_depend_on_its_batch(trained):
    sae = trained.dictionary
    x = planted(257, seed=6)
    whole = sae.encode(x)
    for row in (0, 100, 256):
        alone = sae.encode(x[row : row + 1])
        there = whole.row_slice(row, row + 1)
        assert torch.equal(alone.indices, there.indices)
        torch.testing.assert_close(alone.values, there.values, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bfloat16, torch.float32], ids=str)
def test_rounded_selection_loses_nothing(trained, dtype, monkeypatch):
    """Also with a row far larger than the others, and with float64 as the judge."""
    from sparsetime.dictionaries import encoders

    monkeypatch.setattr(encoders, "selection_dtype", lambda device: dtype)
    sae = trained.dictionary
    x = planted(300, seed=11)
    x[7] *= 100
    centred = sae.centred(sae.normalisation.normalise(x)).double()
    pre = centred @ sae.encoder.weight.double().T + sae.encoder.bias.double()
    rule = sae.sparsifier.inference_rule()
    exact = reference.select_dense(pre.detach(), rule)
    dense = torch.zeros(300, 64, dtype=torch.bool)
    dense[exact.row_of_entry, exact.indices] = True
    differ = (sae.encode(x).dense() != 0) != dense
    # Only what float32 itself cannot tell from the threshold, or from its neighbour, may differ.
    assert differ.sum() <= 2


def test_leading_shapes_come_back(trained):
    sae = trained.dictionary
    x = planted(60, seed=7).reshape(3, 20, 16)
    code = sae.encode(x)
    assert code.shape == (3, 20)
    assert sae.decode(code).shape == x.shape
    flat = sae.encode(x.reshape(-1, 16))
    assert torch.equal(code.indices, flat.indices)


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
    grads = {}
    for backend in ("reference", "cpu"):
        sae = small(name)
        batch = batch_for(sae)
        with kernels.use(backend):
            sae.fit_start(batch.reshape(-1, 16))
            step = sae.step(batch, dead=torch.arange(64) % 3 == 0)
            sae.objective.total(sae.objective.losses(step)).backward()
        grads[backend] = {n: p.grad for n, p in sae.named_parameters()}
    for name_, grad in grads["reference"].items():
        torch.testing.assert_close(grads["cpu"][name_], grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CARDS)
def test_gradients_are_those_of_dense_autograd(name):
    """The same loss from dense tensors and torch's own gradients, without the auxiliary term."""
    sae = small(name)
    batch = batch_for(sae)
    sae.fit_start(batch.reshape(-1, 16))
    step = sae.step(batch)
    sae.objective.total(sae.objective.losses(step)).backward()
    found = {n: p.grad.clone() for n, p in sae.named_parameters() if p.grad is not None}

    sae.zero_grad()
    flat = torch.cat([batch[:, 1], batch[:, 0]]) if batch.dim() == 3 else batch
    x = sae.normalisation.normalise(flat)
    pre = sae.centred(x) @ sae.encoder.weight.T + sae.encoder.bias
    rule = sae.sparsifier.training_rule()
    kept = reference.select_dense(pre.detach(), rule)
    values = sae.sparsifier.gate(pre[kept.row_of_entry, kept.indices], kept.indices)
    dense = SparseCode(kept.offsets, kept.indices, values, 64, (x.shape[0],)).dense()
    rows = batch.shape[0]
    nested = torch.stack([dense[:rows, :end] @ sae.atoms[:end] for end in sae.groups])
    nested = nested + sae.decoder.bias
    total = torch.zeros(())
    for term in sae.objective.terms:
        if term.kind == "mse":
            part = (nested[-1] - x[:rows]).square().sum(1).mean()
        elif term.kind == "nested_mse":
            part = (nested - x[:rows]).square().sum(2).mean()
        elif term.kind == "l1":
            part = dense[:rows].abs().sum(1).mean()
        elif term.kind == "temporal_contrastive":
            high = sae.groups[0]
            unit = torch.nn.functional.normalize(dense[:, :high], dim=1)
            logits = unit[:rows] @ unit[rows:].T / term.temperature
            own = torch.arange(rows)
            cross = torch.nn.functional.cross_entropy
            part = (cross(logits, own) + cross(logits.T, own)) / 2
        elif term.kind == "l0":
            on = sae.sparsifier.is_on(pre.flatten(), torch.arange(64).repeat(rows))
            part = (on.sum() / rows / term.target - 1).square()
        else:
            assert term.kind == "aux_k", f"this test must learn what {term.kind} means"
            continue
        total = total + term.weight * part
    total.backward()
    for parameter_name, parameter in sae.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[parameter_name], parameter.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", CARDS)
def test_built_on_the_meta_device(name):
    with torch.device("meta"):
        sae = small(name)
    assert sae.atoms.is_meta
    assert sae.atoms.shape == (64, 16)


@pytest.mark.parametrize("name", CARDS)
def test_cards_say_what_a_reader_asks(name):
    card = CARDS[name]
    assert card.title
    assert card.idea.endswith(".")
    assert card.claim.endswith(".")
    assert any(year in card.paper for year in map(str, range(1990, 2027)))
    assert card.needs in ("rows", "pairs")
    assert set(card.parts) == {"encoder", "sparsifier", "atoms", "objective"}


@pytest.mark.parametrize("name", CARDS)
def test_same_seed_same_start(name):
    a, b, other = small(name, seed=3), small(name, seed=3), small(name, seed=4)
    assert torch.equal(a.atoms, b.atoms)
    assert not torch.equal(a.atoms, other.atoms)
    assert torch.equal(a.atoms, a.encoder.weight)
    torch.testing.assert_close(a.atoms.norm(dim=1), torch.ones(64))
