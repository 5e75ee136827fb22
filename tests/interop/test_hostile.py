"""Damaged, truncated and hostile files are refused in words, and nothing in them runs."""

import io
import json
import pickle
import shutil
import zipfile
from itertools import pairwise

import numpy as np
import pytest
import torch
from interop.peer_files import GOLDEN, random_tensors, saelens
from safetensors.torch import save as safetensors_bytes

import sparsetime as st
from sparsetime.errors import (
    ConfigError,
    DataError,
    SparsetimeError,
    StoreError,
    UnknownNameError,
)

CENTRED = {"metadata": {"model_from_pretrained_kwargs": {"center_writing_weights": True}}}
STANDARD = {"architecture": "standard", "d_in": 4, "d_sae": 6, "metadata": {}}
ran = []


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return (ran.append, ("code of a file",))


def trainer(folder, data, kind="AutoEncoder", **settings):
    folder.mkdir()
    (folder / "ae.pt").write_bytes(data)
    (folder / "config.json").write_text(json.dumps({"trainer": {"dict_class": kind, **settings}}))
    return folder


def torch_file(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "value", [{"bias": Code()}, Code(), {"encoder.weight": torch.ones(2), "x": Code()}]
)
def test_code_in_a_pickle_does_not_run(tmp_path, value):
    path = trainer(tmp_path / "sae", torch_file(value))
    with pytest.raises(DataError, match="A pickle may run code, so it is not opened otherwise"):
        st.load(path)
    assert ran == []


def test_a_bare_pickle_is_no_file_of_torch(tmp_path):
    path = trainer(tmp_path / "sae", pickle.dumps({"bias": Code()}))
    with pytest.raises(DataError, match=r"no file of torch\.save since 1\.6.*safetensors"):
        st.load(path)
    assert ran == []


def test_a_zip_that_grows_is_refused_before_it_is_unpacked(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * (1 << 20))
    path = trainer(tmp_path / "sae", packed.getvalue())
    with pytest.raises(DataError, match=r"compressed members .* may grow to any size"):
        st.load(path)


@pytest.mark.parametrize(
    "value", [[torch.ones(2)], {"bias": 3}, {"bias": {"inner": torch.ones(1)}}]
)
def test_other_values_than_tensors_by_name_are_refused(tmp_path, value):
    path = trainer(tmp_path / "sae", torch_file(value))
    with pytest.raises(DataError, match="expected tensors by name"):
        st.load(path)


@pytest.mark.parametrize("kept", [0, 7, 100, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, kept):
    whole = safetensors_bytes(random_tensors())
    path = saelens(tmp_path / "sae", random_tensors(), **STANDARD)
    size = int(kept * len(whole)) if isinstance(kept, float) else kept
    (path / "sae_weights.safetensors").write_bytes(whole[:size])
    with pytest.raises(DataError, match=r"is not a whole safetensors file .*get it again"):
        st.load(path)
    torch_bytes = torch_file({"bias": torch.ones(300)})
    size = int(kept * len(torch_bytes)) if isinstance(kept, float) else kept
    with pytest.raises(DataError, match=r"cut off|damaged"):
        st.load(trainer(tmp_path / "ae", torch_bytes[:size]))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e39])
@pytest.mark.parametrize("name", ["W_enc", "b_dec"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, bad, name):
    tensors = random_tensors()
    tensors[name] = tensors[name].double()
    tensors[name].view(-1)[2] = bad
    path = saelens(tmp_path / "sae", tensors, **STANDARD)
    with pytest.raises(DataError, match=f"{name} holds NaN or inf"):
        st.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W_enc": torch.ones(5, 6)}, r"got b_dec of shape \[4\] .*expected 5|got W_dec of shape"),
        ({"b_enc": torch.ones(6, 1)}, r"got b_enc of shape \[6, 1\], expected \['width'\]"),
        ({"b_enc": torch.ones(7)}, r"b_enc of shape \[7\] .*expected 6 at axis 0"),
        ({"b_enc": torch.ones(6) > 0}, r"got b_enc of torch\.bool"),
        ({"W_dec": torch.ones(0, 4)}, r"got W_dec of shape \[0, 4\]"),
        ({"ghost": torch.ones(1)}, "not of this format: ghost"),
        ({"b_enc": None}, "missing: b_enc"),
        ({"scaling_factor": torch.full((6,), 2.0)}, "scaling_factor of fine-tuning"),
    ],
)
def test_other_tensors_than_the_format_has_are_refused(tmp_path, change, message):
    tensors = {n: t for n, t in (random_tensors() | change).items() if t is not None}
    with pytest.raises(DataError, match=message):
        st.load(saelens(tmp_path / "sae", tensors, **STANDARD))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[]", "holds a list, expected keys and values"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b" " * (17 << 20), "too many for a config"),
    ],
)
def test_a_config_that_is_none_is_refused(tmp_path, text, message):
    path = saelens(tmp_path / "sae", random_tensors(), **STANDARD)
    (path / "cfg.json").write_bytes(text)
    with pytest.raises(DataError, match=message):
        st.load(path)


@pytest.mark.parametrize(
    ("config", "kind", "message"),
    [
        ({"architecture": "temporal"}, ConfigError, "got the architecture 'temporal'.*adopt"),
        ({"architecture": ["standard"]}, ConfigError, "got the architecture"),
        ({"d_sae": 7}, DataError, "says d_sae 7, and the weights have 6"),
        ({"architecture": "topk"}, DataError, "got k=None"),
        ({"architecture": "topk", "k": -1}, DataError, "got k=-1"),
        ({"finetuning_scaling_factor": True}, ConfigError, "got finetuning_scaling_factor"),
        (
            {"normalize_activations": "constant_norm_rescale", **CENTRED},
            ConfigError,
            "whose length is not that of the plain stream",
        ),
        ({"normalize_activations": "covariance_whitening"}, ConfigError, "save_inference_model"),
        ({"normalize_activations": "new"}, ConfigError, "got normalize_activations='new'"),
    ],
)
def test_a_config_of_something_else_is_refused(tmp_path, config, kind, message):
    path = saelens(tmp_path / "sae", random_tensors(), **(STANDARD | config))
    with pytest.raises(kind, match=message):
        st.load(path)


def test_aliases_of_yaml_are_not_expanded(tmp_path):
    shutil.copytree(GOLDEN / "circuit_tracer/relu", tmp_path / "sae")
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for last, name in pairwise("abcdefghijklm"):
        lines.append(f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]")
    lines += ["model_name: *m", "feature_input_hook: *m", "feature_output_hook: hook_mlp_out"]
    (tmp_path / "sae/config.yaml").write_text("\n".join(lines))
    sae = st.load(tmp_path / "sae")
    assert sae.provenance.keys() == {
        "library", "hook_out", "excluded_first", "layer", "format",
    }  # fmt: skip
    assert sae.provenance["hook_out"] == "blocks.3.hook_mlp_out"


def test_a_class_or_trainer_that_is_not_known_is_refused(tmp_path):
    path = trainer(tmp_path / "sae", torch_file({"bias": torch.ones(1)}), "IdentityDict")
    with pytest.raises(ConfigError, match="got the class 'IdentityDict' of dictionary_learning"):
        st.load(path)
    (path / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"has no trainer\.dict_class"):
        st.load(path)


def test_what_is_no_dictionary_says_what_is_there(tmp_path):
    with pytest.raises(StoreError, match=r"none is there|holds no dictionary"):
        st.load(tmp_path / "nothing")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(StoreError, match=r"It holds: notes\.txt\. Formats: .*saelens"):
        st.load(tmp_path)


def test_a_folder_of_several_names_them():
    with pytest.raises(
        StoreError, match=r"holds several dictionaries.*give one of: .*sae_free_norm"
    ):
        st.load(GOLDEN / "sparsify")


def test_conventions_and_formats_are_checked(tmp_path):
    path = saelens(tmp_path / "sae", random_tensors(), **STANDARD)
    with pytest.raises(UnknownNameError, match=r"unknown convention of .*did you mean"):
        st.load(path, subtract_offset=True)
    with pytest.raises(ConfigError, match="got subtracts_offset=1, expected a bool"):
        st.load(path, subtracts_offset=1)
    with pytest.raises(UnknownNameError, match=r"unknown format 'sae_lens'.*saelens"):
        st.load(path, format="sae_lens")


def test_a_dictionary_of_ours_leaves_no_convention_open(tmp_path):
    st.dictionary("topk", d_in=4, width=6, k=2).save(tmp_path / "own")
    with pytest.raises(UnknownNameError, match="whose file leaves nothing open 'subtracts_offset'"):
        st.load(tmp_path / "own", subtracts_offset=False)
    with pytest.raises(StoreError, match="holds no dictionary"):
        st.load(tmp_path / "nothing", subtracts_offset=False)


def test_an_archive_of_numpy_is_read_without_pickles(tmp_path, monkeypatch):
    from sparsetime.interop.foreign_files import ForeignFiles

    np.savez(tmp_path / "params.npz", w=np.array([Code()], dtype=object))
    source = ForeignFiles.at(str(tmp_path))
    with pytest.raises(DataError, match="Pickles in it are not opened"):
        source.npz("params.npz")
    assert ran == []
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", b"\0" * (1 << 20))
    monkeypatch.setattr("sparsetime.interop.foreign_files._UNCHECKED_SIZE", 1 << 19)
    with pytest.raises(DataError, match=r"unpacks to .*which no weights do"):
        source.npz("bomb.npz")


NONSENSE = (None, "x", -1, 0, float("inf"), float("nan"), 10**400, [], ["a"], {}, {"in": 0})
CONFIGS = {
    "sae_lens/matryoshka_checkpoint": ("cfg.json", ("k", "d_sae", "matryoshka_widths")),
    "sae_lens/matching_pursuit": ("cfg.json", ("max_iterations", "residual_threshold")),
    "sparsify/sae": ("cfg.json", ("k", "transcode")),
    "llamascopium/topk": ("config.json", ("top_k", "hook_point_in", "norm_activation")),
    "loaders/llama_scope/Llama3_1-8B-Base-L1R-8x": (
        "hyperparams.json",
        ("dataset_average_activation_norm", "jump_relu_threshold"),
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_values_of_any_kind_are_read_or_refused_in_words(tmp_path, name):
    shutil.copytree(GOLDEN / name, tmp_path / "sae")
    file, keys = CONFIGS[name]
    config = json.loads((GOLDEN / name / file).read_text())
    for key in keys:
        refused = 0
        for value in NONSENSE:
            (tmp_path / "sae" / file).write_text(json.dumps({**config, key: value}))
            try:
                assert torch.isfinite(st.load(tmp_path / "sae").atoms).all()
            except SparsetimeError:
                refused += 1
        assert refused or key in ("transcode", "residual_threshold")
