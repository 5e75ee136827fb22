"""Batches that hold more than rows, and where they come from."""

import pytest
import torch
from small_model import write_model, write_texts

import sparsetime as st
from sparsetime.activations.sampling.batch import HOW_TO_PROVIDE
from sparsetime.activations.sampling.batching import IN_TIME, batches, check_source_fields
from sparsetime.activations.sources.as_source import as_source
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError


def numbered(*shape, offset=0.0):
    """Every row says its number in every dimension."""
    rows = torch.arange(torch.Size(shape[:-1]).numel(), dtype=torch.float32)
    return (rows[:, None] + offset).expand(-1, shape[-1]).reshape(shape).clone()


def test_fields_keep_their_rows_together():
    fields = {
        "x": numbered(50, 3),
        "target": numbered(50, 5, offset=0.5),
        "labels": torch.arange(50),
        "gradient": numbered(50, 3, offset=0.25),
    }
    source = as_source(fields)
    assert (source.d, len(source), source.fields) == (3, 50, fields.keys() - {"x"})
    seen = []
    for batch in batches(source, frozenset({"target"}), 16, seed=3):
        assert torch.equal(batch.x[:, 0] + 0.5, batch.target[:, 4])
        assert torch.equal(batch.x[:, 0].long(), batch.labels)
        assert torch.equal(batch.x + 0.25, batch.gradient)
        seen += batch.labels.tolist()
    assert sorted(seen) == list(range(50)) != seen
    again = [b.labels for b in batches(source, frozenset(), 16, seed=3, skip=1)]
    assert torch.cat(again).tolist() == seen[16:]


def test_fields_with_time_give_neighbours_too():
    fields = {"x": numbered(4, 10, 2), "labels": torch.arange(40).reshape(4, 10, 1)}
    source = as_source(fields)
    assert source.fields == {"labels", "earlier", "segments"}
    rows = 0
    for batch in batches(source, frozenset({"earlier"}), 8, lag=2):
        assert torch.equal(batch.earlier, batch.x - 2)
        assert torch.equal(batch.labels, batch.x[:, 0].long())
        rows += batch.rows
    assert rows == 4 * 8
    assert next(source.pairs(3)).shape == (3, 2, 2)
    assert next(source.windows(2, length=5))[0].shape == (2, 5, 2)
    assert next(source.rows(7)).shape == (7, 2)


def test_equal_fields_have_one_fingerprint():
    fields = {"x": numbered(6, 2), "target": numbered(6, 3)}
    one, same = as_source(fields).fingerprint, as_source(dict(fields)).fingerprint
    others = [{**fields, "target": fields["target"] + 1}, {"x": fields["x"]}]
    assert one == same and len({one, *(as_source(o).fingerprint for o in others)}) == 3


def test_plain_sources_give_rows_and_pairs():
    x = numbered(3, 10, 2)
    (batch,) = batches(as_source(x), frozenset(), 30)
    assert batch.fields == frozenset() and batch.site_rows is batch.x
    pair = next(batches(as_source(x), frozenset({"earlier"}), 4))
    assert torch.equal(pair.earlier, pair.x - 1)
    assert torch.equal(pair.site_rows[0::2], pair.earlier) and torch.equal(
        pair.site_rows[1::2], pair.x
    )


def test_ready_batches_come_as_they_are():
    made = [st.Batch(numbered(4, 2, offset=i), downstream=torch.sum) for i in range(5)]
    source = as_source(iter(made))
    assert source.fields == {"downstream"} and source.d == 2
    found = list(batches(source, frozenset({"downstream"}), 4, skip=2, epochs=None))
    assert found == made[2:]
    with pytest.raises(DataError, match=r"batch 0 .* has 4 rows and 8 are wanted: pass batch=4"):
        list(batches(as_source(iter(made)), frozenset(), 8))
    mixed = iter([made[0], st.Batch(numbered(4, 2))])
    with pytest.raises(DataError, match="needs downstream, which batch 1 of the iterator does not"):
        list(batches(as_source(mixed), frozenset({"downstream"}), 4))
    with pytest.raises(ConfigError, match="give them `earlier`"):
        source.pairs(4)
    with pytest.raises(ConfigError, match="no order of time"):
        source.windows(4, length=2)
    with pytest.raises(
        ConfigError,
        match="got epochs=2, expected 1 with an iterator of batches, which can be read once",
    ):
        list(batches(source, frozenset(), 4, epochs=2))


@pytest.mark.parametrize("name", HOW_TO_PROVIDE)
def test_what_is_lacking_is_said_with_how_to_give_it(name):
    rows = torch.ones(4, 2)
    # Rows of a tensor may follow each other in time; only fields say that they do not.
    source = as_source({"x": rows} if name in IN_TIME else rows)
    said = f"it needs {name}, which .*{type(source).__name__}.* does not give. Give "
    with pytest.raises(DataError, match=said):
        check_source_fields(source, frozenset({name}), "it")


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"x": torch.ones(4, 2), "targt": 1}, UnknownNameError, "'targt': did you mean 'target'"),
        (
            {"target": torch.ones(4, 2)},
            DataError,
            "got the fields target, expected tensors by name, x among them",
        ),
        ({"x": torch.ones(4)}, DataError, r"x must be floating point .* it is float32 \[4\]"),
        (
            {"x": torch.ones(4, 2), "target": torch.ones(5, 2)},
            DataError,
            r"target has shape \[5, 2\], and x \[4, 2\]: they must agree",
        ),
        (
            {"x": torch.ones(4, 2), "labels": torch.ones(4)},
            DataError,
            "got floating-point labels, expected whole",
        ),
        (
            {"x": torch.ones(2, 2), "labels": torch.tensor([1, 1 << 24])},
            DataError,
            "got labels up to .*, expected labels below 16,777,216",
        ),
        (
            {"x": torch.ones(2, 2), "target": torch.tensor([[1.0], [float("nan")]])},
            DataError,
            "the target holds NaN at row 1",
        ),
    ],
)
def test_fields_that_cannot_be_used(fields, error, text):
    with pytest.raises(error, match=text):
        as_source(fields)


def test_a_batch_of_uneven_rows_is_refused():
    with pytest.raises(DataError, match=r"x has 3, target has shape \[2, 4\]"):
        st.Batch(torch.ones(3, 2), target=torch.ones(2, 4))


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites")
    write_model(folder / "model")
    write_texts(folder / "texts")
    texts = [path.read_text() for path in sorted((folder / "texts").iterdir())]
    names = ["encoder.layer.0", "encoder.layer.1"]

    def capture(documents, out):
        return st.capture(folder / "model", documents, names, folder / out, progress=False)

    return capture(texts, "all"), capture(texts[:-1], "fewer"), folder


def test_stores_of_several_sites_are_aligned(sites):
    (one, two), _, _ = sites
    source = st.paired_sites(x=one, target=two)
    assert source.field_widths == {"x": one.d, "target": two.d}
    assert source.site == f"{one.site} -> {two.site}" and source.model_hash == one.model_hash
    whole = {tuple(a.tolist()): b for a, b in zip(one.read(0, 99), two.read(0, 99), strict=True)}
    found = 0
    for batch in batches(source, frozenset({"target"}), 64):
        for x, target in zip(batch.x, batch.target, strict=True):
            if tuple(x.tolist()) in whole:
                assert torch.equal(whole[tuple(x.tolist())], target)
                found += 1
    assert found >= 90
    joined = st.paired_sites(x=[one, two])
    assert joined.d == one.d + two.d and joined.site == f"{one.site} + {two.site}"
    assert joined.fingerprint != source.fingerprint
    held = [store.split(0.3, seed=1)[1] for store in (one, two)]
    assert len(st.paired_sites(*held)) == len(held[0])


def test_stores_that_do_not_belong_together_are_refused(sites):
    (one, two), (fewer, _), _ = sites
    with pytest.raises(MismatchError, match="split all stores alike, or none"):
        st.paired_sites(x=one, target=fewer)
    with pytest.raises(MismatchError, match=r"hold other sequences: .* stands where"):
        st.paired_sites(x=one.split(0.5, seed=1)[0], target=two.split(0.5, seed=2)[0])
    with pytest.raises(ConfigError, match="paired_sites takes stores, or lists of stores"):
        st.paired_sites(x=[])
