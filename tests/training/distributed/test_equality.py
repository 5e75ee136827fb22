"""Two processes train as one: weights, supports, losses and counters are those of one process."""

from functools import cache

import pytest
import torch
from process_checks import BOTH, divisible, places, trained
from process_pair import run_together
from small_recipes import CARDS, small

TOLERANCE = 2e-5


@cache
def one_process(name):
    sae = small(name)
    return sae, *trained(sae)


@pytest.mark.parametrize("name", [n for n in CARDS if divisible(small(n), latents=2)])
def test_latents_divided_among_two_processes(name, found):
    sae, trainable, supports, losses = one_process(name)
    parts = [part["recipes"] for part in found]
    both = torch.cat([part[f"latents/{name}/places"] for part in parts]).sort().values
    assert torch.equal(both, places(supports))
    check_equal("latents", name, sae, losses, parts)
    since = torch.stack([part[f"latents/{name}/since"] for part in parts], 1).flatten()
    assert torch.equal(since, trainable.tracker.rows_since)


@pytest.mark.parametrize("name", [n for n in CARDS if divisible(small(n), rows=2)])
def test_rows_divided_among_two_processes(name, found):
    sae, trainable, _, losses = one_process(name)
    parts = [part["recipes"] for part in found]
    check_equal("rows", name, sae, losses, parts)
    for part in parts:
        assert torch.equal(part[f"rows/{name}/since"], trainable.tracker.rows_since)


def test_the_auxiliary_loss_had_dead_latents():
    """The equality of the two would else say nothing about it."""
    losses = one_process("topk")[3]
    assert any(line["dead"] and line["loss_aux_k"] for line in losses)


@pytest.fixture(scope="module")
def of_four(tmp_path_factory):
    folder = tmp_path_factory.mktemp("square")
    codes, printed = run_together("square", folder, count=4)
    assert codes == [0] * 4, "\n".join(printed)
    return [torch.load(folder / f"found-{n}.pt", weights_only=True) for n in range(4)]


@pytest.mark.parametrize("name", BOTH)
def test_both_divided_among_four_processes(name, of_four):
    sae, _, _, losses = one_process(name)
    check_equal("both", name, sae, losses, of_four)


def check_equal(kind, name, sae, losses, parts):
    expected = torch.tensor([list(line.values()) for line in losses])
    for part in parts:
        torch.testing.assert_close(part[f"{kind}/{name}/losses"], expected, rtol=1e-4, atol=1e-5)
        for tensor, values in sae.state_dict().items():
            weights = part[f"{kind}/{name}/weights/{tensor}"]
            torch.testing.assert_close(weights, values, rtol=0, atol=TOLERANCE, msg=tensor)
