"""Parts on input whose answer is known."""

import math

import pytest
import torch
from made_passes import made_pass

import sparsetime as st
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.decoders import Decoder, UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.normalisation import Normalisation, geometric_median
from sparsetime.dictionaries.objectives import L0, MSE, AuxK, Objective, TemporalContrastive
from sparsetime.dictionaries.sparsifiers import BatchTopK, JumpReLU, Sparsifier, TopK
from sparsetime.errors import (
    ConfigError,
    DamagedError,
    DataError,
    MismatchError,
    StoreError,
    UnknownNameError,
)
from sparsetime.files import Folder
from sparsetime.kernels import Support

NO_INPUTS = EncoderInput(torch.zeros(1, 1))


def identity(sparsifier, width=3, groups=None):
    """A dictionary whose atoms and encoder are the axes."""
    sae = Dictionary(
        LinearEncoder(width, width),
        sparsifier,
        UnitNormDecoder(width, width, groups),
        Objective([MSE()]),
    )
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(width))
        sae.decoder.weight.copy_(torch.eye(width))
    return sae


def test_top_k_of_the_axes_by_hand():
    sae = identity(TopK(2))
    x = torch.tensor([[3.0, 1.0, 2.0], [-1.0, 0.5, -2.0]])
    assert sae.encode(x).dense().tolist() == [[3.0, 0.0, 2.0], [0.0, 0.5, 0.0]]
    assert sae(x).tolist() == [[3.0, 0.0, 2.0], [0.0, 0.5, 0.0]]


def test_the_scale_goes_in_and_out():
    sae = identity(TopK(3))
    sae.normalisation.scale.fill_(10.0)
    x = torch.tensor([[3.0, 1.0, 2.0]])
    torch.testing.assert_close(sae.encode(x).values, torch.tensor([0.3, 0.1, 0.2]))
    torch.testing.assert_close(sae(x), x)


def test_normalised_activations_have_unit_spread():
    x = torch.randn(500, 7) * 4 + 20
    normalisation = Normalisation()
    normalisation.fit(x)
    scaled = normalisation.normalise(x)
    spread = (scaled - scaled.mean(0)).square().sum(1).mean()
    torch.testing.assert_close(spread, torch.tensor(1.0))
    torch.testing.assert_close(normalisation.restore(scaled), x)


def test_activations_that_never_change_are_refused():
    with pytest.raises(DataError, match="all 5 sampled activations are the same vector"):
        Normalisation().fit(torch.ones(5, 3))


def test_the_geometric_median_ignores_an_outlier():
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    torch.testing.assert_close(geometric_median(square), torch.zeros(2), atol=1e-5, rtol=0)
    far = torch.cat([square.repeat(10, 1), torch.tensor([[1e4, 0.0]])])
    assert geometric_median(far, iterations=500).norm() < 0.2 < far.mean(0).norm()


def test_batch_top_k_learns_the_smallest_strength_it_kept():
    sparsifier = BatchTopK(1, ema_decay=0.5)
    for smallest in (0.4, 0.2, 0.3):
        values = torch.tensor([1.0, smallest, 0.0])
        support = Support(torch.tensor([0, 3]), torch.arange(3), 3)
        sparsifier.observe(made_pass(identity(TopK(3)), torch.zeros(1, 3), support, values, values))
    # 0.4; then half of 0.4 and 0.2; then half of that and 0.3.
    torch.testing.assert_close(sparsifier.threshold, torch.tensor(0.3))


def test_jumprelu_gates_and_counts_with_straight_through_gradients():
    sparsifier = JumpReLU(width=1, threshold=0.5, bandwidth=0.2)
    pre = torch.tensor([0.45, 0.55, 0.7, 0.2], requires_grad=True)
    at = torch.zeros(4, dtype=torch.int64)
    values = sparsifier.gate(pre, Support(torch.tensor([0, 4]), at, 1), NO_INPUTS)
    torch.testing.assert_close(values, torch.tensor([0.0, 0.55, 0.7, 0.0]))
    values.sum().backward()
    assert pre.grad is not None
    assert pre.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
    # Two entries within 0.1 of the threshold, -0.5/0.2 each, times d threshold / d log = 0.5.
    torch.testing.assert_close(sparsifier.log_threshold.grad, torch.tensor([-2.5]))
    sparsifier.zero_grad()
    on = sparsifier.is_on(pre.detach(), at)
    assert on.tolist() == [0.0, 1.0, 1.0, 0.0]
    on.sum().backward()
    torch.testing.assert_close(sparsifier.log_threshold.grad, torch.tensor([-5.0]))


def test_the_window_of_jumprelu_follows_its_threshold():
    sparsifier = JumpReLU(width=2, threshold=0.5, bandwidth=0.2)
    sparsifier.rescale(0.1)
    rule = sparsifier.training_rule(NO_INPUTS)
    torch.testing.assert_close(rule.threshold, torch.full((2,), 0.04))
    # Of thresholds of 0.05 the window is 0.02 wide, and its density 1 / 0.02.
    on = sparsifier.is_on(torch.tensor([0.045, 0.055, 0.065]), torch.tensor([0, 0, 1]))
    on.sum().backward()
    torch.testing.assert_close(sparsifier.log_threshold.grad, torch.tensor([-5.0, 0.0]))


def test_jumprelu_takes_a_first_l0_above_zero():
    with pytest.raises(ConfigError, match="got first_l0=0, expected a mean number"):
        JumpReLU(width=2, first_l0=0)


def test_nested_prefixes_add_up():
    atoms = UnitNormDecoder(4, 4, (1, 3, 4))
    with torch.no_grad():
        atoms.weight.copy_(torch.eye(4))
        atoms.bias.fill_(0.5)
    support = Support(torch.tensor([0, 3, 3]), torch.tensor([0, 2, 3]), 4)
    nested = atoms.decode_nested(torch.tensor([1.0, 2.0, 3.0]), support)
    assert (nested - 0.5).tolist() == [
        [[1, 0, 0, 0], [0, 0, 0, 0]],
        [[1, 0, 2, 0], [0, 0, 0, 0]],
        [[1, 0, 2, 3], [0, 0, 0, 0]],
    ]


def test_atoms_are_brought_back_to_length_one():
    atoms = UnitNormDecoder(1, 2)
    with torch.no_grad():
        atoms.weight.copy_(torch.tensor([[4.2, 5.6]]))
    atoms.normalise()
    torch.testing.assert_close(atoms.weight.norm(), torch.tensor(1.0))


def contrast_step(now, before, groups=(2, 3)):
    sae = identity(TopK(1), 3, groups)
    code, earlier = SparseCode.from_dense(now), SparseCode.from_dense(before)
    support = Support(code.offsets, code.indices, 3)
    return made_pass(sae, torch.zeros(len(now), 3), support, code.values, code.values, earlier)


def test_contrastive_loss_by_hand():
    """Each row alike its own neighbour and orthogonal to the other: cosines [[1, 0], [0, 1]]."""
    now = torch.tensor([[2.0, 0.0, 9.0], [0.0, 2.0, 0.0]])  # the 9 is not in the high part
    before = torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 9.0]])
    loss = TemporalContrastive(temperature=0.25).loss(contrast_step(now, before))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-4)), rel=1e-5)


def test_contrastive_blocks_are_separated_on_their_own():
    """Four rows, two of a kind: in blocks of two they are separated, all together they are not."""
    now = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).repeat(2, 1)
    in_blocks = TemporalContrastive(block=2, temperature=0.01).loss(contrast_step(now, now))
    together = TemporalContrastive(block=4, temperature=0.01).loss(contrast_step(now, now))
    assert in_blocks.item() == pytest.approx(0.0, abs=1e-6)
    assert together.item() == pytest.approx(math.log(2), rel=1e-5)


def test_aux_k_explains_the_residual_with_dead_latents_only():
    sae = identity(TopK(1))
    step = sae.forward_train(
        torch.tensor([[4.0, 1.0, 0.0], [4.0, 0.0, 0.0]]), torch.tensor([False, True, True])
    )
    # The residual is (0, 1, 0) and 0; the best dead latent of either row reproduces it.
    assert AuxK(k=1).loss(step).item() == pytest.approx(0.0, abs=1e-9)
    assert AuxK().loss(sae.forward_train(step.x)).item() == 0.0


def test_aux_k_is_the_same_by_products_and_by_loops(monkeypatch):
    from sparsetime.dictionaries.objectives import aux_k

    found = []
    for few in (4, 0):
        monkeypatch.setattr(aux_k, "_FEW", few)
        sae = st.dictionary("topk", d_in=6, width=24, k=2)
        x = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
        loss = AuxK(k=3).loss(sae.forward_train(x, torch.arange(24) < 10))
        gradients = torch.autograd.grad(loss, (sae.encoder.weight, sae.decoder.weight))
        found.append((loss.detach(), *gradients))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_l0_reaches_for_its_target_and_wants_a_count():
    sae = identity(JumpReLU(3, threshold=0.5))
    step = sae.forward_train(torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    assert L0(target=3.0).loss(step).item() == pytest.approx((1.5 / 3 - 1) ** 2)
    with pytest.raises(
        ConfigError, match="expected one whose count of active latents has a gradient"
    ):
        st.compose(
            sparsifier={"kind": "top_k", "k": 1}, objective=["mse", L0(1.0)], d_in=3, width=3
        )


def refusals():
    def make(**own):
        settings = {"name": "topk", "d_in": 4, "width": 8, "k": 2, **own}
        return lambda: st.dictionary(**settings)

    return {
        "recipe": (make(name="topkk"), UnknownNameError, "unknown recipe 'topkk': did you mean"),
        "setting": (make(kk=1), UnknownNameError, "unknown setting of recipe 'topk' 'kk'"),
        "k": (make(k=9), ConfigError, "k is 9 and larger than the width, 8"),
        "no k": (make(k=0), ConfigError, "got k=0, expected at least 1"),
        "width": (make(width=0), ConfigError, "recipe 'topk': 'width': got 0"),
        "fraction": (make(k=2.5), ConfigError, "'k': got 2.5, expected a valid integer"),
        "truth": (make(k=True), ConfigError, "'k': got True, expected a valid integer"),
        "word": (make(k="abc"), ConfigError, "'k': got 'abc', expected a valid integer"),
        "aux": (make(aux_k=0), ConfigError, "got aux_k=0, expected at least 1, or None"),
        "shares": (
            lambda: st.dictionary("temporal_matryoshka", d_in=4, width=8, k=2, high_fraction=0.01),
            ConfigError,
            "of the width 8, .* expected fractions that ascend to 1 with at least one latent",
        ),
        "groups": (
            lambda: UnitNormDecoder(8, 4, (4, 4, 8)),
            ConfigError,
            r"got groups=\[4, 4, 8\], expected ascending ends of prefixes, .* width, 8",
        ),
        "widths": (
            lambda: Dictionary(
                LinearEncoder(4, 8), TopK(2), UnitNormDecoder(16, 4), Objective([MSE()])
            ),
            ConfigError,
            "the encoder has width 8 and the decoder 16",
        ),
        "sparsifier": (
            lambda: Dictionary(
                LinearEncoder(4, 8), JumpReLU(9), UnitNormDecoder(8, 4), Objective([MSE()])
            ),
            ConfigError,
            "the sparsifier 'jumprelu' has width 9 and the encoder 8",
        ),
        "part": (
            lambda: Sparsifier.from_config({"kind": "top_kk", "k": 1}),
            UnknownNameError,
            "unknown sparsifier 'top_kk': did you mean 'top_k'",
        ),
        "part setting": (
            lambda: Sparsifier.from_config({"kind": "top_k"}),
            ConfigError,
            "sparsifier 'top_k' also needs k",
        ),
        "part kind": (
            lambda: Decoder.from_config({}),
            ConfigError,
            r"the config of a component \(decoder\) needs a 'kind'",
        ),
        "threshold": (
            lambda: JumpReLU(4, -1.0),
            ConfigError,
            "got threshold=-1.0 .* expected both above 0",
        ),
        "block": (
            lambda: TemporalContrastive(block=1),
            ConfigError,
            "got block=1 and temperature=0.1, expected a block of at least 2",
        ),
        "target": (
            lambda: L0(0.0),
            ConfigError,
            "got target=0.0, expected a mean number of active latents above 0",
        ),
        "input width": (
            lambda: st.dictionary("topk", d_in=4, width=8, k=2).encode(torch.ones(2, 5)),
            MismatchError,
            r"got activations of shape \(2, 5\), expected 4 as the last dimension",
        ),
        "nan": (
            lambda: st.dictionary("topk", d_in=4, width=8, k=2).encode(
                torch.tensor([[0.0] * 4, [math.nan] * 4])
            ),
            DataError,
            "NaN or inf, first in row 1 of 2",
        ),
        "code width": (
            lambda: st.dictionary("topk", d_in=4, width=8, k=2).decode(
                SparseCode.from_dense(torch.eye(3))
            ),
            MismatchError,
            "the code has width 3, the dictionary 8",
        ),
    }


@pytest.mark.parametrize("case", refusals().values(), ids=refusals())
def test_bad_input_gets_an_error_that_says_what_to_do(case):
    call, error, text = case
    with pytest.raises(error, match=text):
        call()


def test_what_is_no_dictionary_is_not_loaded(tmp_path):
    with pytest.raises(StoreError, match=r"holds no dictionary\.json.*It holds: nothing"):
        st.load(tmp_path)
    sae = st.dictionary("topk", d_in=4, width=8, k=2)
    sae.save(tmp_path)
    folder = Folder(str(tmp_path))
    good = folder.read_bytes("dictionary.safetensors")
    folder.write_bytes("dictionary.safetensors", b"not tensors")
    with pytest.raises(DamagedError, match=r"dictionary\.safetensors is not a safetensors file"):
        st.load(tmp_path)
    folder.write_bytes(
        "dictionary.safetensors",
        good[:-4] + bytes(4) if good[-4:] != bytes(4) else good[:-4] + b"abcd",
    )
    with pytest.raises(DamagedError, match="its checksum differs"):
        st.load(tmp_path)
    folder.remove("dictionary.safetensors")
    with pytest.raises(DamagedError, match=r"lacks dictionary\.safetensors"):
        st.load(tmp_path)
    written = folder.read_json("dictionary.json")
    for broken in (b"[]", b'{"schema_version": 1}'):
        folder.write_bytes("dictionary.json", broken)
        with pytest.raises(DamagedError, match=r"dictionary\.json lacks .*encoder"):
            st.load(tmp_path)
    folder.write_json("dictionary.json", {**written, "schema_version": 99})
    with pytest.raises(StoreError, match="schema version 99; this sparsetime reads version 1"):
        st.load(tmp_path)
