"""Attribution graphs: exact sums, targets, choice of nodes, pruning, verification, files."""

import numpy as np
import pytest
import torch
from causal_architectures import tiny_causal_model
from tiny_transcoders import (
    LAYERS,
    MLPS,
    TOKENS,
    exact_transcoders,
    opt_model,
    random_dictionary,
)
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.activations.step_exclusion import EXCLUDED, StepExclusion
from sparsetime.circuits.verify import measured_change, predicted_change
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DamagedError, DataError, MismatchError, StoreError

FC2 = [f"{layer}.fc2" for layer in LAYERS]


@pytest.fixture(scope="module")
def model():
    return opt_model()


@pytest.fixture(scope="module")
def exact(model):
    return exact_transcoders(model)


@pytest.fixture(scope="module")
def graph(model, exact):
    return st.circuit(model, exact, TOKENS, [5, 9])


@pytest.fixture(scope="module")
def logits(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor([TOKENS])).logits[0]


def rows_of(graph, kind):
    return graph.weights[graph.of_kind(kind)]


def test_contributions_sum_to_the_logits(graph, logits):
    sums = rows_of(graph, "target").sum(1)
    expected = logits[-1, [5, 9]] - logits[-1].mean()
    torch.testing.assert_close(sums, expected, rtol=0, atol=1e-5)


def test_contributions_to_a_feature_sum_to_its_activation(graph):
    values = torch.tensor(graph.nodes["value"].to_pylist())[graph.of_kind("feature")]
    sums = rows_of(graph, "feature").sum(1)
    torch.testing.assert_close(sums.double(), values.double(), rtol=0, atol=1e-5)


def test_steps_that_training_left_out_are_errors(model, logits):
    given = exact_transcoders(model)
    given[MLPS[0]].provenance = {EXCLUDED: StepExclusion(first=1, tokens=(9,)).to_config()}
    made = st.circuit(model, given, TOKENS, [5, 9])
    nodes = made.nodes.to_pylist()
    of_first = [one for one in nodes if one["site"] == FC2[0]]
    left_out = {0, *(step for step, token in enumerate(TOKENS) if token == 9)}
    features = {one["step"] for one in of_first if one["kind"] == "feature"}
    assert features == set(range(len(TOKENS))) - left_out
    # All that the module writes there, less the decoder's bias, is error; sums stay exact.
    weights = made.weights[made.of_kind("target")]
    errors = [i for i, one in enumerate(nodes) if one["kind"] == "error" and one["site"] == FC2[0]]
    has_error = {nodes[i]["step"] for i in errors if weights[:, i].abs().max() > 1e-4}
    assert has_error and has_error <= left_out
    expected = logits[-1, [5, 9]] - logits[-1].mean()
    torch.testing.assert_close(weights.sum(1), expected, rtol=0, atol=1e-5)


def test_exact_transcoders_leave_no_error(graph):
    errors = graph.weights[:, graph.of_kind("error")]
    assert float(errors.abs().max()) < 1e-5
    assert graph.scores.error_share < 1e-5
    assert graph.scores.replacement > 0.9999
    assert graph.scores.completeness > 0.9999
    assert graph.scores.bias_share + graph.scores.token_share == pytest.approx(1, abs=1e-5)


def test_edges_go_back_in_time_and_up_in_layers(graph):
    order = {site: number for number, site in enumerate(FC2)}
    nodes = graph.nodes.to_pylist()
    for edge in graph.edges.to_pylist():
        source, target = nodes[edge["source"]], nodes[edge["target"]]
        assert edge["lag"] is None or edge["lag"] >= 0
        if source["kind"] == target["kind"] == "feature":
            assert order[source["site"]] < order[target["site"]]


def test_lags_are_shares_of_all_edges(graph):
    lags = graph.lags()
    assert sum(lags["share"].to_pylist()) == pytest.approx(1)
    assert set(lags["lag"].to_pylist()) <= set(range(len(TOKENS)))
    later = sum(r["share"] for r in lags.to_pylist() if r["lag"] > 0)
    assert 0 < later < 1


@pytest.mark.parametrize(
    "dictionaries",
    [
        {LAYERS[0]: "topk", LAYERS[1]: "jumprelu"},
        {MLPS[0]: "transcoder", MLPS[1]: "skip_transcoder"},
        {"model.decoder.layers.*.self_attn": "cross_layer_transcoder"},
    ],
    ids=["saes", "transcoders", "cross-layer"],
)
def test_sums_are_exact_for_dictionaries_that_reconstruct_badly(model, dictionaries, logits):
    replaced = {}
    for site, recipe in dictionaries.items():
        size = 64 if recipe == "cross_layer_transcoder" else 32
        settings = {"sites": 2} if recipe == "cross_layer_transcoder" else {}
        k = {} if recipe == "jumprelu" else {"k": 6}
        replaced[site] = random_dictionary(recipe, d_in=size, width=64, **k, **settings)
    graph = st.circuit(model, replaced, TOKENS, st.circuits.logit_difference(5, 9))
    value = float(logits[-1, 5] - logits[-1, 9])
    assert float(rows_of(graph, "target").sum()) == pytest.approx(value, abs=1e-4)
    assert graph.about["guards"]["worst_sum"] < 1e-5
    assert graph.scores.error_share > 0.01
    assert graph.about["features"] > 0


def test_fewer_nodes_keep_the_sums_and_the_most_influential(model, exact, graph):
    small = st.circuit(model, exact, TOKENS, [5, 9], nodes=40)
    torch.testing.assert_close(rows_of(small, "target").sum(1), rows_of(graph, "target").sum(1))
    assert int(small.of_kind("feature").sum()) == 40
    assert small.scores.error_share > graph.scores.error_share

    def named(circuit):
        return [(r["site"], r["step"], r["latent"]) for r in circuit.nodes.to_pylist()]

    order = graph.influence.clone()
    order[~graph.of_kind("feature")] = -1
    largest = {named(graph)[i] for i in order.topk(20).indices.tolist()}
    assert len(largest & set(named(small))) >= 15


def test_targets_may_be_a_feature_or_its_onset(model, exact, graph):
    row = next(r for r in graph.nodes.to_pylist() if r["kind"] == "feature" and r["step"] == 5)
    of = (row["site"], row["latent"], row["step"])
    one = st.circuit(model, exact, TOKENS, st.circuits.feature(*of))
    assert float(rows_of(one, "target").sum()) == pytest.approx(row["value"], abs=1e-5)
    before = st.circuit(model, exact, TOKENS, st.circuits.feature(of[0], of[1], of[2] - 1))
    rise = st.circuit(model, exact, TOKENS, st.circuits.onset(*of))
    expected = rows_of(one, "target").sum() - rows_of(before, "target").sum()
    torch.testing.assert_close(rows_of(rise, "target").sum(), expected, rtol=0, atol=1e-5)


def test_without_targets_the_likeliest_tokens_are_explained(model, exact, logits):
    graph = st.circuit(model, exact, TOKENS)
    named = [int(one["name"]) for one in graph.about["targets"]]
    assert named == logits[-1].argsort(descending=True)[: len(named)].tolist()
    assert float(graph.target_weights.sum()) == pytest.approx(1)


def test_pruning_keeps_influence_and_leaves_no_loose_ends(graph):
    small = graph.prune(0.8, 0.98)
    assert len(small.nodes) < len(graph.nodes)
    assert int(small.of_kind("token").sum()) == len(TOKENS)
    edges = small.weights != 0
    features = small.of_kind("feature")
    assert bool(edges.any(1)[features].all())
    assert bool(edges.any(0)[features].all())
    assert len(graph.prune(1.0, 1.0).nodes) >= len(small.nodes)


def test_ablation_in_the_model_agrees_where_the_model_is_linear(model, exact, graph):
    # What the last layer writes at the last step goes through the final norm alone.
    nodes = graph.nodes.to_pylist()
    last = [
        [i] for i, r in enumerate(nodes)
        if r["kind"] == "feature" and r["site"] == FC2[1] and r["step"] == len(TOKENS) - 1
    ]  # fmt: skip
    predicted = torch.stack([predicted_change(graph, group) for group in last])
    measured = measured_change(graph, graph.traced, last)
    assert len(last) > 5
    assert float(torch.corrcoef(torch.stack([predicted.flatten(), measured.flatten()]))[0, 1]) > 0.9


def test_some_of_the_features_are_ablated_as_in_the_whole_graph(model, exact, graph):
    """In graphs with fewer nodes, node numbers are no longer places among all features."""

    def changes(circuit):
        features = circuit.of_kind("feature").nonzero()[:, 0].tolist()
        measured = measured_change(circuit, circuit.traced, [[one] for one in features])
        rows = circuit.nodes.to_pylist()
        keys = [(rows[one]["site"], rows[one]["step"], rows[one]["latent"]) for one in features]
        return dict(zip(keys, measured, strict=True))

    whole = changes(graph)
    small = st.circuit(model, exact, TOKENS, [5, 9], nodes=40)
    for part in (small, graph.prune(0.9, 0.99), small.prune(0.8, 0.98)):
        found = changes(part)
        assert 5 < len(found) < len(whole)
        assert list(found) != list(whole)[: len(found)]
        for key, change in found.items():
            torch.testing.assert_close(change, whole[key], rtol=0, atol=1e-5)
    with pytest.raises(MismatchError, match="got traced= of a graph with 40 features, expected"):
        graph.verify(traced=small.traced)
    kept = graph.with_verification(graph.verify(count=4)).prune(0.9, 0.99)
    features = kept.nodes.to_pylist()
    assert len(kept.ablations) >= 2
    for row in kept.ablations.to_pylist():
        (node,) = row["nodes"]
        key = tuple(features[node][name] for name in ("site", "step", "latent"))
        assert row["measured"] == pytest.approx(
            float(whole[key][[5, 9].index(int(row["target"]))]), abs=1e-5
        )


def test_verification_compares_largest_and_random_features(graph):
    found = graph.verify(count=12)
    assert len(found.table) == 2 * 12 * 2
    assert found.rank_correlation > 0.5
    assert found.sign_agreement > 0.6
    assert -1 <= found.random <= 1
    together = graph.verify(groups=[[0, 1, 2]])
    assert together.table["nodes"].to_pylist()[0] == [0, 1, 2]


def test_a_saved_circuit_is_opened_as_it_was(graph, tmp_path):
    graph.with_verification(graph.verify(count=2)).save(tmp_path / "v")
    kept = st.circuits.open_circuit(tmp_path / "v")
    assert len(kept.ablations) == 2 * 2 * 2
    assert kept.about["verification"]["groups"] == 4
    graph.save(tmp_path / "c")
    opened = st.circuits.open_circuit(tmp_path / "c")
    assert torch.equal(opened.weights, graph.weights)
    assert opened.nodes.equals(graph.nodes)
    assert opened.scores == graph.scores
    assert opened.ablations is None
    assert opened.about["texts"] == graph.about["texts"]
    with pytest.raises(ConfigError, match="got a circuit that was opened without its model"):
        opened.verify()
    data = bytearray((tmp_path / "c" / "weights.safetensors").read_bytes())
    data[-9] ^= 1
    (tmp_path / "c" / "weights.safetensors").write_bytes(data)
    with pytest.raises(DamagedError, match=r"weights\.safetensors"):
        st.circuits.open_circuit(tmp_path / "c")
    with pytest.raises(StoreError, match=r"holds no circuit\.json"):
        st.circuits.open_circuit(tmp_path)


def test_a_saved_circuit_is_verified_with_its_model_alone(model, graph, tmp_path):
    for number, circuit in enumerate((graph, graph.prune(0.9, 0.99))):
        circuit.save(tmp_path / str(number))
        opened = st.circuits.open_circuit(tmp_path / str(number), model)
        groups = [[0], [1, 2], [3]]
        found, expected = opened.verify(groups), circuit.verify(groups)
        assert found.table.equals(expected.table)
        assert np.abs(found.table["measured"].to_numpy()).max() > 1e-3
    with pytest.raises(MismatchError, match="with other weights than the one that the circuit in"):
        st.circuits.open_circuit(tmp_path / "0", tiny_causal_model("opt"))
    opened.save(tmp_path / "again")
    st.circuits.open_circuit(tmp_path / "0").save(tmp_path / "without")
    assert (tmp_path / "again" / "vectors.safetensors").exists()
    with pytest.raises(StoreError, match=r"was saved without vectors\.safetensors"):
        st.circuits.open_circuit(tmp_path / "without", tmp_path / "no model")


def test_an_error_of_a_model_is_not_taken_for_a_damaged_circuit(graph, tmp_path, monkeypatch):
    def fails(_):
        raise KeyError("weights")

    graph.save(tmp_path / "c")
    monkeypatch.setattr("sparsetime.circuits.saved.load_causal_model", fails)
    with pytest.raises(KeyError, match="weights"):
        st.circuits.open_circuit(tmp_path / "c", "my-model")


class TestRefusals:
    @pytest.mark.parametrize(
        ("targets", "message"),
        [
            ([], "got no targets"),
            (999, "got token 999, expected 0 to 60"),
            ("x", "got the token 'x' and no tokenizer"),
            (st.circuits.logit(3, step=99), "got step 99 for a target, expected 0 to 7"),
            (st.circuits.onset(FC2[0], 0, 0), "got step 0 for a target, expected 1 to 7"),
            (st.circuits.feature(FC2[0], 48, 1), "got latent 48 .* expected 0 to 47"),
            (st.circuits.feature("nowhere", 1, 1), "unknown site of a dictionary 'nowhere'"),
        ],
    )
    def test_of_targets(self, model, exact, targets, message):
        with pytest.raises(ConfigError, match=message):
            st.circuit(model, exact, TOKENS, targets)

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda _: {}, ConfigError, "got no dictionaries"),
            (lambda d: {"x.y": d[MLPS[0]]}, ConfigError, "unknown site 'x.y'"),
            (lambda d: list(d.values()), ConfigError, "does not know its site"),
            (lambda d: {MLPS[0]: d[MLPS[0]], FC2[0]: d[MLPS[1]]}, ConfigError, "got two diction"),
            (
                lambda d: {"model.decoder.layers.*.fc2": d[MLPS[0]]},
                MismatchError,
                "got 2 sites .* which reads 1",
            ),
        ],
    )
    def test_of_dictionaries(self, model, exact, change, error, message):
        with pytest.raises(error, match=message):
            st.circuit(model, change(exact), TOKENS)

    def test_of_two_that_know_one_site(self, model, exact):
        one = exact_transcoders(model)[MLPS[0]]
        one.provenance = {"site": MLPS[0]}
        with pytest.raises(ConfigError, match=r"got two dictionaries of the site .* leave one out"):
            st.circuit(model, [one, one], TOKENS)

    @pytest.mark.parametrize("command", ["circuit", "attribute"])
    def test_of_two_for_one_site_on_the_command_line(self, exact, tmp_path, command):
        exact[MLPS[0]].save(str(tmp_path / "sae"))
        given = ["--dictionary", f"{FC2[0]}={tmp_path / 'sae'}"] * 2
        rest = ["--model", "nowhere", "--text", "x"] + ["--answer", "y"] * (command == "attribute")
        result = CliRunner().invoke(app, [command, *given, *rest], env={"COLUMNS": "300"})
        assert result.exit_code == 2
        words = f"for '{FC2[0]}', which has one already; give each as --dictionary SITE=FOLDER"
        assert words in result.output

    def test_of_an_sae_behind_what_is_not_affine(self):
        sae = random_dictionary("topk", d_in=32, width=64, k=4)
        with pytest.raises(DataError, match=r"is not affine: .* or replace it by a transcoder"):
            st.circuit(tiny_causal_model("llama"), {"model.layers.0.mlp": sae}, TOKENS)

    def test_of_a_dictionary_of_another_model_or_site(self, model, exact):
        sae = exact[MLPS[0]]
        sae.provenance = {"model_hash": "0" * 64}
        try:
            with pytest.raises(MismatchError, match="was trained on another model"):
                st.circuit(model, exact, TOKENS)
            here = st.models.load_model(model).revision_or_hash
            for known in ({"model_hash": here}, {}):
                sae.provenance = {**known, "site": MLPS[1]}
                with pytest.raises(MismatchError, match="for a dictionary that was trained at"):
                    st.circuit(model, exact, TOKENS)
            for own in ({"model_hash": here, "site": MLPS[0]}, {"site": "blocks.0 -> blocks.1"}):
                sae.provenance = own
                assert st.circuit(model, exact, TOKENS, 5).about["features"]
        finally:
            sae.provenance = {}

    def test_of_an_encoder_that_is_not_affine(self, model):
        sae = random_dictionary("gated", d_in=32, width=64)
        with pytest.raises(ConfigError, match="whose activation values are not affine"):
            st.circuit(model, {LAYERS[0]: sae}, TOKENS)

    def test_of_nodes_that_are_no_features(self, graph):
        with pytest.raises(ConfigError, match="got the node 100000 to ablate"):
            graph.verify(groups=[[100000]])

    def test_of_no_nodes_and_several_sequences(self, model, exact):
        with pytest.raises(ConfigError, match="got nodes=0"):
            st.circuit(model, exact, TOKENS, nodes=0)
        with pytest.raises(DataError, match="expected one text or one sequence"):
            st.circuit(model, exact, [TOKENS, TOKENS])
        with pytest.raises(ConfigError, match=r"got a share of 0.0, expected a number in \(0, 1\]"):
            st.circuit(model, exact, TOKENS).prune(0.0)
