"""Dictionaries of ours in other formats and back: the same function, or a refusal with a reason."""

import shutil

import fsspec
import pytest
import torch
import yaml
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given, settings
from hypothesis import strategies as some
from interop.peer_files import GOLDEN, expected, tensors_of

import sparsetime as st
from sparsetime.errors import ConfigError, StoreError, UnknownNameError
from sparsetime.interop.compose_weights import composed
from sparsetime.interop.extract_weights import extracted
from sparsetime.interop.foreign_format import FORMATS
from sparsetime.interop.plain_weights import (
    BatchTopKCode,
    GatedCode,
    PlainWeights,
    PursuitCode,
    ReLUCode,
    ThresholdCode,
    TopKCode,
)

ROWS = torch.randn(200, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1
RECIPES = {
    "topk": {"k": 3},
    "batch_topk": {"k": 3},
    "matryoshka_batch_topk": {"k": 3},
    "relu_l1": {},
    "jumprelu": {"l0": 3.0},
    "gated": {},
    "mp_sae": {"k": 3},
    "transcoder": {"k": 3},
    "skip_transcoder": {"k": 3},
}


def fitted(recipe):
    """A dictionary with scale, offsets and biases unlike those of a new one."""
    sae = st.dictionary(recipe, d_in=6, width=32, **RECIPES[recipe])
    target = {"target": ROWS.sin() * 2} if sae.out_dims else {}
    st.dictionaries.init_from_data(sae, st.Batch(x=ROWS, **target))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in (*sae.encoder.parameters(), *sae.sparsifier.parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)
        if sae.skip is not None:
            sae.skip.weight.add_(torch.randn(6, 6, generator=generator))
    if hasattr(sae.sparsifier, "threshold") and isinstance(sae.sparsifier.threshold, torch.Tensor):
        sae.sparsifier.threshold.fill_(0.1)
    return sae.eval()


@pytest.mark.parametrize("format_name", [f.name for f in FORMATS.values() if f.writes])
@pytest.mark.parametrize("recipe", RECIPES)
def test_ours_is_the_same_function_there_or_refused(recipe, format_name, tmp_path):
    sae = fitted(recipe)
    try:
        st.convert(sae, tmp_path / "out", format_name)
    except ConfigError as error:
        assert "would be lost" in str(error)
        return
    theirs = st.load(tmp_path / "out")
    assert theirs.name == format_name
    scale = sae.output_normalisation.scale
    code = sae.encode(ROWS).dense() * scale
    torch.testing.assert_close(theirs.encode(ROWS).dense(), code, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(theirs(ROWS), sae(ROWS), rtol=1e-4, atol=1e-4)


def test_which_recipes_a_format_holds(tmp_path):
    held = {}
    for entry in FORMATS.values():
        if entry.writes is None:
            continue
        held[entry.name] = set()
        for recipe in RECIPES:
            try:
                st.convert(fitted(recipe), tmp_path / entry.name / recipe, entry.name)
            except ConfigError:
                continue
            held[entry.name].add(recipe)
    plain = {"topk", "batch_topk", "matryoshka_batch_topk", "relu_l1", "jumprelu", "gated"}
    assert held == {
        "saelens": plain | {"mp_sae"},
        "dictionary_learning": plain,
        "sparsify": {"topk", "transcoder", "skip_transcoder"},
        "circuit_tracer": set(),
        "circuit_tracer_clt": set(),
    }


@pytest.mark.parametrize(
    ("recipe", "settings_", "lost"),
    [
        ("bilinear", {"k": 3}, "the encoder 'bilinear'"),
        ("hysteresis", {"k": 3}, "codes that depend on earlier rows of a sequence"),
        ("crosscoder", {}, "several joined sites"),
        ("abs_topk", {"k": 3}, "the sparsifier 'abs_top_k'"),
    ],
)
def test_more_than_a_linear_dictionary_is_refused(recipe, settings_, lost, tmp_path):
    sae = st.dictionary(recipe, d_in=6, width=32, **settings_)
    with pytest.raises(ConfigError, match=f"would be lost: .*{lost}"):
        st.convert(sae, tmp_path / "x", "saelens")


def test_formats_that_are_only_read_or_unknown_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="which is only read, expected one that is written"):
        st.convert(fitted("topk"), tmp_path / "x", "gemma_scope")
    with pytest.raises(UnknownNameError, match="unknown format"):
        st.convert(fitted("topk"), tmp_path / "x", "saelen")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("x")
    with pytest.raises(StoreError, match="is not empty"):
        st.convert(fitted("topk"), tmp_path / "full", "saelens")


RULES = ("relu", "top_k", "batch_top_k", "threshold", "gated")
CASES = some.fixed_dictionaries(
    {
        "d_in": some.integers(1, 9),
        "d_out": some.one_of(some.none(), some.integers(1, 9)),  # of a transcoder
        "width": some.integers(1, 40),
        "k": some.integers(1, 40),
        "rule": some.sampled_from(RULES),
        "length": some.sampled_from([1e-3, 1.0, 50.0]),
        "subtracts": some.booleans(),
        "skip": some.booleans(),
        "seed": some.integers(0, 10**6),
    }
)


def plain_weights(d_in, d_out, width, k, rule, length, subtracts, skip, seed):
    """Plain weights of any sizes, rules, conventions and lengths of atoms."""
    generator = torch.Generator().manual_seed(seed)
    out = d_in if d_out is None else d_out

    def random(*shape):
        return torch.randn(*shape, generator=generator)

    rules = {
        "relu": ReLUCode(),
        "top_k": TopKCode(min(k, width)),
        "batch_top_k": BatchTopKCode(min(k, width), float(random(1).abs())),
        "threshold": ThresholdCode(random(width)),
        "gated": GatedCode(random(width), random(width)),
    }
    return PlainWeights(
        encoder=random(width, d_in),
        encoder_bias=random(width),
        decoder=random(width, out) * length,
        decoder_bias=random(out),
        activation=rules[rule],
        subtracts_offset=d_out is None and subtracts,
        is_transcoder=d_out is not None,
        skip=random(out, d_in) if d_out is not None and skip else None,
    )


@given(CASES)
@settings(max_examples=30)
def test_plain_weights_come_back_bit_for_bit(case):
    plain = plain_weights(**case)
    back = extracted(composed(plain, "saelens"))
    for name in ("encoder", "encoder_bias", "decoder", "decoder_bias", "skip"):
        one, other = getattr(plain, name), getattr(back, name)
        assert one is other is None or torch.equal(one, other)
    assert type(back.activation) is type(plain.activation)
    for name, value in vars(plain.activation).items():
        other = getattr(back.activation, name)
        if isinstance(value, torch.Tensor):
            assert torch.equal(other, value)
        elif name == "threshold":
            assert other == pytest.approx(value)
        elif name == "k":
            assert other == value
    assert back.subtracts_offset is plain.subtracts_offset


@given(CASES, some.booleans())
@settings(max_examples=15)
def test_the_other_convention_is_the_same_function(case, subtracts):
    plain = plain_weights(**case)
    x = torch.randn(20, plain.d_in, generator=torch.Generator().manual_seed(0))
    one = composed(plain, "saelens")
    other = composed(plain.with_offset(subtracts), "saelens")
    near = one.encode(x).dense() - other.encode(x).dense()
    # At a threshold the sign of a rounding decides; elsewhere values are equal.
    size = 1 + one.encode(x).dense().abs().max()
    assert ((near.abs() < 1e-4 * size).float().mean() > 0.97).item()


@pytest.mark.parametrize(
    ("provenance", "file", "hooks"),
    [
        (
            {"site": "model.layers.3.mlp:input -> model.layers.3.mlp"},
            "layer_3.safetensors",
            [None] * 2,
        ),
        ({"hook": "blocks.2.mlp.hook_in"}, "layer_2.safetensors", ["mlp.hook_in", None]),
        ({"layer": 5}, "layer_5.safetensors", [None] * 2),
    ],
)
def test_a_layer_of_circuit_tracer_is_named_and_never_guessed(provenance, file, hooks, tmp_path):
    case = {"d_in": 4, "d_out": 4, "width": 6, "k": 1, "rule": "relu", "length": 1.0}
    sae = composed(plain_weights(**case, subtracts=False, skip=False, seed=0), "x")
    with pytest.raises(ConfigError, match="whose provenance names no layer"):
        st.convert(sae, tmp_path / "unknown", "circuit_tracer")
    sae.provenance = provenance
    st.convert(sae, tmp_path / "out", "circuit_tracer")
    assert (tmp_path / "out" / file).exists()
    config = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
    assert [config[f"feature_{end}_hook"] for end in ("input", "output")] == hooks


def test_a_pursuit_comes_back(tmp_path):
    plain = extracted(fitted("mp_sae"))
    assert plain.activation == PursuitCode(3)
    st.convert(fitted("mp_sae"), tmp_path / "mp", "saelens")
    assert st.load(tmp_path / "mp").encoder.settings["stops_on_repeat"] is False


class Hub(DirFileSystem):
    """A local folder with the hub's layout, owner/repository/path, as hf:// shows it."""

    protocol = "hf"
    root = ""

    def __init__(self, **_):
        super().__init__(path=self.root, fs=LocalFileSystem(), skip_instance_cache=True)

    @classmethod
    def _strip_protocol(cls, path):
        return path.removeprefix("hf://")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN / "sae_lens/jumprelu", tmp_path / "owner/repo/layer_3/jumprelu")
    shutil.copytree(GOLDEN / "sparsify/sae", tmp_path / "owner/repo/layers.3")
    shutil.copytree(GOLDEN / "dictionary_learning/BatchTopKSAE", tmp_path / "owner/dl/trainer_0")
    monkeypatch.setattr(Hub, "root", str(tmp_path))
    known = dict(fsspec.registry)
    fsspec.register_implementation("hf", Hub, clobber=True)
    yield
    fsspec.registry._registry.clear() if hasattr(fsspec.registry, "_registry") else None
    for name, cls in known.items():
        fsspec.register_implementation(name, cls, clobber=True)


@pytest.mark.parametrize(
    ("url", "golden"),
    [
        ("hf://owner/repo/layer_3/jumprelu", "sae_lens/jumprelu"),
        ("hf://owner/repo/layers.3", "sparsify/sae"),
        ("hf://owner/dl/trainer_0/", "dictionary_learning/BatchTopKSAE"),
        ("hf://owner/dl/trainer_0/ae.pt", "dictionary_learning/BatchTopKSAE"),
    ],
)
def test_a_url_of_the_hub_is_read_through_fsspec(hub, url, golden):
    known = expected(golden)
    sae = st.load(url)
    torch.testing.assert_close(sae.encode(known["x"]).dense(), known["code"], rtol=1e-6, atol=1e-6)


def test_a_repository_of_several_names_them(hub):
    with pytest.raises(StoreError, match=r"holds several dictionaries.*layers\.3"):
        st.load("hf://owner/repo")


def test_bits_of_a_file_do_not_depend_on_the_way_it_is_read(hub):
    path = GOLDEN / "sparsify/sae"
    stored = tensors_of(path, "sae.safetensors")
    assert torch.equal(st.load("hf://owner/repo/layers.3").encoder.weight, stored["encoder.weight"])


def test_the_formats_are_listed_with_what_proves_them():
    known = {entry.name: entry for entry in st.interop.known_formats()}
    assert known.keys() == set(FORMATS)
    assert all(entry.proved_by for entry in known.values())
    assert {name for name, entry in known.items() if entry.writes} == {
        "saelens", "dictionary_learning", "sparsify", "circuit_tracer", "circuit_tracer_clt",
    }  # fmt: skip
