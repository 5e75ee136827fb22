"""The shuffle buffer: its size by the memory that is left, and as it is set from training."""

import pytest
import torch
from small_store import write_store

import sparsetime as st
from sparsetime.activations.sampling import buffer_bytes as buffer_module
from sparsetime.activations.sampling.available_memory import available_memory
from sparsetime.activations.sampling.buffer_bytes import MOST, buffer_bytes
from sparsetime.activations.sampling.shuffle import Shuffle
from sparsetime.activations.store.open_store import open_store
from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder

MEBIBYTE = 1 << 20
MACHINE = {"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   4096000 kB\n"}
SYSTEMS = {  # files below the root, and the mebibytes that are left
    "no limit": ({**MACHINE, "proc/self/cgroup": "0::/a\n"}, 4000),
    "version 2": (
        {
            **MACHINE,
            "proc/self/cgroup": "0::/user/job\n",
            "sys/fs/cgroup/user/job/memory.max": f"{700 * MEBIBYTE}\n",
            "sys/fs/cgroup/user/job/memory.current": f"{500 * MEBIBYTE}\n",
            "sys/fs/cgroup/user/job/memory.stat": f"anon 1\ninactive_file {100 * MEBIBYTE}\n",
        },
        300,
    ),
    "version 2, limited further up": (
        {
            **MACHINE,
            "proc/self/cgroup": "0::/user/job\n",
            "sys/fs/cgroup/user/job/memory.max": "max\n",
            "sys/fs/cgroup/user/memory.max": f"{600 * MEBIBYTE}\n",
            "sys/fs/cgroup/user/memory.current": "0\n",
            "sys/fs/cgroup/user/memory.stat": "inactive_file 0\n",
        },
        600,
    ),
    "a container, which sees its own group at the base": (
        {
            **MACHINE,
            "proc/self/cgroup": "0::/docker/0123\n",
            "sys/fs/cgroup/memory.max": f"{800 * MEBIBYTE}\n",
            "sys/fs/cgroup/memory.current": "0\n",
            "sys/fs/cgroup/memory.stat": "inactive_file 0\n",
        },
        800,
    ),
    "version 1": (
        {
            **MACHINE,
            "proc/self/cgroup": "5:cpu,cpuacct:/job\n4:memory:/job\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{700 * MEBIBYTE}\n",
            "sys/fs/cgroup/memory/job/memory.usage_in_bytes": f"{650 * MEBIBYTE}\n",
            "sys/fs/cgroup/memory/job/memory.stat": f"total_inactive_file {50 * MEBIBYTE}\n",
        },
        100,
    ),
    "more used than allowed": (
        {
            **MACHINE,
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/job/memory.max": "1000\n",
            "sys/fs/cgroup/job/memory.current": "2000\n",
            "sys/fs/cgroup/job/memory.stat": "inactive_file 0\n",
        },
        0,
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_memory_left_is_the_least_of_what_all_limits_leave(name, tmp_path, monkeypatch):
    files, mebibytes = SYSTEMS[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert available_memory(tmp_path) == mebibytes * MEBIBYTE


def test_this_machine_says_what_it_has_left():
    left = available_memory()
    assert left is not None and 10 * MEBIBYTE < left < 1 << 50


@pytest.mark.parametrize(
    ("left", "size"),
    [
        (None, MOST),
        (100 * 10**9, MOST),
        (2048 * 10**6, MOST),
        (2047 * 10**6, MOST // 2),
        (300 * 10**6, MOST // 8),
        (10**6, 16 * 10**6),
        (0, 16 * 10**6),
    ],
)
def test_the_buffer_is_at_most_a_quarter_of_the_memory_left(left, size, monkeypatch):
    monkeypatch.setattr(buffer_module, "available_memory", lambda: left)
    assert buffer_bytes() == size
    assert buffer_bytes("100MB") == 100 * 10**6


def test_training_takes_its_size_and_keeps_it_when_it_resumes(tmp_path, monkeypatch):
    """Where rows do not fit into the buffer, their order depends on its size."""
    store = write_store(tmp_path / "activations", [700, 800, 500], shard_rows=300)
    sizes = []
    made = Shuffle.__init__

    def noted(self, kind, reader, segments, seed, memory, first_rows):
        sizes.append(memory)
        made(self, kind, reader, segments, seed, memory, first_rows)

    monkeypatch.setattr(Shuffle, "__init__", noted)
    monkeypatch.setattr(buffer_module, "available_memory", lambda: 300 * 10**6)
    settings = {"rows": 3000, "batch": 100, "show": False, "checkpoint_every": 5}

    def trained(out, **more):
        sae = st.dictionary("topk", d_in=3, width=8, k=2)
        return st.train(sae, open_store(store.path), out=out, **settings, **more)

    trained(tmp_path / "small", shuffle_buffer="20KB")
    trained(tmp_path / "left")
    assert sizes == [20_000, MOST // 8]
    record = Folder(str(tmp_path / "left"))
    assert record.read_json("training.json")["shuffle_buffer"] == MOST // 8
    for name in ("dictionary.json", "dictionary.safetensors"):
        record.remove(name)
    monkeypatch.setattr(buffer_module, "available_memory", lambda: None)
    trained(tmp_path / "left")
    assert sizes[2:] == [MOST // 8]
    record.remove("dictionary.json")
    with pytest.raises(StoreError, match=r"shuffle_buffer differ.*\(config\.shuffle_buffer\)"):
        trained(tmp_path / "left", shuffle_buffer="1GB")


def test_paired_sites_take_the_size_too(tmp_path):
    stores = [write_store(tmp_path / name, [50, 60]) for name in "ab"]
    source = st.paired_sites(*stores)
    whole, mixed = (
        torch.cat(list(one.rows(10))) for one in (source, source.with_shuffle_buffer(1234))
    )
    assert not torch.equal(whole, mixed)
    assert torch.equal(whole.sort(0).values, mixed.sort(0).values)


def test_what_is_no_size_is_refused_before_training(tmp_path):
    with pytest.raises(ConfigError, match="got memory='much', expected a size such as '512MB'"):
        st.train(
            st.dictionary("topk", d_in=3, width=8, k=2), torch.randn(100, 3), out=tmp_path,
            rows=100, batch=10, shuffle_buffer="much",
        )  # fmt: skip
