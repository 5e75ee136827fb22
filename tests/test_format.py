"""The files of a run are as docs/format.md says, read by it without sparsetime."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from known_codes import make_store
from safetensors import safe_open

import sparsetime as st
from sparsetime.activations import StepExclusion
from sparsetime.features import ColumnDefinition

PAGE = (Path(__file__).parents[1] / "docs/format.md").read_text(encoding="utf-8")
WORDS = "the cat sat on a mat and the dog ran"
WIDTH, D, K = 24, 6, 3
JSON_TYPES = {
    "string": str, "int": int, "bool": bool, "object": dict, "array": list,
    "number or null": (int, float, type(None)), "array or null": (list, type(None)),
}  # fmt: skip


def documented(heading):
    """Names and types of the first table below a heading of the page."""
    section = re.search(rf"^### {re.escape(heading)}$(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    assert section is not None, f"docs/format.md has no section {heading}"
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section[1], re.M)
    return {name: kind.strip() for name, kind in rows}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = tmp_path_factory.mktemp("format")
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randn(10, D, generator=generator) * 2 + 1 for _ in range(3)]
    store = make_store(run / "store", rows, texts=[WORDS] * 3, labels=[{"n": n} for n in range(3)])
    for recipe in ("topk", "batch_topk"):
        sae = st.dictionary(recipe, d_in=D, width=WIDTH, k=K)
        st.dictionaries.init_from_data(sae, torch.cat(rows))
        if recipe == "batch_topk":
            sae.sparsifier.threshold.fill_(0.05)
        sae.save(run / recipe)
        index = st.index(sae, store, out=run / recipe / "features", progress=False)
    score = ColumnDefinition("score", "float64", "of raters", source="survey")
    index.add_table("raters", {"feature": range(WIDTH), "score": np.ones(WIDTH)}, [score])
    return run


RECORDS = {
    "manifest.json": "store/manifest.json",
    "dictionary.json": "topk/dictionary.json",
    "index.json": "topk/features/index.json",
    "tables/NAME.json": "batch_topk/features/tables/raters.json",
}
TABLES = {
    "sequences.parquet": "store/sequences.parquet",
    "shards/NNNNNN.parquet": "store/shards/000000.parquet",
    "codes.parquet": "topk/features/codes.parquet",
    "examples.parquet": "topk/features/examples.parquet",
    "features.parquet": "topk/features/features.parquet",
    "sequences.parquet of an index": "topk/features/sequences.parquet",
}


@pytest.mark.parametrize("heading", RECORDS)
def test_a_record_has_the_keys_of_the_page(run, heading):
    record = json.loads((run / RECORDS[heading]).read_bytes())
    known = documented(heading)
    assert set(record) == set(known)
    assert next(iter(record)) == "checksum"
    for name, kind in known.items():
        assert isinstance(record[name], JSON_TYPES[kind]), name


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_has_the_columns_of_the_page(run, heading):
    schema = pq.read_schema(run / TABLES[heading])
    assert {field.name: str(field.type) for field in schema} == documented(heading)


def test_every_file_has_the_mark_of_its_bytes(run):
    files = [p for p in run.rglob("*") if p.suffix in {".json", ".parquet", ".safetensors"}]
    files = [path for path in files if not path.name.startswith(".")]
    assert len(files) > 12
    for path in files:
        data = path.read_bytes()
        mark = re.search(rb"sparsetime:(\d+):([0-9a-f]{8}):crc32", data)
        assert mark is not None, path
        # Parquet keeps its metadata twice; both hold the mark.
        zeroed = data.replace(mark[0], mark[0].replace(mark[2], b"00000000"))
        assert zlib.crc32(zeroed) == int(mark[2], 16), path


def test_shards_have_the_sums_and_rows_of_the_manifest(run):
    manifest = json.loads((run / "store/manifest.json").read_bytes())
    assert manifest["complete"] is True
    table = pq.read_table(run / "store/sequences.parquet").to_pydict()
    assert table["first_row"] == list(np.cumsum([0, *table["length"]])[:-1])
    assert sum(table["length"]) == manifest["rows"] == sum(s["rows"] for s in manifest["shards"])
    assert [json.loads(labels) for labels in table["labels"]] == [{"n": n} for n in range(3)]
    for shard in manifest["shards"]:
        for suffix, record in shard["files"].items():
            data = (run / f"store/shards/{shard['name']}.{suffix}").read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == tuple(record.values())
    steps = pq.read_table(run / "store/shards/000000.parquet").to_pydict()
    assert steps["position"] == [*range(10)] * 3
    word = slice(steps["char_start"][1], steps["char_end"][1])
    assert table["text"][0][word] == "cat"


def tensors(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name).double() for name in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("recipe", ["topk", "batch_topk"])
def test_codes_follow_from_the_equations_of_the_page(run, recipe):
    record = json.loads((run / recipe / "dictionary.json").read_bytes())
    weights = (run / recipe / "dictionary.safetensors").read_bytes()
    assert record["sha256"] == hashlib.sha256(weights).hexdigest()
    t = tensors(run / recipe / "dictionary.safetensors")
    assert set(documented("dictionary.safetensors")) <= set(t)
    x = tensors(run / "store/shards/000000.safetensors")["activations"]
    scale, offset = t["normalisation.scale"], t["decoder.bias"]
    pre = (x / scale - offset) @ t["encoder.weight"].T + t["encoder.bias"]
    if recipe == "topk":
        least = pre.topk(K, dim=1).values[:, -1:]
        code = pre.relu() * (pre >= least)
    else:
        code = pre.relu() * (pre > t["sparsifier.threshold"])
    codes = pq.read_table(run / recipe / "features/codes.parquet").to_pydict()
    order = list(zip(codes["sequence"], codes["position"], codes["feature"], strict=True))
    assert order == sorted(order)
    found = torch.zeros_like(code)
    row = [10 * s + p for s, p in zip(codes["sequence"], codes["position"], strict=True)]
    found[row, codes["feature"]] = torch.tensor(codes["value"], dtype=torch.float64)
    torch.testing.assert_close(found, code, rtol=1e-5, atol=1e-6)
    output = scale * (offset + code @ t["decoder.weight"])
    ours = st.load(run / recipe)(x.float())
    torch.testing.assert_close(ours.double(), output, rtol=1e-5, atol=1e-5)
    features = pq.read_table(run / recipe / "features/features.parquet").to_pydict()
    assert features["count"] == (code != 0).sum(0).tolist()
    torch.testing.assert_close(torch.tensor(features["max"]).double(), code.max(0).values,
                               rtol=1e-5, atol=1e-6)  # fmt: skip


def test_every_table_of_the_page_is_compared():
    headings = set(re.findall(r"^### (.+)$", PAGE, re.M))
    by_tensor = {"shards/NNNNNN.safetensors", "dictionary.safetensors"}
    assert headings == {*RECORDS, *TABLES, *by_tensor}


def test_objects_within_records_have_the_keys_of_the_page(run):
    manifest = json.loads((run / "store/manifest.json").read_bytes())
    assert manifest["sequence_table"].keys() == {"bytes", "sha256"}
    assert manifest["schema_version"] == 1
    for shard in manifest["shards"]:
        assert shard.keys() == {"name", "rows", "begun", "planned_rows", "files"}
        assert {"safetensors", "parquet"} <= shard["files"].keys()
    table = (run / "store/sequences.parquet").read_bytes()
    known = {"bytes": len(table), "sha256": hashlib.sha256(table).hexdigest()}
    assert manifest["sequence_table"] == known
    index = json.loads((run / "topk/features/index.json").read_bytes())
    assert index["subject"].keys() == {"dictionary", "store", "sequences"}
    for name, record in index["files"].items():
        data = (run / "topk/features" / name).read_bytes()
        size, block = record["bytes"], record["block"]
        sums = [f"{zlib.crc32(data[at : at + block]):08x}" for at in range(0, size, block)]
        assert (record.keys(), len(data), sums) == (
            {"bytes", "block", "crc32"}, size, record["crc32"],
        )  # fmt: skip
    score = json.loads((run / "batch_topk/features/tables/raters.json").read_bytes())
    assert all(column.keys() >= {"name", "dtype", "definition"} for column in score["columns"])
    kinds = [json.loads((run / "topk/dictionary.json").read_bytes())[n] for n in PARTS]
    assert all("kind" in part for part in kinds)


PARTS = ("encoder", "sparsifier", "decoder")


def test_tensors_have_the_dtypes_and_shapes_of_the_page(run, tmp_path):
    with safe_open(run / "store/shards/000000.safetensors", "pt") as file:
        activations = file.get_tensor("activations")
    manifest = json.loads((run / "store/manifest.json").read_bytes())
    assert str(activations.dtype) == f"torch.{manifest['dtype']}"
    assert activations.shape == (manifest["rows"], manifest["d"])
    shapes = {
        name: list(t.shape) for name, t in tensors(run / "topk/dictionary.safetensors").items()
    }
    assert shapes.pop("normalisation.scale") == []
    assert shapes.pop("decoder.bias") == [D]
    assert shapes == {
        "encoder.weight": [WIDTH, D], "encoder.bias": [WIDTH], "decoder.weight": [WIDTH, D],
    }  # fmt: skip
    assert tensors(run / "batch_topk/dictionary.safetensors")["sparsifier.threshold"].dim() == 0
    st.dictionary("cross_layer_transcoder", d_in=D, width=12, sites=2, k=2).save(tmp_path)
    assert tensors(tmp_path / "dictionary.safetensors")["normalisation.scale"].shape == (D,)


@pytest.mark.parametrize(
    ("recipe", "settings", "optional"),
    [
        ("topk", {}, {}),
        ("transcoder", {}, {"out_dims": [D]}),
        ("cross_layer_transcoder", {"sites": 2}, {"in_dims": [3, 3], "out_dims": [3, 3]}),
        (
            "skip_transcoder",
            {},
            {"out_dims": [D], "skip": {"kind": "linear", "d_in": D, "d_out": D}},
        ),
    ],
)
def test_optional_keys_are_those_of_the_page(tmp_path, recipe, settings, optional):
    st.dictionary(recipe, d_in=D, width=12, k=2, **settings).save(tmp_path)
    record = json.loads((tmp_path / "dictionary.json").read_bytes())
    # A new dictionary has seen no data, so `is_fitted` is absent.
    extra = {key: record[key] for key in record.keys() - documented("dictionary.json").keys()}
    assert extra == optional
    assert documented("dictionary.json").keys() - record.keys() == {"is_fitted"}
    assert all(f"`{key}`" in PAGE for key in optional)


def test_steps_that_are_left_out_are_marked(tmp_path):
    rows = torch.randn(20, D, generator=torch.Generator().manual_seed(0))
    rows[7] *= 1000
    model = torch.nn.Sequential(torch.nn.Identity())
    exclusion = StepExclusion(norm_above=10.0, norm_limit=100.0)
    out = tmp_path / "store"
    st.capture(model, [rows], "0", out=out, exclusion=exclusion, progress=False)
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert (manifest["schema_version"], manifest["left_out"], manifest["rows"]) == (2, 1, 20)
    assert manifest["norm_limit"] == 100.0
    stored = pq.read_table(out / "shards/000000.parquet")["stored"]
    assert str(stored.type) == "bool"
    assert stored.to_pylist() == [step != 7 for step in range(20)]
    with safe_open(out / "shards/000000.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("activations"), torch.cat([rows[:7], rows[8:]]))
