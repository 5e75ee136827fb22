"""Training with the gpu kernels: every recipe on a GPU, the common ones in Triton's interpreter."""

from importlib.util import find_spec

import pytest
import torch
from planted import planted
from small_batches import small_source

import sparsetime as st
from sparsetime import kernels
from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.encoders import select_linear
from sparsetime.segments import Segments

pytestmark = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed (extra `gpu`, Linux only)"
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# The interpreter takes a second for what a GPU does in a thousandth.
COMMON = ("topk", "batch_topk", "matryoshka_batch_topk", "jumprelu")
RECIPES = [card.name for card in st.recipes()] if DEVICE == "cuda" else COMMON
STEPS = 6 if DEVICE == "cuda" else 2


def trained(name, out, device):
    size = {"l0": 4.0} if name == "jumprelu" else {}
    card = next(card for card in st.recipes() if card.name == name)
    if "k" in card.defaults:
        size["k"] = 4
    sae = st.dictionary(name, d_in=16, width=32, **size).to(device)
    batch = 64 if DEVICE == "cuda" else 4
    settings = {"rows": STEPS * batch, "batch": batch, "selection_dtype": "float32", "log_every": 1}
    return st.train(sae, small_source(sae, 4000, batch, STEPS), out=out, show=False, **settings)


@pytest.mark.parametrize("name", RECIPES)
def test_losses_and_codes_are_those_of_the_reference(name, tmp_path, monkeypatch):
    """The data come from the CPU, so this also tests that a step moves its batch."""
    # A CPU, where the interpreter runs, would choose 8-bit integers, which no GPU program takes.
    monkeypatch.setattr(select_linear, "selection_dtype", lambda device: torch.bfloat16)
    with kernels.use("reference"):
        expected = trained(name, tmp_path / "reference", "cpu")
    with kernels.use("gpu"):
        found = trained(name, tmp_path / "gpu", DEVICE)
        x = planted(8, seed=5)
        if found.dictionary.is_stateful:
            x = x.reshape(2, 4, 16)
        code = found.dictionary.encode(x.to(DEVICE))
        again = found.dictionary.decode(code).cpu()
    for ours, theirs in zip(found.metrics, expected.metrics, strict=True):
        assert ours["fvu"] == pytest.approx(theirs["fvu"], rel=2e-2)
        assert ours["l0"] == pytest.approx(theirs["l0"], rel=2e-2)
    with kernels.use("reference"):
        aim = expected.dictionary.decode(expected.dictionary.encode(x))
    assert (again - aim).norm() < 0.05 * aim.norm()


def test_a_batch_moves_with_all_that_it_holds():
    # Without a card, another name of the same device takes the way of a move.
    device = torch.device("cuda" if DEVICE == "cuda" else "cpu:0")
    x = torch.ones(4, 2)
    batch = Batch(x, target=x, labels=torch.ones(4, dtype=torch.int64))
    moved = batch.to(device)
    assert moved is not batch and moved.tensors.keys() == {"x", "target", "labels"}
    assert {tensor.device.type for tensor in moved.tensors.values()} == {device.type}
    assert batch.to(torch.device("cpu")) is batch
    if DEVICE == "cuda":
        segments = Batch(x, segments=Segments.of_lengths([1, 3])).to(device).segments
        assert segments.offsets.device.type == "cuda"
