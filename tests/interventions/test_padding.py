"""Padding changes no loss, wherever it stands; masks are taken in the types that they come in."""

import numpy as np
import pytest
import torch
from torch import nn

from sparsetime.errors import DataError
from sparsetime.interventions.lm_loss import kl_divergence, loss_gradients, next_token_loss
from sparsetime.interventions.logits import next_token_logits, next_tokens
from sparsetime.interventions.patch import patched

IDS = torch.randint(2, 50, (3, 9), generator=torch.Generator().manual_seed(0))
LENGTHS = (9, 6, 4)


class Recurrent(nn.Module):
    """A causal model without an attention mask, whose state runs through padding on the left."""

    def __init__(self, both=False):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(50, 8)
        self.mix = nn.GRU(8, 8, batch_first=True, bidirectional=both)
        self.head = nn.Linear(16 if both else 8, 50)

    def forward(self, ids):
        return self.head(self.mix(self.table(ids))[0])


def transformers_model(name):
    import transformers

    torch.manual_seed(0)
    sizes = {
        "GPT2": {"n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 2},
        "Llama": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
                  "num_attention_heads": 2, "max_position_embeddings": 32},
        "OPT": {"hidden_size": 16, "ffn_dim": 32, "num_hidden_layers": 2, "word_embed_proj_dim": 16,
                "num_attention_heads": 2, "max_position_embeddings": 32},
        "Bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2},
        "Mamba": {"hidden_size": 16, "state_size": 4, "num_hidden_layers": 2},
    }[name]  # fmt: skip
    config = getattr(transformers, f"{name}Config")(vocab_size=50, **sizes)
    return getattr(transformers, f"{name}{'LMHeadModel' if name == 'GPT2' else 'ForCausalLM'}")(
        config
    ).eval()


MODELS = {
    **{n: lambda n=n: transformers_model(n) for n in ("GPT2", "Llama", "OPT", "Bloom", "Mamba")},
    "recurrent": Recurrent,
}
SITES = {"GPT2": "transformer.h.0", "Llama": "model.layers.0", "OPT": "model.decoder.layers.0",
         "Bloom": "transformer.h.0", "Mamba": "backbone.layers.0", "recurrent": "mix"}  # fmt: skip


def padded(side):
    """The sequences with padding on a side, the mask, and the places of their tokens."""
    ids, mask = torch.ones(3, 9, dtype=torch.long), torch.zeros(3, 9, dtype=torch.bool)
    for row, length in enumerate(LENGTHS):
        start = {"left": 9 - length, "right": 0, "both": (9 - length) // 2}[side]
        ids[row, start : start + length] = IDS[row, :length]
        mask[row, start : start + length] = True
    return ids, mask


def alone(model, measure):
    """The mean over all next tokens of what is measured for each sequence alone."""
    values = [measure(IDS[row : row + 1, :length]) for row, length in enumerate(LENGTHS)]
    weights = [length - 1 for length in LENGTHS]
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


@pytest.mark.parametrize("side", ["left", "right", "both"])
@pytest.mark.parametrize("name", MODELS)
def test_every_loss_is_that_of_the_sequences_alone(name, side):
    model, site = MODELS[name](), SITES[name]
    ids, mask = padded(side)
    with torch.no_grad():
        loss = next_token_loss(model, ids, mask=mask)
        expected = alone(model, lambda t: next_token_loss(model, t))
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)

        def halved(x):
            return x / 2

        spliced = next_token_loss(model, ids, site, halved, mask=mask)
        expected = alone(model, lambda t: next_token_loss(model, t, site, halved))
        torch.testing.assert_close(spliced, expected, rtol=1e-4, atol=1e-5)
        divergence = kl_divergence(model, ids, site, halved, mask=mask)
        expected = alone(model, lambda t: kl_divergence(model, t, site, halved))
        torch.testing.assert_close(divergence, expected, rtol=1e-3, atol=1e-5)
    logits = next_token_logits(model, ids, mask=mask)
    assert len(logits) == len(next_tokens(ids, mask)) == 16
    per_token = nn.functional.cross_entropy(logits, next_tokens(ids, mask))
    torch.testing.assert_close(per_token, loss, rtol=1e-4, atol=1e-5)
    values, gradients = loss_gradients(model, ids, site, mask)
    for row, length in enumerate(LENGTHS):
        v, g = loss_gradients(model, IDS[row : row + 1, :length], site)
        torch.testing.assert_close(values[row][mask[row]], v[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(gradients[row][mask[row]], g[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "convert",
    [
        torch.Tensor.long,
        torch.Tensor.int,
        torch.Tensor.float,
        lambda m: m.numpy(),
        lambda m: m.long().tolist(),
    ],
)
def test_masks_come_in_any_type(convert):
    model = MODELS["GPT2"]()
    ids, mask = padded("left")
    expected = next_token_loss(model, ids, mask=mask)
    assert torch.equal(next_token_loss(model, ids, mask=convert(mask)), expected)
    assert torch.equal(next_tokens(ids, convert(mask)), next_tokens(ids, mask))
    assert torch.equal(
        kl_divergence(model, ids, "transformer.h.0", lambda x: x / 2, convert(mask)),
        kl_divergence(model, ids, "transformer.h.0", lambda x: x / 2, mask),
    )
    a, b = (loss_gradients(model, ids, "transformer.h.0", m) for m in (convert(mask), mask))
    assert torch.equal(a[1], b[1])


@pytest.mark.parametrize(
    "convert", [lambda t: t.int(), lambda t: t.numpy().astype(np.uint16), lambda t: t.tolist()]
)
def test_tokens_come_in_any_type(convert):
    model = MODELS["GPT2"]()
    assert torch.equal(next_token_loss(model, convert(IDS)), next_token_loss(model, IDS))


def test_masks_and_tokens_that_cannot_be_are_refused():
    model = MODELS["GPT2"]()
    with pytest.raises(DataError, match=r"the mask has the shape \[3\]; expected \[3, 9\]"):
        next_token_loss(model, IDS, mask=torch.ones(3))
    with pytest.raises(DataError, match="the mask is float32 with other values than 0 and 1"):
        next_token_loss(model, IDS, mask=torch.full((3, 9), -1e9))
    with pytest.raises(DataError, match=r"the tokens have the shape \[9\]; expected \[batch, time"):
        next_token_loss(model, IDS[0])
    with pytest.raises(DataError, match="the tokens are float32"):
        next_token_loss(model, IDS.float())
    ids, mask = padded("right")
    with pytest.raises(DataError, match="Recurrent takes no attention_mask, and its logits depend"):
        next_token_loss(Recurrent(both=True), ids, mask=mask)


def test_replace_sees_the_steps_where_the_caller_has_them():
    model = MODELS["GPT2"]()
    ids, mask = padded("left")
    seen = []
    next_token_loss(model, ids, "transformer.wte", lambda x: seen.append(x) or x, mask=mask)
    torch.testing.assert_close(seen[0][mask], model.transformer.wte(ids)[mask])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["mask", "tokens", "set", "array"])
def test_steps_that_are_kept_pass_unchanged(kind, side):
    model = MODELS["Llama"]()
    ids, mask = padded(side)
    special = [int(ids[mask][0]), int(ids[mask][3])]
    kept = torch.isin(ids, torch.tensor(special))
    keep = {"mask": kept.long(), "tokens": special, "set": set(special), "array": np.array(special)}
    site = "model.layers.0"

    def by_hand(x):
        return torch.where(kept[..., None], x, x / 2)

    for measure in (next_token_loss, kl_divergence):
        got = measure(model, ids, site, lambda x: x / 2, mask=mask, keep=keep[kind])
        assert torch.equal(got, measure(model, ids, site, by_hand, mask=mask))
        assert not torch.equal(got, measure(model, ids, site, lambda x: x / 2, mask=mask))
        assert torch.equal(
            measure(model, ids, site, lambda x: x / 2, mask=mask, keep=[]),
            measure(model, ids, site, lambda x: x / 2, mask=mask),
        )
    everything = torch.ones_like(ids)
    plain = next_token_loss(model, ids, mask=mask)
    assert torch.equal(
        next_token_loss(model, ids, site, torch.zeros_like, mask=mask, keep=everything), plain
    )
    with pytest.raises(DataError, match=r"keep has the shape \[2, 2\]; expected \[3, 9\]"):
        next_token_loss(model, ids, site, torch.zeros_like, keep=torch.ones(2, 2))
    toy = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    x = torch.randn(2, 4, 3)
    plain = toy(x)
    with patched(toy, "0", torch.zeros_like, 2, 4, keep=torch.ones(2, 4, dtype=torch.bool)):
        torch.testing.assert_close(toy(x), plain)


@pytest.mark.parametrize("settings", [torch.no_grad, torch.inference_mode])
def test_gradients_at_a_site_are_taken_whatever_the_caller_set(settings):
    model = MODELS["Llama"]()
    expected = loss_gradients(model, IDS, "model.layers.0")
    with settings():
        got = loss_gradients(model, IDS.clone(), "model.layers.0")
    assert torch.equal(got[1], expected[1])
