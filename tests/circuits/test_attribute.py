"""Effects of latents, errors and heads on a metric: sums, agreement of methods, refusals."""

import math

import pytest
import torch
from causal_architectures import tiny_causal_model
from tiny_transcoders import LAYERS, TOKENS, exact_transcoder, opt_model, random_dictionary
from torch import nn

import sparsetime as st
from sparsetime import seeds
from sparsetime.circuits import head_effects, logit, logit_difference, probability
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.interventions.attention_heads import attention_heads

OTHER = [3, 9, 4, 8, 3, 5, 6, 3]
METRIC = logit_difference(5, 9)


@pytest.fixture(scope="module")
def model():
    return opt_model()


@pytest.fixture(scope="module")
def sae():
    return random_dictionary("topk", d_in=32, width=64, k=6)


def metric_of(model, tokens):
    with torch.no_grad():
        at = model(input_ids=torch.tensor([tokens])).logits[0, -1]
    return float(at[5] - at[9])


def test_effects_of_a_linear_readout_sum_to_the_change(model, sae):
    # Behind the last layer there are a norm and the head: integrated, they are nearly exact.
    effects = st.attribute(
        model, {LAYERS[1]: sae}, TOKENS, METRIC, method="integrated", against=OTHER, points=64
    )
    change = metric_of(model, OTHER) - metric_of(model, TOKENS)
    assert effects.metric == pytest.approx(metric_of(model, TOKENS), abs=1e-5)
    assert effects.against == pytest.approx(metric_of(model, OTHER), abs=1e-5)
    assert sum(effects.table["effect"].to_pylist()) == pytest.approx(change, abs=2e-3)
    assert set(effects.table["kind"].to_pylist()) == {"latent", "error"}


def test_steps_before_the_first_difference_have_no_effect(model, sae):
    effects = st.attribute(model, {LAYERS[0]: sae}, TOKENS, METRIC, against=OTHER)
    early = [r["effect"] for r in effects.table.to_pylist() if r["step"] < 3]
    assert early and max(map(abs, early)) < 1e-6


def test_dimensions_sum_to_latents_and_errors(model, sae):
    def total(dictionary):
        effects = st.attribute(model, {LAYERS[0]: dictionary}, TOKENS, METRIC, against=OTHER)
        return sum(effects.table["effect"].to_pylist())

    assert total(sae) == pytest.approx(total(None), abs=1e-4)


def test_patching_measures_what_the_gradient_estimates(model, sae):
    found = {
        method: st.attribute(
            model, {LAYERS[1]: sae}, TOKENS, METRIC, method=method, against=OTHER, most=40
        )
        for method in ("gradient", "patch")
    }
    assert len(found["patch"].table) == 40
    keys = ("kind", "step", "latent")
    estimated = {
        tuple(r[k] for k in keys): r["effect"] for r in found["gradient"].table.to_pylist()
    }
    rows = found["patch"].table.to_pylist()
    pairs = torch.tensor([[estimated[tuple(r[k] for k in keys)], r["effect"]] for r in rows])
    assert float(torch.corrcoef(pairs.T)[0, 1]) > 0.95


def test_an_ablated_latent_leaves_the_metric_by_its_effect(model, sae):
    effects = st.attribute(model, {LAYERS[1]: sae}, TOKENS, logit(5), method="patch", most=1)
    row = effects.top(1).to_pylist()[0]
    assert math.isnan(effects.against)
    with torch.no_grad():

        def less(x_):
            y = x_.clone()
            code = sae.encode(x_)
            if row["kind"] == "latent":
                dense = code.dense()[0, row["step"], row["latent"]]
                scale = sae.output_normalisation.scale
                y[0, row["step"]] -= dense * sae.atoms[row["latent"]] * scale
            else:
                y[0, row["step"]] -= (x_ - sae.decode(code))[0, row["step"]]
            return y

        with st.interventions.patched(model, LAYERS[1], less, 1, len(TOKENS)):
            at = model(input_ids=torch.tensor([TOKENS])).logits[0, -1]
    assert row["effect"] == pytest.approx(float(at[5] - at.mean()) - effects.metric, abs=1e-4)


def test_effects_are_summed_over_steps(model, sae):
    effects = st.attribute(model, {LAYERS[0]: sae}, TOKENS, "loss", against=OTHER)
    over = effects.over_steps()
    assert sum(over["effect"].to_pylist()) == pytest.approx(
        sum(effects.table["effect"].to_pylist())
    )
    assert set(over["step"].to_pylist()) == {-1}
    assert over["kind"].to_pylist().count("error") == 1


def test_heads_by_gradient_and_by_patching(model):
    estimated = head_effects(model, TOKENS, OTHER, METRIC)
    measured = head_effects(model, TOKENS, OTHER, METRIC, method="patch")
    assert len(measured.table) == 8

    def by_head(effects):
        rows = {(r["site"], r["latent"]): r["effect"] for r in effects.table.to_pylist()}
        return torch.tensor([rows[key] for key in sorted(rows)])

    pairs = torch.stack([by_head(estimated), by_head(measured)])
    assert float(torch.corrcoef(pairs)[0, 1]) > 0.9


def test_a_probability_and_a_function_are_metrics(model, sae):
    one = st.attribute(model, {LAYERS[0]: sae}, TOKENS, probability(5), against=OTHER)
    two = st.attribute(
        model, {LAYERS[0]: sae}, TOKENS, lambda out: out.logits[:, -1].softmax(-1)[:, 5],
        against=OTHER,
    )  # fmt: skip
    assert 0 < one.metric < 1
    assert one.table.equals(two.table)


class TestRefusals:
    @pytest.mark.parametrize(
        ("metric", "error", "message"),
        [
            (lambda out: out.logits, DataError, r"got \[1, 8, 61\] from the metric for 1 sequence"),
            (lambda _: "x", DataError, "got str from the metric"),
            (lambda out: out.logits.detach().sum(), DataError, "does not depend on the activation"),
            ("accuracy", ConfigError, "got the metric 'accuracy', expected 'loss'"),
            (st.circuits.onset("a", 1, 2), ConfigError, "kind 'onset' as the metric"),
            (logit(5, step=30), ConfigError, "got step 30 for the metric"),
        ],
    )
    def test_of_metrics(self, model, sae, metric, error, message):
        with pytest.raises(error, match=message):
            st.attribute(model, {LAYERS[0]: sae}, TOKENS, metric)

    def test_of_settings(self, model, sae):
        with pytest.raises(ConfigError, match="got method='exact', expected 'gradient'"):
            head_effects(model, TOKENS, OTHER, METRIC, method="exact")
        with pytest.raises(ConfigError, match="got 0 sites, points=10"):
            st.attribute(model, {}, TOKENS, METRIC)
        with pytest.raises(MismatchError, match="got 8 tokens and 3 in against"):
            st.attribute(model, {LAYERS[0]: sae}, TOKENS, METRIC, against=[1, 2, 3])
        with pytest.raises(ConfigError, match=r"expected an SAE .* st.circuit takes transcoders"):
            st.attribute(model, {LAYERS[0]: exact_transcoder(model, LAYERS[0])}, TOKENS, METRIC)

    def test_of_a_dictionary_of_another_model_or_site(self, model):
        own = random_dictionary("topk", d_in=32, width=64, k=6)
        own.provenance = {"model_hash": "0" * 64, "site": LAYERS[0]}
        with pytest.raises(MismatchError, match="got a dictionary of a model with hash 000"):
            st.attribute(model, {LAYERS[0]: own}, TOKENS, METRIC)
        own.provenance["model_hash"] = st.models.load_model(model).revision_or_hash
        with pytest.raises(MismatchError, match="for a dictionary that was trained at"):
            st.attribute(model, {LAYERS[1]: own}, TOKENS, METRIC)
        assert st.attribute(model, {LAYERS[0]: own}, TOKENS, METRIC).metric

    def test_of_a_model_without_heads_side_by_side(self):
        with pytest.raises(DataError, match="has no attention whose heads lie side by side"):
            head_effects(tiny_causal_model("rwkv"), TOKENS, OTHER, METRIC)


class Inline(nn.Module):
    """Attention with a gate and an MLP in one module, whose maps all are as wide as the heads."""

    def __init__(self):
        super().__init__()
        self.qkv, self.gate, self.out = nn.Linear(8, 24), nn.Linear(8, 8), nn.Linear(8, 8)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)

    def forward(self, x):
        q, k, v = (y.unflatten(-1, (2, 4)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        read = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(read.transpose(1, 2).flatten(2) * self.gate(x).sigmoid())
        return x + self.down(self.up(x).relu())


def test_heads_lie_before_the_map_that_reads_them():
    with seeds.torch_globals(0, "random inputs"):
        inline = nn.Sequential(nn.Embedding(20, 8), Inline())
    (heads,) = attention_heads(inline, torch.tensor([TOKENS]))
    assert (heads.site, heads.heads, heads.size) == ("1.out:input", 2, 4)
    # The projection of BERT is not within the module that attends; its value map is.
    first, _ = attention_heads(tiny_causal_model("bert"), TOKENS)
    assert first.site == "bert.encoder.layer.0.attention.output.dense:input"
    with pytest.raises(DataError, match="has no attention whose heads lie side by side"):
        attention_heads(tiny_causal_model("deepseek_v4"), TOKENS)  # its heads are in groups
