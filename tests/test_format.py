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
