"""Files of any size, rule, dtype and convention are read as the equations of their library say."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from interop.peer_files import tensors_of
from interop.test_convert import CASES, plain_weights
from safetensors.torch import save_file

import sparsetime as st
from sparsetime.errors import ConfigError, DataError
from sparsetime.files.torch_file import torch_file_bytes
from sparsetime.interop.compose_weights import composed
from sparsetime.interop.plain_weights import (
    BatchTopKCode,
    GatedCode,
    ReLUCode,
    ThresholdCode,
    TopKCode,
)

WEIGHTS = {
    "saelens": "sae_weights.safetensors",
    "dictionary_learning": "ae.pt",
    "sparsify": "sae.safetensors",
    "circuit_tracer": "layer_3.safetensors",
}
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def by_hand(plain, x):
    """Dense codes and outputs of plain weights, in float64, and how sure the choice is."""
    w, b, d, c = (
        getattr(plain, name).double()
        for name in ("encoder", "encoder_bias", "decoder", "decoder_bias")
    )
    x, width = x.double(), plain.width
    pre = (x - c if plain.subtracts_offset else x) @ w.T + b
    match plain.activation:
        case ReLUCode():
            z, margin = pre.relu(), pre.abs()
        case TopKCode(k):
            least = pre.topk(min(k + 1, width), dim=-1).values
            z = pre.relu() * (pre >= least[..., k - 1 : k])
            tied = least[..., k - 1 : k] - least[..., k : k + 1] if k < width else pre.abs()
            margin = torch.minimum(pre.abs(), tied.expand_as(pre))
        case BatchTopKCode(_, threshold):
            z, margin = pre.relu() * (pre > threshold), (pre - threshold).abs()
        case ThresholdCode(threshold):
            z, margin = pre.relu() * (pre > threshold), (pre - threshold.clamp_min(0)).abs()
        case GatedCode(log_scale, bias):
            scaled = log_scale.double().exp() * (pre - b) + bias
            z, margin = scaled.relu() * (pre > 0), torch.minimum(pre.abs(), scaled.abs())
    y = z @ d + c
    if plain.skip is not None:
        y = y + x @ plain.skip.double().T
    return z, y, margin


def cast(folder, name, dtype, one_number_is_a_list):
    """Save the weights of a folder again in another dtype, and single numbers as lists of one."""
    tensors = {
        n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors_of(folder, name).items()
    }
    if one_number_is_a_list:
        tensors = {n: t.reshape(1) if t.dim() == 0 else t for n, t in tensors.items()}
    if name.endswith(".pt"):
        (folder / name).write_bytes(torch_file_bytes(tensors))
    else:
        save_file(tensors, folder / name)


@given(
    CASES,
    some.sampled_from(sorted(WEIGHTS)),
    some.sampled_from(DTYPES),
    some.booleans(),
    some.sampled_from([(0,), (1,), (20,), (2, 3)]),
)
@settings(max_examples=60)
def test_a_file_of_any_dtype_is_read_by_the_equations(
    tmp_path_factory, case, format_name, dtype, as_list, shape
):
    plain = plain_weights(**case)
    sae = composed(plain, "x")
    sae.provenance["layer"] = 3
    folder = tmp_path_factory.mktemp("file")
    try:
        st.convert(sae, folder / "sae", format_name)
    except ConfigError as error:
        assert "would be lost" in str(error)
        assume(False)
    cast(folder / "sae", WEIGHTS[format_name], dtype, as_list)
    theirs = st.load(folder / "sae")
    # What the equations give with the weights as the file has them.
    kept = st.interop.extract_weights.extracted(theirs)
    x = torch.randn(*shape, plain.d_in, generator=torch.Generator().manual_seed(case["seed"]))
    code, output, margin = by_hand(kept, x)
    found = theirs.encode(x).dense()
    sure = margin > 1e-4 * (1 + margin.abs().amax(-1, keepdim=True))
    assert found.shape == code.shape == (*shape, plain.width)
    torch.testing.assert_close(found * sure, code.float() * sure, rtol=1e-4, atol=1e-4)
    rows = sure.all(-1)
    size = 1 + output.abs().max() if output.numel() else 1
    assert ((theirs(x) - output.float())[rows].abs() < 1e-4 * size).all()
    if dtype in (torch.float32, torch.float64):
        first, _, margin = by_hand(plain, x)
        sure = margin > 1e-4 * (1 + margin.abs().amax(-1, keepdim=True))
        near = (first.float() - found) * sure
        assert (near.abs() < 1e-3 * (1 + first.abs().max() if first.numel() else 1)).all()


def test_one_number_may_be_a_list_of_one_and_no_more(tmp_path):
    case = {"d_in": 4, "d_out": None, "width": 6, "k": 2, "rule": "batch_top_k", "length": 1.0}
    plain = plain_weights(**case, subtracts=True, skip=False, seed=0)
    st.convert(composed(plain, "x"), tmp_path / "sae", "dictionary_learning")
    before = st.load(tmp_path / "sae")
    cast(tmp_path / "sae", "ae.pt", torch.float32, one_number_is_a_list=True)
    after = st.load(tmp_path / "sae")
    assert after.sparsifier.k == before.sparsifier.k == 2
    assert torch.equal(after.sparsifier.threshold, before.sparsifier.threshold)
    tensors = tensors_of(tmp_path / "sae", "ae.pt") | {"k": torch.tensor([2, 3])}
    (tmp_path / "sae/ae.pt").write_bytes(torch_file_bytes(tensors))
    with pytest.raises(DataError, match=r"got k of shape \[2\], expected \[\]"):
        st.load(tmp_path / "sae")
