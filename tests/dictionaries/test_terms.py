"""Terms of objectives on input whose answer is known."""

import math

import pytest
import torch
from made_passes import made_pass

import sparsetime as st
from sparsetime.activations.sampling.batch import Batch
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.description_length import DescriptionLength, bits
from sparsetime.dictionaries.objectives.gaussian_kl import GaussianKL
from sparsetime.dictionaries.objectives.group_l1 import GroupL1
from sparsetime.dictionaries.objectives.multi_top_k import MultiTopK
from sparsetime.dictionaries.objectives.shared_private import SharedPrivate
from sparsetime.dictionaries.objectives.supervised_concepts import SupervisedConcepts
from sparsetime.dictionaries.objectives.tilted_mse import TiltedMSE
from sparsetime.dictionaries.sparsifiers import TopK
from sparsetime.dictionaries.sparsifiers.variational_top_k import VariationalTopK
from sparsetime.errors import ConfigError, DataError
from sparsetime.kernels import Support


def identity(sparsifier, groups=None):
    """A dictionary of three latents whose atoms and encoder are the axes."""
    sae = Dictionary(
        LinearEncoder(3, 3), sparsifier, UnitNormDecoder(3, 3, groups), Objective([MSE()])
    )
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(3))
        sae.decoder.weight.copy_(torch.eye(3))
    return sae


def pair_step(now, before, groups=None):
    """A step whose codes of the rows and of their partners are as given."""
    code, earlier = SparseCode.from_dense(now), SparseCode.from_dense(before)
    support = Support(code.offsets, code.indices, 3)
    sae = identity(TopK(1), groups)
    return made_pass(sae, torch.zeros(len(now), 3), support, code.values, code.values, earlier)


def test_tilted_mse_by_hand_and_between_the_mean_and_the_worst():
    step = identity(TopK(1)).forward_train(torch.tensor([[4.0, 1.0, 0.0], [4.0, 0.0, 0.0]]))
    # Errors 1 and 0.
    wanted = math.log((math.exp(2) + 1) / 2) / 2
    assert TiltedMSE(2.0).loss(step).item() == pytest.approx(wanted, rel=1e-5)
    assert TiltedMSE(1e-3).loss(step).item() == pytest.approx(0.5, abs=1e-3)
    assert TiltedMSE(1e3).loss(step).item() == pytest.approx(1.0, abs=1e-3)


def test_multi_top_k_reconstructs_from_more_latents():
    step = identity(TopK(1)).forward_train(torch.tensor([[4.0, 1.0, 0.5]]))
    assert MultiTopK(times=2).loss(step).item() == pytest.approx(0.25)
    assert MultiTopK(times=4).loss(step).item() == pytest.approx(0.0, abs=1e-12)


def test_group_l1_costs_less_where_partners_share_a_latent():
    step = pair_step(torch.tensor([[3.0, 0.0, 1.0]]), torch.tensor([[4.0, 2.0, 0.0]]))
    assert GroupL1(1.0).loss(step).item() == pytest.approx(5 + 1 + 2)
    nothing = pair_step(torch.tensor([[3.0, 0.0, 1.0]]), torch.zeros(1, 3))
    assert GroupL1(1.0).loss(nothing).item() == pytest.approx(4.0)


def test_pair_contrast_by_hand():
    """The common latents differ by 2, 1 and 1; the other one is on in both, at 2 and 5."""
    now = torch.tensor([[3.0, 1.0, 2.0], [0.0, 0.0, 1.0]])
    before = torch.tensor([[1.0, 0.0, 5.0], [0.0, 1.0, 0.0]])
    loss = SharedPrivate().loss(pair_step(now, before, (2, 3)))
    assert loss.item() == pytest.approx((2 + 1 + 10 + 1) / 2)


def test_concepts_is_the_cross_entropy_of_reserved_latents():
    x = torch.tensor([[0.1, 5.0, 0.0], [-0.1, 5.0, 0.0]])
    step = identity(TopK(1)).forward_train(Batch(x, labels=torch.tensor([1, 0])))
    loss = SupervisedConcepts(temperature=0.1).loss(step)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-5)
    wrong = identity(TopK(1)).forward_train(Batch(x, labels=torch.tensor([2, 0])))
    with pytest.raises(DataError, match=r"from 0 to 2, expected 0 or 1"):
        SupervisedConcepts().loss(wrong)


def test_gaussian_kl_by_hand():
    step = identity(VariationalTopK(3, 1, deviation=0.5)).forward_train(
        torch.tensor([[2.0, 1.0, 0.0]])
    )
    wanted = (4 + 0.25 - 2 * math.log(0.5) - 1) / 2
    assert GaussianKL().loss(step).item() == pytest.approx(wanted, rel=1e-5)


def test_strengths_are_drawn_in_training_and_not_in_use():
    sparsifier = VariationalTopK(1, 1, deviation=0.2)
    pre = torch.ones(4000)
    support = Support(torch.arange(4001), torch.zeros(4000, dtype=torch.int64), 1)
    inputs = EncoderInput(torch.zeros(4000, 1))
    drawn = sparsifier.gate(pre, support, inputs)
    assert drawn.mean().item() == pytest.approx(1.0, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.2, rel=0.05)
    assert torch.equal(sparsifier.inference_gate(pre, support, inputs), pre)
    assert torch.equal(sparsifier.gate(pre, support, inputs), drawn)
    sparsifier.observe(identity(TopK(1)).forward_train(torch.ones(1, 3)))
    assert not torch.equal(sparsifier.gate(pre, support, inputs), drawn)


def test_bits_of_places_strengths_and_residual():
    """A latent that is on half the time: 1 bit; its strength 1 bit when on; the residual 2."""
    total = bits(torch.tensor([0.5, 0.0]), torch.tensor(0.03), torch.tensor([0.15]), 0.1)
    assert total.item() == pytest.approx(1 + 0.5 * 1 + 2, abs=1e-4)


def test_description_length_counts_a_step():
    sae = st.compose(
        sparsifier={"kind": "jumprelu", "threshold": 0.5},
        objective="description_length",
        d_in=3,
        width=3,
    )
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(3))
        sae.decoder.weight.copy_(torch.eye(3))
    step = sae.forward_train(torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    # One latent of three, on half the time, at a mean square of 9; nothing is left over.
    wanted = (1 + 0.5 * math.log2(1 + 9 / 9) / 2) / 3
    assert DescriptionLength(precision=3.0).loss(step).item() == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        (["mse", "gaussian_kl"], "take 'variational_top_k'"),
        (["mse", "pair_contrast"], "give the decoder `groups`"),
        (["description_length"], "count of active latents has a gradient"),
        (["mse", {"kind": "concepts", "concepts": 9}], "got 9 concepts"),
        (["mse", {"kind": "concepts", "temperature": 0.0}], "a temperature above 0"),
        ([{"kind": "tilted_mse", "tilt": 0.0}], "for no tilt take 'mse'"),
        (["mse", {"kind": "multi_top_k", "times": 1}], "got times=1, expected at least 2"),
    ],
)
def test_what_makes_no_sense_is_refused(objective, text):
    with pytest.raises(ConfigError, match=text):
        st.compose(sparsifier={"kind": "top_k", "k": 2}, objective=objective, d_in=4, width=8)


def test_a_boosted_dictionary_begins_where_the_first_one_ends(tmp_path):
    first = st.dictionary("topk", d_in=6, width=12, k=2, seed=1)
    x = torch.randn(300, 6, generator=torch.Generator().manual_seed(0)) + 3
    init_from_data(first, x)
    first.save(tmp_path / "first")
    sae = st.dictionary("sae_boost", d_in=6, width=8, k=1, first=str(tmp_path / "first"))
    init_from_data(sae, x)
    off = SparseCode.from_dense(torch.zeros(300, 8))
    torch.testing.assert_close(sae.reconstruct(off, x), first(x), rtol=1e-4, atol=1e-5)
    run = st.train(sae, x, out=tmp_path / "run", rows=6000, batch=100, show=False)
    for name, weight in first.state_dict().items():
        assert torch.equal(run.dictionary.skip.dictionary.state_dict()[name], weight)
    error, before = (run.dictionary(x) - x).square().sum(), (first(x) - x).square().sum()
    assert error < 0.95 * before
    assert torch.equal(st.load(tmp_path / "run")(x), run.dictionary(x))


def test_dead_latents_start_again_as_badly_reconstructed_rows():
    """Of two dead latents each gets the direction of a row, and a bias of 0."""
    sae = st.dictionary("resampling", d_in=3, width=4, k=1, times=1, until=0.5)
    batch = torch.tensor([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]])
    dead = torch.tensor([False, True, False, True])
    kept = sae.encoder.weight[[0, 2]].clone()
    with torch.no_grad():
        sae.encoder.bias[dead] = -9.0
    term = sae.objective.members[1]
    term.observe(sae.forward_train(Batch(x=batch), dead, progress=0.4))
    assert sae.encoder.bias[dead].eq(-9.0).all(), "it is not due yet"
    term.observe(sae.forward_train(Batch(x=batch), dead, progress=0.5))
    reset = sae.atoms[dead]
    assert reset.amax(1).eq(1).all()
    assert len(set(reset.argmax(1).tolist())) == 2, "two different rows"
    torch.testing.assert_close(sae.encoder.weight[[0, 2]], kept)
    assert sae.encoder.bias[dead].eq(0).all()
    length = kept.norm(dim=1).mean()
    torch.testing.assert_close(sae.encoder.weight[dead], length * reset)


def test_resampled_rows_differ_between_seeds_of_dictionaries():
    rows = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    dead = torch.arange(16) < 4
    first = st.dictionary("resampling", d_in=8, width=16, k=2, times=1, seed=0).state_dict()
    reset = []
    for seed in (0, 0, 1):
        sae = st.dictionary("resampling", d_in=8, width=16, k=2, times=1, seed=seed)
        own = {name: t for name, t in sae.state_dict().items() if name.endswith("noise_seed")}
        sae.load_state_dict({**first, **own})
        sae.objective.members[1].observe(sae.forward_train(Batch(x=rows), dead, progress=0.5))
        reset.append(sae.atoms[dead].clone())
    assert torch.equal(reset[0], reset[1])
    assert not torch.equal(reset[0], reset[2])


def test_resampling_needs_rows_of_its_own():
    with pytest.raises(ConfigError, match="take 'aux_k'"):
        st.compose(
            d_in=8,
            width=16,
            encoder="tied",
            sparsifier={"kind": "top_k", "k": 2},
            objective=["mse", "resample_dead"],
        )
    with pytest.raises(ConfigError, match=r"got times=0, until=0\.5 and scale=1\.0"):
        st.dictionary("resampling", d_in=8, width=16, k=2, times=0)
