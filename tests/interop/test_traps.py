"""Conventions in which formats differ, and in which a reader goes wrong: a test each.

Numbers are those of one list; 16 and 17 (sites of hooks) are in `test_hooks.py`, 23 in
`test_peers.py`.
"""

import json
import logging

import pytest
import torch
from interop.peer_files import GOLDEN, expected, random_tensors, saelens, tensors_of
from safetensors.torch import save_file

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.files.torch_file import torch_file_bytes

SIZES = {"d_in": 4, "d_sae": 6, "metadata": {"sae_lens_version": "6.54.12"}}
X = torch.randn(50, 4, generator=torch.Generator().manual_seed(4))


def code_of(t, x=X, subtract=True):
    """Pre-activations of a SAELens dictionary, by hand."""
    return (x - t["b_dec"] * subtract) @ t["W_enc"] + t["b_enc"]


def trainer(folder, kind, tensors, **more):
    folder.mkdir()
    (folder / "ae.pt").write_bytes(torch_file_bytes(tensors))
    config = {"trainer": {"dict_class": kind, **more.pop("trainer", {})}, **more}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("subtract", [True, False])
def test_1_the_offset_is_subtracted_or_not(tmp_path, subtract):
    t = random_tensors()
    config = {"architecture": "standard", "apply_b_dec_to_input": subtract, **SIZES}
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    torch.testing.assert_close(sae.encode(X).dense(), code_of(t, subtract=subtract).relu())
    # A library that always subtracts gets the difference in the encoder's bias.
    other = st.load(st.convert(sae, tmp_path / "other", "dictionary_learning"))
    torch.testing.assert_close(other.encode(X).dense(), sae.encode(X).dense(), rtol=1e-5, atol=1e-6)
    assert (other.encoder.kind == "uncentred") is not subtract


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("transcode", [True, False])
def test_2_sparsify_subtracts_by_transcode_alone(tmp_path, unit, transcode):
    t = random_tensors()
    own = {"encoder.weight": t["W_enc"].T.contiguous(), "encoder.bias": t["b_enc"]}
    save_file(own | {n: t[n] for n in ("W_dec", "b_dec")}, tmp_path / "sae.safetensors")
    config = {"d_in": 4, "k": 6, "normalize_decoder": unit, "transcode": transcode}
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    code = st.load(tmp_path).encode(X).dense()
    torch.testing.assert_close(code, code_of(t, subtract=not transcode).relu())


def test_3_a_checkpoint_keeps_its_threshold_in_float64():
    folder = GOLDEN / "sae_lens/batchtopk_checkpoint"
    threshold = tensors_of(folder, "sae_weights.safetensors")["topk_threshold"]
    assert threshold.dtype == torch.float64
    sae, saved = st.load(folder), st.load(GOLDEN / "sae_lens/batchtopk")
    assert (sae.sparsifier.kind, saved.sparsifier.kind) == ("batch_top_k", "free_threshold")
    assert torch.equal(saved.sparsifier.threshold, sae.sparsifier.threshold.expand(24))


def test_4_the_choice_is_among_values_times_lengths(tmp_path):
    t = random_tensors()
    t["W_dec"] = t["W_dec"] * torch.arange(1.0, 7.0)[:, None]
    config = {"architecture": "topk", "k": 1, "rescale_acts_by_decoder_norm": True, **SIZES}
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    scaled = code_of(t) * t["W_dec"].norm(dim=1)
    best = scaled.argmax(1)
    positive = scaled.max(1).values > 0
    assert torch.equal(sae.encode(X).indices, best[positive])
    assert not torch.equal(best, code_of(t).argmax(1))


def test_5_a_row_has_k_latents_though_a_threshold_is_stored(tmp_path):
    t = random_tensors()
    own = {"encoder.weight": t["W_enc"].T, "encoder.bias": t["b_enc"], "b_dec": t["b_dec"]}
    own |= {"decoder.weight": t["W_dec"].T, "k": torch.tensor(2), "threshold": torch.tensor(0.9)}
    by_row = st.load(trainer(tmp_path / "top", "AutoEncoderTopK", own))
    assert by_row.sparsifier.kind == "top_k"
    above = st.load(trainer(tmp_path / "batch", "BatchTopKSAE", own))
    assert torch.equal(above.encode(X).dense() != 0, code_of(t) > 0.9)


def test_5_a_threshold_that_was_never_set_is_said(tmp_path, caplog):
    t = random_tensors()
    own = {"encoder.weight": t["W_enc"].T, "encoder.bias": t["b_enc"], "b_dec": t["b_dec"]}
    own |= {"decoder.weight": t["W_dec"].T, "k": torch.tensor(2), "threshold": torch.tensor(-1.0)}
    path = trainer(tmp_path / "batch", "BatchTopKSAE", own)
    with caplog.at_level(logging.WARNING, "sparsetime"):
        sae = st.load(path)
    assert "threshold = -1.0 (it was never set in training" in caplog.text
    torch.testing.assert_close(sae.encode(X).dense(), code_of(t).relu())
    given = st.load(path, threshold=0.5)
    assert given.provenance["conventions"] == {"threshold": "0.5 (given)"}
    assert torch.equal(given.encode(X).dense() != 0, code_of(t) > 0.5)


def test_6_values_are_those_of_the_file_and_not_of_rescaled_atoms():
    folder = GOLDEN / "dictionary_learning/AutoEncoder"
    lengths = tensors_of(folder, "ae.pt")["decoder.weight"].norm(dim=0)
    assert (lengths - 1).abs().min() > 0.01
    assert torch.equal(st.load(folder).atoms, tensors_of(folder, "ae.pt")["decoder.weight"].T)


def test_7_a_norm_factor_is_in_the_weights_already(tmp_path):
    t = random_tensors()
    own = {"encoder.weight": t["W_enc"].T, "encoder.bias": t["b_enc"], "bias": t["b_dec"]}
    own |= {"decoder.weight": t["W_dec"].T}
    path = trainer(tmp_path / "sae", "AutoEncoder", own, norm_factor=13.0, buffer={"norm": 13.0})
    torch.testing.assert_close(st.load(path).encode(X).dense(), code_of(t).relu())


def test_8_entries_that_are_zero_are_no_entries():
    x = expected("sparsify/sae")["x"]
    sae = st.load(GOLDEN / "sparsify/sae")
    with torch.no_grad():
        sae.encoder.bias.sub_(1.0)
    code = sae.encode(x)
    assert len(code.values) < len(x) * sae.sparsifier.k  # sparsify returns k a row, some of them 0
    assert (code.values > 0).all()


@pytest.mark.parametrize("value", [0.0, -0.4, 0.3])
def test_9_a_threshold_is_exceeded_and_may_be_0_or_less(tmp_path, value):
    t = random_tensors(threshold=torch.full((6,), value))
    t["b_enc"] = torch.zeros(6)
    config = {"architecture": "jumprelu", "apply_b_dec_to_input": False, **SIZES}
    path = saelens(tmp_path / "sae", t, **config)
    sae = st.load(path)
    torch.testing.assert_close(
        sae.encode(X).dense(),
        code_of(t, subtract=False).relu() * (code_of(t, subtract=False) > value),
    )
    row = torch.linalg.pinv(t["W_enc"].T.double())[:, 0].float()
    at_threshold = (row * value)[None]  # latent 0 is at its threshold, to rounding
    assert sae.encode(at_threshold * 0).dense()[0, 0] == 0
    again = tensors_of(tmp_path / "sae", "sae_weights.safetensors")["threshold"]
    assert torch.equal(again, t["threshold"])


def test_10_llamascopium_compares_values_times_lengths():
    folder = GOLDEN / "llamascopium/jumprelu"
    stored = tensors_of(folder, "sae_weights.safetensors")
    logs = stored["activation_function.log_jumprelu_threshold"]
    sae = st.load(folder)
    torch.testing.assert_close(sae.sparsifier.threshold, logs.exp() / stored["W_D"].norm(dim=1))
    plain = st.load(GOLDEN / "llamascopium/jumprelu_plain")
    stored = tensors_of(GOLDEN / "llamascopium/jumprelu_plain", "sae_weights.safetensors")
    logs = stored["activation_function.log_jumprelu_threshold"]
    torch.testing.assert_close(plain.sparsifier.threshold, logs.exp())


def test_11_a_factor_of_the_input_is_asked_for(tmp_path, caplog):
    t = random_tensors()
    config = {"architecture": "standard", "apply_b_dec_to_input": True, **SIZES}
    config["normalize_activations"] = "expected_average_only_in"
    path = saelens(tmp_path / "sae", t, **config)
    with caplog.at_level(logging.WARNING, "sparsetime"):
        sae = st.load(path)
    assert "its factor is not in the file" in caplog.text
    torch.testing.assert_close(sae.encode(X).dense(), code_of(t).relu())
    folded = st.load(path, input_factor=2.5)
    torch.testing.assert_close(folded.encode(X).dense(), code_of(t, X * 2.5).relu())
    by_hand = (code_of(t, X * 2.5).relu() @ t["W_dec"] + t["b_dec"]) / 2.5
    torch.testing.assert_close(folded(X), by_hand, rtol=1e-5, atol=1e-5)


def normalised(x, kind):
    """Rows as SAELens normalises them, and how it restores them."""
    if kind == "layer_norm":
        mean = x.mean(-1, keepdim=True)
        spread = (x - mean).std(-1, keepdim=True)
        return (x - mean) / (spread + 1e-5), spread, mean
    factor = x.shape[-1] ** 0.5 / x.norm(dim=-1, keepdim=True)
    return x * factor, 1 / factor, 0.0


@pytest.mark.parametrize("kind", ["layer_norm", "constant_norm_rescale"])
@pytest.mark.parametrize("architecture", ["standard", "topk"])
@pytest.mark.parametrize("subtract", [True, False])
def test_12_rows_are_normalised_and_restored(tmp_path, kind, architecture, subtract):
    t, x = random_tensors(), X * 3 + 1
    config = {"architecture": architecture, "normalize_activations": kind, **SIZES, "k": 2}
    config["apply_b_dec_to_input"] = subtract
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    rows, spread, mean = normalised(x, kind)
    code = code_of(t, rows, subtract).relu()
    if architecture == "topk":
        code *= code >= code.topk(2).values[:, -1:]
    # Values are in units of the row: those of SAELens times the row's spread.
    found = sae.encode(x).dense()
    assert torch.equal(found != 0, code != 0)
    torch.testing.assert_close(found, code * spread, rtol=1e-5, atol=1e-5)
    expected_output = (code @ t["W_dec"] + t["b_dec"]) * spread + mean
    torch.testing.assert_close(sae(x), expected_output, rtol=1e-5, atol=1e-5)
    again = st.load(st.convert(sae, tmp_path / "again", "saelens"))
    torch.testing.assert_close(again(x), sae(x), rtol=1e-6, atol=1e-6)
    with pytest.raises(ConfigError, match=f"the normalisation of every row \\({kind}\\)"):
        st.convert(sae, tmp_path / "other", "dictionary_learning")


def test_12_an_edit_of_a_code_of_normalised_rows_is_an_edit_of_the_row(tmp_path):
    t = random_tensors()
    config = {"architecture": "standard", "normalize_activations": "layer_norm", **SIZES}
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    code = sae.encode(X)
    more = code.dense()
    more[:, 3] += 2.0
    from sparsetime.codes import SparseCode

    moved = sae.reconstruct(SparseCode.from_dense(more), X) - sae.reconstruct(code, X)
    torch.testing.assert_close(moved, 2 * sae.atoms[3].expand_as(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "architecture", "message"),
    [
        ("layer_norm", "jumprelu", "a code alone cannot be decoded"),
        ("constant_norm_rescale", "gated", "a code alone cannot be decoded"),
        ("covariance_whitening", "standard", "save it with save_inference_model"),
    ],
)
def test_12_and_13_thresholds_of_scaled_rows_and_whitening_are_refused(
    tmp_path, kind, architecture, message
):
    config = {"architecture": architecture, "normalize_activations": kind, **SIZES}
    with pytest.raises(ConfigError, match=message):
        st.load(saelens(tmp_path / "sae", random_tensors(), **config))


def test_14_embeddings_of_gemma_lack_the_root_of_the_size():
    folder = next((GOLDEN / "loaders/gemma_scope").glob("*/embedding/*/*"))
    own = st.load(folder, is_embedding=False)
    scaled = st.load(folder)
    torch.testing.assert_close(scaled.encoder.weight * 6**0.5, own.encoder.weight)
    torch.testing.assert_close(scaled.atoms, own.atoms * 6**0.5)


def test_15_matrices_that_lie_the_other_way():
    stored = tensors_of(GOLDEN / "circuit_tracer/relu", "layer_3.safetensors")
    assert torch.equal(st.load(GOLDEN / "circuit_tracer/relu").encoder.weight, stored["W_enc"])
    folder = GOLDEN / "loaders/gemma_scope_2/transcoder/layer_1_width_16k_l0_small_affine"
    stored = tensors_of(folder, "params.safetensors")
    assert torch.equal(st.load(folder).skip.weight, stored["affine_skip_connection"].T)


def test_18_a_stream_that_was_centred_in_training(tmp_path):
    t = random_tensors()
    options = {"center_writing_weights": True}
    config = {"architecture": "standard", "apply_b_dec_to_input": True, **SIZES}
    config["metadata"] = {"model_from_pretrained_kwargs": options}
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    centred = X - X.mean(1, keepdim=True)
    torch.testing.assert_close(
        sae.encode(X).dense(), code_of(t, centred).relu(), rtol=1e-5, atol=1e-5
    )
    plain = st.load(tmp_path / "sae", reads_centred=False)
    torch.testing.assert_close(plain.encode(X).dense(), code_of(t).relu())


def test_19_what_is_said_of_first_tokens_is_kept(tmp_path):
    config = {"architecture": "standard", **SIZES, "metadata": {"prepend_bos": True}}
    sae = st.load(saelens(tmp_path / "sae", random_tensors(), **config))
    assert sae.provenance["prepend_bos"] is True
    assert st.load(GOLDEN / "circuit_tracer/relu").provenance["excluded_first"] == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_20_weights_of_any_dtype_are_read_in_float32(tmp_path, dtype):
    t = {name: tensor.to(dtype) for name, tensor in random_tensors().items()}
    config = {"architecture": "standard", "dtype": str(dtype), **SIZES}
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    exact = {name: tensor.float() for name, tensor in t.items()}
    assert torch.equal(sae.atoms, exact["W_dec"])
    torch.testing.assert_close(sae.encode(X).dense(), code_of(exact).relu())
    back = tensors_of(
        st.convert(sae, tmp_path / "back", "saelens") and tmp_path / "back",
        "sae_weights.safetensors",
    )
    assert torch.equal(back["W_enc"].to(dtype), t["W_enc"])


def test_21_a_factor_of_fine_tuning_is_read_only_where_it_is_1(tmp_path):
    t = random_tensors(scaling_factor=torch.ones(6))
    config = {"architecture": "standard", "finetuning_scaling_factor": False, **SIZES}
    sae = st.load(saelens(tmp_path / "sae", t, **config))
    torch.testing.assert_close(sae(X), code_of(t).relu() @ t["W_dec"] + t["b_dec"])


def test_22_sizes_are_those_of_the_weights():
    folder = next((GOLDEN / "loaders/gemma_scope").glob("*/layer_1/width_16k/average_l0_71"))
    assert st.load(folder).width == 24


def test_24_all_nested_groups_are_active():
    sae = st.load(GOLDEN / "dictionary_learning/MatryoshkaBatchTopKSAE")
    assert sae.groups == (4, 12, 24)
    assert (
        int(sae.encode(expected("dictionary_learning/MatryoshkaBatchTopKSAE")["x"]).indices.max())
        >= 12
    )


@pytest.mark.parametrize("kind", ["temporal", "abstopk"])
def test_25_reconstructions_beyond_the_code_are_refused(tmp_path, kind):
    config = {"architecture": kind, **SIZES}
    with pytest.raises(ConfigError, match=r"wrap its encode and decode with sparsetime\.adopt"):
        st.load(saelens(tmp_path / "sae", random_tensors(), **config))
