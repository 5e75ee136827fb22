"""Steps that are left out: the same ones in sampling, training, evaluation, index and splice."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

import sparsetime as st
from sparsetime.activations import StepExclusion
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.errors import ConfigError, DataError

D, TIME, SEQUENCES = 16, 40, 60
SINK = 7  # the token of every heavy step


def heavy(scale=100.0):
    """Sparse sums of atoms; the first step of each sequence has 100 times the norm, as a sink."""
    generator = torch.Generator().manual_seed(1)
    atoms = nn.functional.normalize(torch.randn(24, D, generator=generator), dim=1)
    on = torch.rand(SEQUENCES, TIME, 24, generator=generator) < 0.08
    x = (on * (0.5 + torch.rand(SEQUENCES, TIME, 24, generator=generator))) @ atoms
    x += 0.02 * torch.randn(SEQUENCES, TIME, D, generator=generator)
    sink = nn.functional.normalize(torch.randn(D, generator=generator), dim=0)
    x[:, 0] += scale * (0.8 + 0.4 * torch.rand(SEQUENCES, 1, generator=generator)) * sink
    return x, atoms


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    x, _ = heavy()
    writer = StoreWriter(
        str(tmp_path_factory.mktemp("heavy") / "activations"), model_name="toy", model_hash="abc",
        site="layer", unit="token", d=D, dtype="float32", capture={},
    )  # fmt: skip
    position = np.tile(np.arange(TIME, dtype=np.int32), SEQUENCES)
    steps = pa.table(
        {
            "sequence": np.repeat(np.arange(SEQUENCES, dtype=np.int32), TIME),
            "position": position,
            "token": np.where(position == 0, SINK, 8 + position % 5).astype(np.int32),
        }
    )
    table = pa.table(
        {"id": [f"d{n}" for n in range(SEQUENCES)], "length": np.full(SEQUENCES, TIME)}
    )
    writer.append(x.reshape(-1, D), steps, table)
    return writer.finish()


EVERY_WAY = {
    "first": StepExclusion(first=1),
    "tokens": StepExclusion(tokens=(SINK,)),
    "norm": StepExclusion(norm_above=10.0),
}


@pytest.mark.parametrize("exclusion", EVERY_WAY.values(), ids=EVERY_WAY)
def test_no_sample_holds_a_step_that_is_left_out(store, exclusion):
    view = store.without_steps(exclusion)
    rows = torch.cat(list(view.rows(100)))
    assert len(rows) == SEQUENCES * (TIME - 1) and rows.norm(dim=1).max() < 20
    pairs = torch.cat(list(view.pairs(100)))
    assert len(pairs) == SEQUENCES * (TIME - 2) and pairs.norm(dim=2).max() < 20
    windows, mask = (torch.cat(one) for one in zip(*view.windows(10, length=13), strict=True))
    assert mask.all() and windows.norm(dim=2).max() < 20
    part = view.split(0.5)[0]
    assert torch.cat(list(part.rows(100))).norm(dim=1).max() < 20
    assert view.fingerprint != store.fingerprint
    assert len(view.sequence(0)) == TIME, "sequences stay whole"


def test_pairs_do_not_reach_over_a_gap():
    x = torch.zeros(2, 6, 3) + torch.arange(6.0)[:, None] + 1
    x[:, 2] = 1000.0
    from sparsetime.activations.sources.as_source import as_source

    source = as_source(x).without_steps(StepExclusion(norm_above=20.0))
    pairs = torch.cat(list(source.pairs(4)))[..., 0]
    assert sorted(map(tuple, pairs.tolist())) == sorted([(1, 2), (4, 5), (5, 6)] * 2)


def train(store, out, **settings):
    sae = st.dictionary("topk", d_in=D, width=48, k=3)
    return st.train(
        sae, store, out=out, rows=40_000, batch=200, learning_rate=3e-3, show=False, **settings
    ).dictionary


@pytest.fixture(scope="module")
def trained(store, tmp_path_factory):
    """Dictionaries by how steps were left out; None: they were not, with the warning."""
    out = tmp_path_factory.mktemp("trained")
    learnt, _ = store.split(0.2)
    found = {"first": train(learnt, out / "first", exclude_first=1)}
    with pytest.warns(
        UserWarning, match=r"\d\.\d% of the activations are over 5 times .* decide training"
    ):
        found["none"] = train(learnt, out / "none")
    return found


def recovered(sae):
    cosine = nn.functional.normalize(sae.atoms.detach(), dim=1) @ heavy()[1].T
    return float((cosine.amax(0) > 0.9).float().mean())


def test_heavy_steps_decide_a_training_and_its_fvu(store, trained):
    """The case of the report: FVU reads well while all other steps are hardly explained."""
    _, held_out = store.split(0.2)
    with pytest.warns(UserWarning, match=r"decide the FVU, beside which fvu_rows stands"):
        read = st.evaluate(trained["none"], held_out, ["reconstruction"], progress=False)
    rest = st.evaluate(
        trained["none"], held_out, ["fvu"], progress=False, exclusion=StepExclusion(first=1)
    )
    assert read["fvu"].value < 0.05 and rest["fvu"].value > 5 * read["fvu"].value
    assert read["fvu_rows"].value > 2 * read["fvu"].value
    assert read["top_variance"].value > 0.3
    alone = st.evaluate(trained["first"], held_out, ["reconstruction"], progress=False)
    assert alone["fvu"].value < 0.6 * rest["fvu"].value
    assert alone["top_variance"].value < 0.1
    assert alone.about["excluded_steps"]["first"] == 1
    assert recovered(trained["first"]) > recovered(trained["none"])


def test_the_dictionary_keeps_what_was_left_out(store, trained, tmp_path):
    trained["first"].save(tmp_path / "sae")
    again = st.load(tmp_path / "sae")
    assert again.provenance["excluded_steps"]["first"] == 1
    assert "excluded_steps" not in trained["none"].provenance
    report = st.evaluate(again, store, ["l0", "dwell"], progress=False)
    assert report["l0"].value == pytest.approx(3, abs=0.3)  # over kept steps alone
    index = st.index(again, store, out=tmp_path / "index", progress=False)
    for number in (0, 5):
        counts = index.sequence(number).counts
        assert counts[0] == 0 and counts[1:].sum() > 0
    assert (index.column("count").to_numpy().sum()) == sum(
        int(index.sequence(n).counts.sum()) for n in range(SEQUENCES)
    )


def test_a_norm_is_measured_once_and_kept(store, tmp_path):
    sae = train(store, tmp_path / "norm", exclude_norm=10.0)
    saved = sae.provenance["excluded_steps"]
    lengths = torch.cat([store.sequence(n).values for n in range(SEQUENCES)]).norm(dim=1)
    assert saved["norm_limit"] == pytest.approx(10 * float(lengths.median()), rel=0.01)
    kept = StepExclusion.of_provenance(sae.provenance).kept(store.sequence(0).values)
    assert kept.tolist() == [False] + [True] * (TIME - 1)


def test_a_robust_scale_is_that_of_the_other_steps(store, tmp_path):
    with pytest.warns(UserWarning, match=r"decide training"):
        robust = train(store, tmp_path / "robust", robust_scale=True)
    light = heavy()[0][:, 1:].reshape(-1, D)
    spread = float((light - light.mean(0)).square().sum(1).mean().sqrt())
    assert float(robust.normalisation.scale) == pytest.approx(spread, rel=0.2)


def test_impossible_exclusions_are_refused(store, tmp_path):
    with pytest.raises(
        ConfigError, match=r"got first=-1 and norm_above=None, expected a number of"
    ):
        StepExclusion(first=-1)
    with pytest.raises(DataError, match=r"no step is left of 2,400 with StepExclusion\(first=40"):
        list(store.without_steps(StepExclusion(first=TIME)).rows(10))
    with pytest.raises(ConfigError, match="got steps to leave out of a IteratorSource, which samp"):
        train(iter([torch.randn(10, D)]), tmp_path / "x", exclude_first=1)
    with pytest.raises(
        DataError, match=r"got an exclusion of the tokens \[7\] for activations with"
    ):
        StepExclusion(tokens=(7,)).kept(torch.zeros(3, D))
    with pytest.raises(DataError, match=r"no step of .* is left with"):
        sae = st.dictionary("topk", d_in=D, width=48, k=3)
        st.evaluate(sae, store, ["l0"], progress=False, exclusion=StepExclusion(first=TIME))


def test_the_command_line_and_the_run_file_have_them(store, tmp_path):
    from sparsetime.cli.run_file import EvaluateSection, TrainSection
    from sparsetime.config import read_config

    flags = {"store": store.path, "out": "x", "dictionary.recipe": "topk", "dictionary.width": 8}
    own = {"exclude_first": 2, "exclude_tokens": [3, 4], "exclude_norm": 5.0}
    chosen = read_config(None, TrainSection, {**flags, **own}, section="train")
    assert chosen.exclusion == StepExclusion(2, (3, 4), 5.0)
    measured = {"dictionary": "x", "store": store.path}
    evaluated = read_config(None, EvaluateSection, {**measured, **own}, section="evaluate")
    assert evaluated.exclusion() == StepExclusion(2, (3, 4), 5.0)
    assert read_config(None, EvaluateSection, measured, section="evaluate").exclusion() is None
