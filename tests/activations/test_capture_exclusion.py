"""A capture that leaves steps out: what is stored, what stays whole, and that it resumes alike."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from toy_models import Blocks, bert_folder, llama_lm

import sparsetime as st
from sparsetime.activations import StepExclusion
from sparsetime.cli.run_file import CaptureSection
from sparsetime.config import read_config
from sparsetime.errors import ConfigError, DataError, StoreError
from sparsetime.features.encoding import encode_store
from sparsetime.files import Folder

OPTIONS = {"window": 7, "overlap": 2, "batch": 3, "shard_rows": 16, "progress": False}
SITES = ["enter", "lstm"]


def series():
    generator = torch.Generator().manual_seed(0)
    documents = [torch.randn(n, 3, generator=generator) for n in (9, 20, 3, 7, 12, 1)]
    for at, document in enumerate(documents):
        document[:: 5 + at] *= 60  # heavy steps at places of its own
    return documents


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def compare(whole, part, kept_of):
    """Every sequence of both stores: kept rows are equal, the others NaN, all else is whole."""
    assert len(part) == len(whole) and part.sequences.equals(whole.sequences)
    for i in range(whole.sequences.num_rows):
        mine, theirs = part.sequence(i), whole.sequence(i)
        kept = kept_of(theirs)
        assert mine.kept.tolist() == kept.tolist()
        assert torch.equal(mine.values[kept], theirs.values[kept])
        assert bool(mine.values[~kept].isnan().all())
        assert mine.times.tolist() == theirs.times.tolist()
        assert mine.steps.drop_columns("stored").equals(theirs.steps)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return st.capture(Blocks(), series(), SITES, tmp_path_factory.mktemp("w") / "s", **OPTIONS)


def test_first_steps_of_each_window_of_the_model(whole, tmp_path):
    """Windows of 7 that repeat 2: those after the first store from their third step on."""
    exclusion = StepExclusion(first=3)
    stores = st.capture(Blocks(), series(), SITES, tmp_path / "s", exclusion=exclusion, **OPTIONS)

    def kept_of(sequence):
        at = torch.arange(len(sequence))
        return (at >= 3) & ((at < 7) | ((at - 7) % 5 >= 1))

    for left, right in zip(whole, stores, strict=True):
        compare(left, right, kept_of)
        sampled = torch.cat(list(right.rows(4)))
        expected = sum(int(kept_of(right.sequence(i)).sum()) for i in range(6))
        assert len(sampled) == expected and bool(sampled.isfinite().all())
        assert len(torch.cat(list(right.pairs(4)))) < expected, "pairs do not reach over a gap"


def test_norms_are_compared_with_the_median_of_the_first_shard(whole, tmp_path):
    exclusion = StepExclusion(norm_above=6.0)
    stores = st.capture(Blocks(), series(), SITES, tmp_path / "s", exclusion=exclusion, **OPTIONS)
    left_out = 0
    for left, right in zip(whole, stores, strict=True):
        first = left.read(0, left.manifest.shards[0].rows).double().norm(dim=1)
        limit = 6 * float(first.quantile(0.5))
        assert right.manifest.norm_limit == pytest.approx(limit, rel=1e-9)
        assert right.excluded == StepExclusion(norm_above=6.0, norm_limit=right.manifest.norm_limit)
        compare(left, right, lambda s, limit=limit: s.values.double().norm(dim=1) <= limit)
        left_out += right.manifest.left_out
    assert left_out > 5
    again = st.capture(Blocks(), series(), SITES, tmp_path / "s", exclusion=exclusion, **OPTIONS)
    assert [s.fingerprint for s in again] == [s.fingerprint for s in stores]
    with pytest.raises(StoreError, match=r"capture.exclusion is .*norm_above': 6.0.* there and No"):
        st.capture(Blocks(), series(), SITES, tmp_path / "s", **OPTIONS)
    paired = st.paired_sites(stores)
    rows = torch.cat(list(paired.rows(8, epochs=1)))
    both = [int((stores[0].sequence(i).kept & stores[1].sequence(i).kept).sum()) for i in range(6)]
    assert len(rows) == sum(both) and bool(rows.isfinite().all())


class Stopped(BaseException):
    pass


def test_stopped_at_any_write_it_resumes_to_the_same_bytes(tmp_path, monkeypatch):
    exclusion = StepExclusion(first=1, norm_above=6.0)
    st.capture(Blocks(), series(), SITES, tmp_path / "whole", exclusion=exclusion, **OPTIONS)
    whole = contents(tmp_path / "whole")
    write = Folder.write_bytes
    for last in range(0, len(whole) + 8, 5):
        out = tmp_path / str(last)
        left = [last]

        def stopping(self, name, data, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
            write(self, name, data)

        monkeypatch.setattr(Folder, "write_bytes", stopping)
        with pytest.raises(Stopped):
            st.capture(Blocks(), series(), SITES, out, exclusion=exclusion, **OPTIONS)
        monkeypatch.undo()
        st.capture(Blocks(), iter(series()), SITES, out, exclusion=exclusion, **OPTIONS)
        assert contents(out) == whole


def test_tokens_are_left_out_and_words_stay(tmp_path):
    folder = str(bert_folder(tmp_path / "bert"))
    texts = ["time runs on and on.", "and time stops on time"] * 3
    store = st.capture(
        folder, texts, "encoder.layer.1", tmp_path / "s", progress=False,
        exclusion=StepExclusion(tokens=(7,)),
    )  # fmt: skip
    first = store.sequence(0)
    assert first.steps["token"].to_pylist() == [5, 6, 7, 8, 7, 10]
    assert first.kept.tolist() == [True, True, False, True, False, True]
    assert "of which 9 are left out" in repr(store)
    sae = st.dictionary("topk", d_in=16, width=32, k=2)
    run = st.train(sae, store, out=tmp_path / "sae", rows=40, batch=10, show=False)
    assert run.dictionary.provenance["excluded_steps"]["tokens"] == [7]
    report = st.evaluate(run.dictionary, store, ["fvu", "l0"], progress=False)
    assert 0 <= report["fvu"].value < 1 and report["l0"].value <= 2
    for encoded in encode_store(run.dictionary, store, progress=False):
        assert encoded.kept.tolist() == encoded.stored.kept.tolist()
        assert not encoded.code.dense()[~encoded.kept].any(), "nothing fires where nothing is"


def test_a_splice_leaves_the_models_own_activations_where_the_store_has_none(tmp_path):
    """The window of the loss is the model's: its first steps pass through, others are replaced."""
    model = llama_lm().eval()
    documents = [torch.randint(3, 50, (20,), generator=torch.Generator().manual_seed(n)) for n in range(6)]  # fmt: skip # noqa: E501
    store = st.capture(
        model, documents, "model.layers.0", tmp_path / "s", progress=False,
        exclusion=StepExclusion(first=2),
    )  # fmt: skip
    sae = st.dictionary("topk", d_in=16, width=32, k=2)
    seen = []

    def reconstruct(x):
        seen.append(x)
        return torch.zeros_like(x)

    tokens = torch.stack(documents)
    keep = torch.zeros_like(tokens, dtype=torch.bool)
    keep[:, 0] = True
    values = {}
    for first in (0, 1, 2):
        exclusion = StepExclusion(first=first)
        values[first] = st.metrics.ce_increase(
            model, reconstruct, tokens, "model.layers.0", keep=keep, exclusion=exclusion
        )
    by_hand = keep.clone()
    by_hand[:, 1:3] = True  # two steps behind the one that is kept
    expected = st.metrics.ce_increase(model, reconstruct, tokens, "model.layers.0", keep=by_hand)
    assert values[2].value == pytest.approx(expected.value, abs=1e-6)
    assert len({round(one.value, 5) for one in values.values()}) == 3
    options = {"model": model, "context": 10, "progress": False}
    report = st.evaluate(sae, store, ["ce_increase"], **options)
    merged = st.evaluate(sae, store, ["ce_increase"], **options, exclusion=StepExclusion(first=2))
    assert report["ce_increase"].value == merged["ce_increase"].value


def test_what_cannot_be_left_out_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"exclusion of the tokens \[7\] for documents of values"):
        st.capture(
            Blocks(), series(), SITES, tmp_path / "a", exclusion=StepExclusion(tokens=(7,)),
            **OPTIONS,
        )  # fmt: skip
    with pytest.raises(DataError, match=r"no step is left of 52 with StepExclusion\(first=30"):
        st.capture(
            Blocks(), series(), "enter", tmp_path / "b", exclusion=StepExclusion(first=30),
            **OPTIONS,
        )  # fmt: skip
    with pytest.raises(ConfigError, match=r"got norm_limit=3.0 without norm_above"):
        StepExclusion(norm_limit=3.0)


def test_the_run_file_has_it():
    flags = {"model": "m", "data": ["x"], "site": "a", "out": "o", "exclude_norm": 8.0}
    chosen = read_config(None, CaptureSection, {**flags, "exclude_norm_limit": 40.0}, "capture")
    assert chosen.exclusion() == StepExclusion(norm_above=8.0, norm_limit=40.0)
    assert json.loads(json.dumps(chosen.exclusion().to_config()))["norm_limit"] == 40.0
