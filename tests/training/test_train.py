"""The training loop repeats and resumes exactly, trains many as one, and refuses bad input."""

import inspect
import json
import signal
import time
from pathlib import Path

import forked
import pytest
import torch
from interruptions import interrupted_at
from planted import planted

import sparsetime as st
from sparsetime.activations.sources.as_source import as_source
from sparsetime.errors import ConfigError, DamagedError, DataError, MismatchError, StoreError
from sparsetime.files import Folder
from sparsetime.training.config import TrainConfig
from sparsetime.training.run_folder import read_metrics
from sparsetime.training.schedule import warmup_stable_decay

SETTINGS = {"rows": 40 * 64, "batch": 64, "learning_rate": 3e-3, "show": False}
GOLDEN = Path(__file__).parent / "golden_loss.json"


def topk(**settings):
    return st.dictionary(**{"name": "topk", "d_in": 16, "width": 48, "k": 3, **settings})


def same_weights(a, b):
    other = b.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in a.state_dict().items())


def test_the_same_seed_gives_the_same_weights(tmp_path):
    x = planted(800)
    a = st.train(topk(), x, out=tmp_path / "a", **SETTINGS)
    b = st.train(topk(), x, out=tmp_path / "b", **SETTINGS)
    c = st.train(topk(), x, out=tmp_path / "c", **{**SETTINGS, "seed": 1})
    assert same_weights(a.dictionary, b.dictionary)
    assert not same_weights(a.dictionary, c.dictionary)


def test_the_loss_follows_the_committed_curve(tmp_path):
    """Guards refactors: a change of arithmetic that is not meant shows here.

    `python tests/training/test_train.py` writes the curve again when a change is meant.
    """
    expected = json.loads(GOLDEN.read_text())
    for name, curve in expected.items():
        found = golden_curve(name, tmp_path / name)
        assert found == pytest.approx(curve, rel=2e-3), name


def golden_curve(name, out):
    sae = topk(name=name)
    run = st.train(
        sae,
        planted(2000, sequences=20),
        out=out,
        **SETTINGS,
        log_every=8,
        selection_dtype="float32",
    )
    return [round(line["fvu"], 6) for line in run.metrics]


@pytest.mark.parametrize("name", ["batch_topk", "temporal_matryoshka"])
def test_a_run_cut_short_ends_with_the_same_bits(tmp_path, name):
    x = planted(800, sequences=8)
    whole = st.train(topk(name=name), x, out=tmp_path / "whole", **SETTINGS)
    settings = {**SETTINGS, "checkpoint_every": 10}
    baseline = st.train(topk(name=name), x, out=tmp_path / "baseline", **settings)
    with interrupted_at(27):
        st.train(topk(name=name), x, out=tmp_path / "cut", **settings)
    resumed = st.train(topk(name=name), x, out=tmp_path / "cut", **settings)
    assert same_weights(whole.dictionary, baseline.dictionary)
    assert same_weights(resumed.dictionary, whole.dictionary)
    steps = [line["step"] for line in resumed.metrics]
    assert steps == [line["step"] for line in baseline.metrics] == [10, 20, 30, 40]
    strip = lambda lines: [{k: v for k, v in x.items() if k != "seconds"} for x in lines]  # noqa: E731
    assert strip(resumed.metrics) == strip(baseline.metrics)


KILLED = """
from planted import planted
import sparsetime as st
sae = st.dictionary("batch_topk", d_in=16, width=48, k=3)
st.train(sae, planted(800), out=given[0], rows=500 * 64, batch=64, learning_rate=3e-3,
         show=False, checkpoint_every=50, snapshots=6)
"""


def test_a_killed_process_resumes_to_the_same_bits(tmp_path):
    """Killed for real, wherever it was; `rows` is more than it can do before that."""
    cut, whole = str(tmp_path / "cut"), str(tmp_path / "whole")
    process = forked.start(KILLED, cut)
    deadline = time.monotonic() + 120
    while not Path(cut, "checkpoint.safetensors").exists():
        assert process.exitcode is None, "the process ended before it could be killed"
        assert time.monotonic() < deadline, "no checkpoint within two minutes"
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not Path(cut, "dictionary.json").exists()
    for out in (cut, whole):
        finishing = forked.start(KILLED, out)
        finishing.join()
        assert finishing.exitcode == 0
    assert same_weights(st.load(cut), st.load(whole))
    kept = [sorted(Path(out, "snapshots").iterdir()) for out in (cut, whole)]
    assert [path.name for path in kept[0]] == [path.name for path in kept[1]]
    assert len(kept[0]) == 6
    for one, other in zip(*kept, strict=True):
        assert same_weights(st.load(one), st.load(other)), one.name


def test_a_finished_run_is_loaded_not_trained(tmp_path):
    x = planted(800)
    first = st.train(topk(), x, out=tmp_path, **SETTINGS)
    stamp = Path(tmp_path, "dictionary.safetensors").stat().st_mtime_ns
    again = st.train(topk(), x, out=tmp_path, **SETTINGS)
    assert same_weights(first.dictionary, again.dictionary)
    assert Path(tmp_path, "dictionary.safetensors").stat().st_mtime_ns == stamp
    assert again.metrics == first.metrics


def test_trained_together_as_trained_alone(tmp_path):
    x = planted(800, sequences=8)

    def members():
        return [
            topk(),
            topk(k=5, seed=1),
            topk(name="batch_topk", width=32),
            topk(name="temporal_matryoshka"),
        ]

    together = st.train(members(), x, out=tmp_path / "together", **SETTINGS)
    names = [Path(run.path).name for run in together]
    assert names == ["topk_0", "topk_1", "batch_topk", "temporal_matryoshka"]
    for number, member in enumerate(members()):
        alone = st.train(member, x, out=tmp_path / str(number), **SETTINGS)
        assert same_weights(alone.dictionary, together[number].dictionary)


def test_the_record_says_where_activations_came_from(tmp_path):
    run = st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    x = planted(800)
    assert run.dictionary.provenance == {
        "model_name": None,
        "model_hash": None,
        "site": None,
        "trained_on": {
            "fingerprint": as_source(x).fingerprint,
            "store": None,
            "sequences": None,
        },
    }
    assert st.load(tmp_path).provenance == run.dictionary.provenance
    written = Folder(str(tmp_path)).read_json("training.json")
    assert written["config"]["batch"] == 64


def test_a_run_behind_a_url(tmp_path):
    url = f"memory://{tmp_path.name}/run"
    run = st.train(topk(), planted(800), out=url, **SETTINGS)
    assert same_weights(st.load(url), run.dictionary)
    assert [line["step"] for line in read_metrics(url)] == [10, 20, 30, 40]


def test_input_scale_does_not_change_what_is_learnt(tmp_path):
    x = planted(800)
    a = st.train(topk(), x, out=tmp_path / "a", **SETTINGS)
    b = st.train(topk(), x * 1024, out=tmp_path / "b", **SETTINGS)  # a power of two: exact
    torch.testing.assert_close(a.dictionary.atoms, b.dictionary.atoms, rtol=1e-4, atol=1e-5)


def test_dead_latents_are_counted_and_come_back(tmp_path):
    """Latents pushed far below zero never fire by themselves; aux-k brings most of them back."""
    x = planted(2000, active=4)

    def dead(weight, seed):
        sae = topk(k=6, aux_weight=weight, aux_k=8, seed=seed)
        with torch.no_grad():
            sae.encoder.bias[:24] = -1.0
        run = st.train(
            sae,
            x,
            out=tmp_path / f"{weight}_{seed}",
            rows=300 * 64,
            batch=64,
            learning_rate=5e-3,
            dead_after=1280,
            show=False,
        )
        return [line["dead"] for line in run.metrics]

    without, brought_back = ([dead(weight, seed) for seed in range(3)] for weight in (0.0, 1 / 32))
    assert all(counts[3] >= 20 and counts[-1] >= 16 for counts in without)
    assert sum(counts[-1] for counts in brought_back) / 3 <= 4


def test_the_rate_rises_stays_and_falls():
    factors = [warmup_stable_decay(step, 100, 0.1, 0.2) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 11)
    assert factors[10] == factors[79] == 1.0
    assert factors[-1] == pytest.approx(1 / 21)
    assert all(0 < factor <= 1 for factor in factors)
    assert {warmup_stable_decay(step, 10, 0, 0) for step in range(10)} == {1.0}


def test_defaults_are_derived():
    config = TrainConfig(rows=1_000_000, batch=4096)
    assert config.steps == 245
    long = TrainConfig(rows=10**9)
    assert long.rate(2**14) == pytest.approx(2e-4)
    assert long.rate(2**12) == pytest.approx(4e-4)
    assert config.rate(2**12) == pytest.approx(5.6e-3 * (100 / 245) ** 0.25)
    longer = TrainConfig(rows=16_000 * 4096)
    assert longer.rate(2**12) == pytest.approx(5.6e-3 * (100 / 4000) ** 0.25 / 2)
    assert TrainConfig(rows=1).rate(2**12) == pytest.approx(5.6e-3)
    assert TrainConfig(rows=10**9, batch=256).rate(2**12) == pytest.approx(2e-4)
    assert TrainConfig(rows=1, learning_rate=3e-4).rate(2**12) == 3e-4
    assert config.checkpoint_steps == 24


def test_batches_that_run_out_are_said(tmp_path):
    batches = iter([planted(64) for _ in range(3)])
    with pytest.raises(DataError, match="the batches ended after step 3 of 40; give more"):
        st.train(topk(), batches, out=tmp_path, **SETTINGS)


@pytest.mark.parametrize("ready", [False, True])
def test_what_is_advised_where_batches_run_out_is_accepted(ready, tmp_path):
    pieces = [planted(64, seed=seed) for seed in range(40)]

    def batches(count):
        return (st.Batch(x) if ready else x for x in pieces[:count])

    whole = st.train(topk(), batches(40), out=tmp_path / "whole", **SETTINGS)
    with pytest.raises(DataError) as caught:
        st.train(topk(), batches(7), out=tmp_path / "short", **SETTINGS)
    assert "train on these alone with rows=448 and force=True" in str(caught.value)
    again = st.train(topk(), batches(40), out=tmp_path / "short", **SETTINGS)  # from the first on
    assert same_weights(whole.dictionary, again.dictionary)
    with pytest.raises(DataError, match="the batches ended"):
        st.train(topk(), batches(7), out=tmp_path / "less", **SETTINGS)
    fewer = {**SETTINGS, "rows": 448, "force": True}
    run = st.train(topk(), batches(7), out=tmp_path / "less", **fewer)
    assert run.metrics[-1]["rows"] == 448


def test_nan_in_a_batch_is_named(tmp_path):
    def batches():
        yield planted(64)
        bad = planted(64)
        bad[7, 3] = float("nan")
        yield bad

    with pytest.raises(DataError, match="batch 1 holds NaN at row 7"):
        st.train(topk(), batches(), out=tmp_path, **SETTINGS)
    assert not Path(tmp_path, "dictionary.json").exists()


def test_another_run_in_the_folder_is_refused(tmp_path):
    x = planted(800)
    st.train(topk(), x, out=tmp_path, **SETTINGS)
    with pytest.raises(StoreError, match=r"holds another training run: its config differ.*--force"):
        st.train(topk(), x, out=tmp_path, **{**SETTINGS, "batch": 32})
    with pytest.raises(StoreError, match=r"its config differ \(config\.batch, config\.lag\)"):
        st.train(topk(), x, out=tmp_path, **{**SETTINGS, "batch": 32, "lag": 2})
    with pytest.raises(StoreError, match="its dictionary, start differ"):
        st.train(topk(k=4, seed=2), x, out=tmp_path, **SETTINGS)
    st.train(topk(k=4), x, out=tmp_path, force=True, **SETTINGS)
    assert st.load(tmp_path).sparsifier.k == 4


def test_other_data_is_another_run(tmp_path):
    st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    with pytest.raises(StoreError, match="its source differ"):
        st.train(topk(), planted(800, seed=1), out=tmp_path, **SETTINGS)


def test_a_dictionary_stays_with_its_model_and_site(tmp_path):
    sae = topk()
    sae.provenance = {"model_hash": "a" * 64, "site": "h.1"}
    source = as_source(planted(800))
    source.site = "h.2"
    with pytest.raises(MismatchError, match=r"trained on the site 'h\.1', the source gives 'h\.2'"):
        st.train(sae, source, out=tmp_path, **SETTINGS)


def test_the_same_object_resumes_after_an_interruption(tmp_path):
    """As in a notebook, where the cell is run again."""
    settings = {**SETTINGS, "checkpoint_every": 10}
    whole = st.train(topk(), planted(800), out=tmp_path / "whole", **settings)
    sae = topk()
    with interrupted_at(25):
        st.train(sae, planted(800), out=tmp_path / "cut", **settings)
    again = st.train(sae, planted(800), out=tmp_path / "cut", **settings)
    assert same_weights(again.dictionary, whole.dictionary)


def test_a_run_without_a_checkpoint_does_not_start_from_changed_weights(tmp_path):
    sae = topk()
    with interrupted_at(5):
        st.train(sae, planted(800), out=tmp_path, **{**SETTINGS, "checkpoint_every": 10})
    with pytest.raises(StoreError, match=r"its start differ.* re-create it with the same seed"):
        st.train(sae, planted(800), out=tmp_path, **{**SETTINGS, "checkpoint_every": 10})
    st.train(topk(), planted(800), out=tmp_path, **{**SETTINGS, "checkpoint_every": 10})


def test_further_training_keeps_the_scale(tmp_path):
    first = st.train(topk(), planted(800), out=tmp_path / "first", **SETTINGS)
    scale = first.dictionary.normalisation.scale.clone()
    for number, sae in enumerate((first.dictionary, st.load(tmp_path / "first"))):
        run = st.train(sae, 5 * planted(800), out=tmp_path / str(number), **SETTINGS)
        assert torch.equal(run.dictionary.normalisation.scale, scale)


def test_a_trained_dictionary_of_a_file_that_does_not_say_so_is_fitted(tmp_path):
    """Files of 0.1.0."""
    st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    folder = Folder(str(tmp_path))
    config = folder.read_json("dictionary.json")
    assert config.pop("is_fitted")
    folder.write_json("dictionary.json", config, 1)
    assert st.load(tmp_path).is_fitted
    topk().save(tmp_path / "untrained")
    assert not st.load(tmp_path / "untrained").is_fitted


def test_a_resumed_run_keeps_its_selection_dtype(tmp_path, monkeypatch):
    from sparsetime.training import run_settings as module

    st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    kept = Folder(str(tmp_path)).read_json("training.json")["selection_dtype"]
    other = torch.bfloat16 if kept == "float32" else torch.float32
    monkeypatch.setattr(module, "selection_dtype", lambda device, width: other)
    st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    assert Folder(str(tmp_path)).read_json("training.json")["selection_dtype"] == kept


def test_a_broken_checkpoint_is_named(tmp_path):
    folder = Folder(str(tmp_path))
    st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    folder.remove("dictionary.json")
    folder.write_bytes("checkpoint.safetensors", b"no tensors at all")
    with pytest.raises(DamagedError, match=r"checkpoint\.safetensors is not a safetensors file"):
        st.train(topk(), planted(800), out=tmp_path, **SETTINGS)


def test_what_cannot_train_leaves_no_folder(tmp_path):
    with pytest.raises((ConfigError, DataError)):
        st.train(topk(name="temporal_matryoshka"), planted(800), out=tmp_path / "a", **SETTINGS)
    with pytest.raises((ConfigError, DataError)):
        st.train(
            topk(name="temporal_matryoshka"),
            planted(800, sequences=8),
            out=tmp_path / "b",
            **{**SETTINGS, "lag": 500},
        )
    assert not any(tmp_path.iterdir())


def test_a_saved_dictionary_is_not_overwritten(tmp_path):
    topk().save(tmp_path)
    with pytest.raises(StoreError, match="holds a dictionary that no training run here wrote"):
        st.train(topk(), planted(800), out=tmp_path, **SETTINGS)


@pytest.mark.parametrize("several", [False, True])
def test_a_folder_is_asked_for(several):
    one = topk()
    message = "got out=None, expected the path or URL of a folder; give one, such as out='runs/x'"
    with pytest.raises(ConfigError, match=message):
        # Without the check of types, which the suite alone adds.
        inspect.unwrap(st.train)([one] if several else one, planted(100), out=None)


def test_settings_are_checked_before_anything(tmp_path):
    x = planted(100)
    with pytest.raises(ConfigError, match="unknown key 'rowz'; did you mean 'rows'"):
        st.train(topk(), x, out=tmp_path, rowz=1)
    for old, new in (("warmup", "lr_warmup"), ("decay", "lr_decay"), ("clip", "grad_clip")):
        with pytest.raises(ConfigError, match=f"the key '{old}' is now named '{new}'; rename it"):
            st.train(topk(), x, out=tmp_path, **{old: 0.1})
    with pytest.raises(ConfigError, match="'batch': got 0"):
        st.train(topk(), x, out=tmp_path, batch=0)
    with pytest.raises(ConfigError, match="got no dictionaries, expected at least one"):
        st.train([], x, out=tmp_path)
    with pytest.raises(MismatchError, match="width 16, the source gives width 8"):
        st.train(topk(), planted(100, d=8), out=tmp_path)
    assert not any(tmp_path.iterdir())


if __name__ == "__main__":
    import tempfile

    curves = {
        name: golden_curve(name, f"{tempfile.mkdtemp()}/{name}")
        for name in ("topk", "batch_topk", "temporal_matryoshka")
    }
    GOLDEN.write_text(json.dumps(curves, indent=2) + "\n")
