"""A store behind a URL: only what is read is fetched, checked, kept on disk and read ahead."""

import threading

import pytest
import torch
from range_server import serving
from small_store import shards_of, writer_at

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, StoreError
from sparsetime.files.block_cache import BlockCache, default_folder

D, ROWS = 256, 6000  # 6 MB in two shards of 3 blocks and a rest each


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    out = tmp_path_factory.mktemp("served") / "s"
    writer = writer_at(out, D)
    for x, steps, table in shards_of([200] * 30, ROWS // 2, D):
        writer.append(x, steps, table)
    return writer.finish()


@pytest.fixture
def server(local):
    from pathlib import Path

    with serving(Path(local.path)) as running:
        yield running


def fetched(server):
    return sum(size for name, size in server.asked if name.endswith(".safetensors"))


def test_only_the_blocks_of_the_rows_are_fetched_and_only_once(local, server, tmp_path):
    store = st.open_store(server.url, cache=tmp_path / "cache")
    assert fetched(server) == 0 and len(store) == ROWS
    assert torch.equal(store.sequence(3).values, local.sequence(3).values)
    first = fetched(server)
    assert 0 < first <= 3 << 20, "the block of the header, and those of the rows"
    assert torch.equal(store.sequence(3).values, local.sequence(3).values)
    assert torch.equal(store.read(2900, 3100), local.read(2900, 3100)), "over two shards"
    assert torch.equal(store.read(0, ROWS), local.read(0, ROWS))
    whole = fetched(server)
    assert whole < 1.05 * ROWS * D * 4
    again = st.open_store(server.url, cache=tmp_path / "cache")
    assert torch.equal(again.read(0, ROWS), local.read(0, ROWS))
    assert fetched(server) == whole, "another process has the cache too"


def test_every_sample_is_that_of_the_local_store(local, server, tmp_path):
    store = st.open_store(server.url, cache=tmp_path / "cache")
    for memory in (1 << 20, None):
        for mine, theirs in zip(
            store.rows(500, memory=memory), local.rows(500, memory=memory), strict=True
        ):
            assert torch.equal(mine, theirs)


def test_the_next_pool_is_fetched_while_this_one_is_used(local, server, tmp_path):
    store = st.open_store(server.url, cache=tmp_path / "cache")
    rows = store.rows(100, memory=1 << 20)
    next(rows)
    first_pool = 1 << 20
    for _ in range(100):
        if fetched(server) > 2 * first_pool:
            break
        threading.Event().wait(0.05)
    assert fetched(server) > 2 * first_pool, "more than the first pool and the blocks around it"


def test_a_damaged_block_is_named_and_a_damaged_cache_fetched_again(local, server, tmp_path):
    cache = tmp_path / "cache"
    store = st.open_store(server.url, cache=cache)
    store.read(0, 3000)
    for path in cache.rglob("*.block"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    before = fetched(server)
    assert torch.equal(st.open_store(server.url, cache=cache).read(0, 3000), local.read(0, 3000))
    assert fetched(server) > before

    def flipped(name, data):
        if name.endswith(".safetensors"):
            data = bytearray(data)
            data[2 << 20] ^= 1
        return bytes(data)

    server.damage = flipped
    with pytest.raises(
        DamagedError, match=r"000001.safetensors is damaged: its bytes from 2,097,152 o"
    ):
        store.read(3000, ROWS)


def test_the_cache_keeps_its_limit_and_what_was_used_last(tmp_path):
    cache = BlockCache(tmp_path, 10_000)
    import os
    import zlib

    blocks = [bytes([n]) * 1000 for n in range(12)]
    sums = [f"{zlib.crc32(block):08x}" for block in blocks]
    for n in range(10):
        cache.write(f"b{n}", sums[n], blocks[n])
        os.utime(tmp_path / f"b{n}-{sums[n]}.block", ns=(n, n))
    assert cache.read("b0", sums[0]) == blocks[0], "it is used now"
    cache.write("b10", sums[10], blocks[10])
    assert cache.read("b0", sums[0]) == blocks[0] and cache.read("b10", sums[10]) == blocks[10]
    assert cache.read("b1", sums[1]) is None and cache.read("b2", sums[2]) is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    with pytest.raises(ConfigError, match=r"got a cache of 0 bytes, expected a positive size"):
        BlockCache(tmp_path, 0)
    assert default_folder().parts[-2:] == ("sparsetime", "blocks")


def test_a_cache_that_cannot_be_written_keeps_nothing(local, server, tmp_path):
    (tmp_path / "file").write_text("in its place")
    store = st.open_store(server.url, cache=tmp_path / "file")
    assert torch.equal(store.read(0, ROWS), local.read(0, ROWS))


def test_a_server_without_ranges_is_read_all_the_same(local, tmp_path):
    from pathlib import Path

    with serving(Path(local.path), ranges=False) as server:
        store = st.open_store(server.url, cache=tmp_path / "cache")
        assert torch.equal(store.read(10, 20), local.read(10, 20))


def test_a_server_that_ends_is_said(local, server, tmp_path):
    store = st.open_store(server.url, cache=tmp_path / "cache")
    store.read(0, 10)
    server.damage = lambda name, data: data[:100] if name.endswith("safetensors") else data
    with pytest.raises(StoreError, match=r"000000.safetensors .*(truncated|cannot be read)"):
        store.read(2500, 2600)
