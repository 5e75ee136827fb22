"""Cross-layer transcoders: read, written and kept, with thresholds and skip connections."""

import json

import pytest
import torch
from interop.peer_files import GOLDEN, expected, tensors_of
from safetensors.torch import save_file

import sparsetime as st
from sparsetime.errors import ConfigError, DataError

LAYERS, D, WIDTH = 3, 4, 5
KINDS = ("cross_layer_relu", "cross_layer_jump_relu")


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gemma_scope(folder, skip=True, earlier=0.0):
    """A folder as Gemma Scope 2 has them: one file a layer, decoder rows for all layers."""
    folder.mkdir(parents=True)
    layers = []
    for number in range(LAYERS):
        tensors = {
            "w_enc": random(D, WIDTH, seed=number),
            "b_enc": random(WIDTH, seed=10 + number),
            "w_dec": random(WIDTH, LAYERS, D, seed=20 + number),
            "b_dec": random(D, seed=30 + number),
            "threshold": random(WIDTH, seed=40 + number).abs(),
        }
        tensors["w_dec"][:, :number] *= earlier
        if skip:
            tensors["affine_skip_connection"] = random(D, D, seed=50 + number)
        save_file(tensors, folder / f"params_layer_{number}.safetensors")
        layers.append(tensors)
    about = {"model_name": "gemma-v3-270m-pt", "hf_hook_point_in": "model.layers.*.mlp.input"}
    (folder / "config.json").write_text(json.dumps(about))
    return layers


def by_hand(layers, x):
    """Codes and outputs of [layers, rows, d], a layer at a time."""
    codes, outputs = [], [layer["b_dec"].expand_as(x[0]).clone() for layer in layers]
    for number, layer in enumerate(layers):
        pre = x[number] @ layer["w_enc"] + layer["b_enc"]
        codes.append(pre * (pre > layer["threshold"]))
        if "affine_skip_connection" in layer:
            outputs[number] += x[number] @ layer["affine_skip_connection"]
        for later in range(number, LAYERS):
            outputs[later] += codes[number] @ layer["w_dec"][:, later]
    return torch.cat(codes, 1), torch.cat(outputs, 1)


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("earlier", [0.0, 1.0])
def test_gemma_scope_2_is_read_layer_by_layer(tmp_path, skip, earlier):
    layers = gemma_scope(tmp_path / "clt/width_262k_l0_medium", skip, earlier)
    sae = st.load(tmp_path / "clt/width_262k_l0_medium")
    x = random(LAYERS, 30, D, seed=7)
    code, output = by_hand(layers, x)
    rows = torch.cat(list(x), 1)
    torch.testing.assert_close(sae.encode(rows).dense(), code, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sae(rows), output, rtol=1e-5, atol=1e-4)
    assert sae.provenance["model_name"] == "gemma-v3-270m-pt"
    again = st.load(st.convert(sae, tmp_path / "own"))
    assert torch.equal(again(rows), sae(rows))


def test_a_crosscoder_has_files_of_the_same_names_and_is_refused(tmp_path):
    gemma_scope(tmp_path / "crosscoder/layer_1_2_3")
    with pytest.raises(ConfigError, match=r"a crosscoder of Gemma Scope 2.*sparsetime\.adopt"):
        st.load(tmp_path / "crosscoder/layer_1_2_3")
    assert st.load(tmp_path / "crosscoder/layer_1_2_3", is_crosscoder=False).width == 3 * WIDTH


def test_layers_of_different_transcoders_are_refused(tmp_path):
    layers = gemma_scope(tmp_path / "clt")
    without = {n: t for n, t in layers[1].items() if n != "affine_skip_connection"}
    save_file(without, tmp_path / "clt/params_layer_1.safetensors")
    with pytest.raises(DataError, match="got a skip in some layers and not in all"):
        st.load(tmp_path / "clt")
    short = layers[1] | {"w_dec": layers[1]["w_dec"][:, :2].contiguous()}
    save_file(short, tmp_path / "clt/params_layer_1.safetensors")
    with pytest.raises(DataError, match=r"layer 1: got w_dec of shape .*expected 3 at axis 1"):
        st.load(tmp_path / "clt")
    wide = {n: torch.ones(4, 6) if n == "w_enc" else t for n, t in layers[1].items()}
    wide |= {"b_enc": torch.ones(6), "threshold": torch.ones(6), "w_dec": torch.ones(6, 3, 4)}
    save_file(wide, tmp_path / "clt/params_layer_1.safetensors")
    with pytest.raises(DataError, match=r"encoder of layer 1 of shape \[6, 4\], expected \[5, 4\]"):
        st.load(tmp_path / "clt")


def test_a_missing_layer_of_circuit_tracer_is_found(tmp_path):
    st.convert(st.load(GOLDEN / "circuit_tracer" / KINDS[0]), tmp_path / "x", "circuit_tracer_clt")
    (tmp_path / "x/W_enc_2.safetensors").unlink()
    with pytest.raises(DataError, match="a decoder of layer 0 for 3 layers, expected 2"):
        st.load(tmp_path / "x")


@pytest.mark.parametrize("name", KINDS)
def test_circuit_tracer_gets_back_the_same_bits(tmp_path, name):
    folder = GOLDEN / "circuit_tracer" / name
    st.convert(folder, tmp_path / "back", "circuit_tracer_clt")
    for file in sorted(path.name for path in folder.glob("W_*.safetensors")):
        first, back = tensors_of(folder, file), tensors_of(tmp_path / "back", file)
        assert first.keys() == back.keys()
        assert all(torch.equal(first[key], back[key]) for key in first)
    x = expected(f"circuit_tracer/{name}")["x"]
    assert torch.equal(st.load(tmp_path / "back")(x), st.load(folder)(x))


def fitted(sites=3):
    """A cross-layer transcoder of ours with scales, offsets and biases that are not 0."""
    sae = st.dictionary("cross_layer_transcoder", d_in=D * sites, width=8 * sites, sites=sites, k=4)
    rows = torch.cat([random(200, D, seed=i) * (i + 1) + i for i in range(sites)], 1)
    batch = st.Batch(x=rows, target=rows.sin() * 2)
    st.dictionaries.init_from_data(sae, batch)
    with torch.no_grad():
        sae.encoder.bias.add_(random(8 * sites) * 0.1 + 0.3)
    sae.sparsifier.threshold.fill_(0.1)
    return sae.eval(), rows


def test_ours_is_the_same_function_in_circuit_tracer(tmp_path):
    sae, rows = fitted()
    sae.provenance = {"hook": "blocks.*.mlp.hook_in", "hook_out": "blocks.*.hook_mlp_out"}
    st.convert(sae, tmp_path / "out", "circuit_tracer_clt")
    theirs = st.load(tmp_path / "out")
    code = sae.encode(rows).dense()
    assert (code != 0).any(0).sum() > 8
    torch.testing.assert_close(theirs.encode(rows).dense(), code, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(theirs(rows), sae(rows), rtol=1e-4, atol=1e-4)
    assert theirs.provenance["hook"] == "blocks.*.mlp.hook_in"


def test_what_circuit_tracer_cannot_hold_is_refused(tmp_path):
    gemma_scope(tmp_path / "clt")
    with pytest.raises(ConfigError, match="would be lost: the skip connection 'one_site'"):
        st.convert(tmp_path / "clt", tmp_path / "x", "circuit_tracer_clt")
    with pytest.raises(ConfigError, match="would be lost: the encoder 'linear'"):
        sae = st.dictionary("transcoder", d_in=D, width=8, k=2)
        st.convert(sae, tmp_path / "y", "circuit_tracer_clt")
    with pytest.raises(ConfigError, match=r"several joined sites \(3\)"):
        st.convert(fitted()[0], tmp_path / "z", "saelens")
