"""Every recipe of the register that trains on rows alone learns with its defaults, or warns.

The data are planted and chose no default: 160 atoms in 48 dimensions, 6 of them active, offset 0.3.
Before the first step codes have a scale that fits the data, and the places that they had without.
"""

import warnings

import pytest
import torch
from planted import planted
from small_batches import small_source
from small_recipes import CARDS, small

import sparsetime as st
from sparsetime.dictionaries import init_from_data, initialise
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.encoders.pursuit import PursuitEncoder

D, WIDTH, BATCH, STEPS = 48, 192, 256, 50
# A pursuit explains most of a row with random atoms, and its step takes a hundred times as long.
PURSUIT_STEPS = 8
ALONE = [name for name, card in CARDS.items() if not card.needs]


@pytest.fixture(scope="module")
def rows():
    return planted(BATCH * STEPS, d=D, features=160, active=6)


def smooth(x):
    """The same rows without what the Fourier modes of `sae_no` cannot hold."""
    modes = torch.fft.rfft(x)
    modes[:, st.dictionary("sae_no", d_in=D, width=WIDTH).encoder.modes :] = 0
    return torch.fft.irfft(modes, n=D)


@pytest.mark.parametrize("name", ALONE)
def test_defaults_explain_half_of_the_variance_or_warn(name, rows, tmp_path):
    sae = st.dictionary(name, d_in=D, width=WIDTH)
    by_gradient = not sae.decoder.grows_by_rows
    few = isinstance(sae.encoder, PursuitEncoder) and by_gradient
    steps = PURSUIT_STEPS if few else STEPS
    # Atoms of sae_no are functions on a grid; its card refuses dimensions without order.
    x = smooth(rows) if name == "sae_no" else rows
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        run = st.train(
            sae, x, out=tmp_path, rows=steps * BATCH, batch=BATCH, log_every=5, show=False
        )
    last = run.metrics[-1]
    warned = any("of its training the dictionary" in str(one.message) for one in given)
    assert last["fvu"] < 0.5 or warned
    assert 0 < last["l0"] < WIDTH


@pytest.mark.parametrize("name", [name for name, card in CARDS.items() if "target" in card.needs])
def test_a_first_reconstruction_of_another_site_is_no_larger_than_it(name, tmp_path):
    """Unscaled, the sum of atoms that have nothing to do with the input has FVU 1.7 to 12."""
    sae = small(name)
    run = st.train(sae, small_source(sae), out=tmp_path, rows=128, batch=128, show=False)
    assert run.metrics[0]["fvu"] < 1.2


@pytest.mark.parametrize("name", ALONE)
def test_the_first_scale_changes_no_place(name, rows, monkeypatch):
    if type(st.dictionary(name, d_in=D, width=WIDTH).encoder).read is not Encoder.read:
        pytest.skip("what this encoder reads depends on the scale of its own first codes")
    scaled, plain = first_places(name, rows), first_places(name, rows, monkeypatch)
    # Rounding may swap an entry with the next one.
    assert (scaled != plain).sum() <= 0.001 * plain.sum()


def first_places(name, rows, unscaled=None):
    """Which latents the training rule keeps of the first rows: [rows, width]."""
    if unscaled is not None:
        unscaled.setattr(initialise, "_first_scale", lambda *_: 1.0)
    sae = st.dictionary(name, d_in=D, width=WIDTH)
    init_from_data(sae, rows[:BATCH])
    inputs = EncoderInput(sae.centred(sae.normalisation.normalise(rows[:32])))
    rule = sae.sparsifier.training_rule(inputs)
    support, pre = sae.encoder.encode_train(inputs, rule, torch.float32)
    values = sae.sparsifier.gate(pre, support, inputs)
    kept = torch.zeros(32, WIDTH, dtype=torch.bool)
    kept[support.row_of_entry, support.indices] = values != 0
    return kept


@pytest.mark.parametrize("frozen", ["encoder.weight", "sparsifier.log_threshold"])
def test_thresholds_keep_their_scale_where_either_is_frozen(frozen, rows):
    sae = st.dictionary("jumprelu", d_in=D, width=WIDTH)
    sae.get_parameter(frozen).requires_grad_(False)
    before = {name: value.clone() for name, value in sae.state_dict().items()}
    init_from_data(sae, rows[:BATCH])
    for name in ("encoder.weight", "sparsifier.log_threshold"):
        assert torch.equal(sae.get_parameter(name), before[name])


@pytest.mark.parametrize("threshold", [1e-3, 0.1, 2.0])
@pytest.mark.parametrize("l0", [2.0, 8.0, 40.0])
def test_codes_of_jumprelu_begin_near_their_target(l0, threshold, rows):
    sae = st.dictionary("jumprelu", d_in=D, width=WIDTH, l0=l0, threshold=threshold)
    init_from_data(sae, rows[:BATCH])
    count = sae.encode(rows[:BATCH]).indices.numel() / BATCH
    assert count == pytest.approx(2 * l0, rel=0.05)


def test_codes_of_jumprelu_begin_with_most_positive_ones_where_the_target_is_not_reached(rows):
    sae = st.dictionary("jumprelu", d_in=D, width=WIDTH, l0=0.9 * WIDTH)
    init_from_data(sae, rows[:BATCH])
    count = sae.encode(rows[:BATCH]).indices.numel() / BATCH
    assert 0.2 * WIDTH < count < 0.6 * WIDTH


def test_jumprelu_falls_to_a_target_above_the_l0_of_its_thresholds(rows, tmp_path):
    """From thresholds that almost nothing exceeded, L0 stayed near 0."""
    settings = {"l0": 12.0, "threshold": 2.0, "bandwidth": 1.0}
    sae = st.dictionary("jumprelu", d_in=D, width=WIDTH, **settings)
    run = st.train(sae, rows, out=tmp_path, rows=STEPS * BATCH, batch=BATCH, show=False)
    assert 8 < run.metrics[-1]["l0"] < 24  # twice the target, where it began


@pytest.mark.parametrize("kind", Encoder.kinds)
def test_an_encoder_that_can_be_rescaled_says_so(kind):
    assert Encoder.kinds[kind].scalable == (Encoder.kinds[kind].rescale is not Encoder.rescale)
