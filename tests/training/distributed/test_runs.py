"""Runs of two processes: ordinary results, checkpoints for any number, a killed process."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from planted import planted
from process_checks import RUN, odd
from process_pair import free_port, run_together
from small_recipes import small

import sparsetime as st
from sparsetime.files import Folder
from sparsetime.training.checkpoints import Checkpoints

TOLERANCE = 2e-5


def check_equal(one, other):
    weights = other.state_dict()
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, rtol=0, atol=TOLERANCE, msg=name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    names = ("topk", "matryoshka_batch_topk")
    return {n: st.train(small(n), planted(800), out=out / n, snapshots=1, **RUN) for n in names}


@pytest.mark.parametrize("name", ["topk", "matryoshka_batch_topk"])
def test_the_result_on_disk_is_an_ordinary_run(name, found, pair_folder, alone):
    path = pair_folder / "runs" / name
    one = alone[name]
    check_equal(one.dictionary, st.load(path))
    assert sorted(p.name for p in path.iterdir()) == sorted(
        p.name for p in Path(one.path).iterdir()
    )
    lines = st.training.read_metrics(str(path))
    for line, expected in zip(lines, one.metrics, strict=True):
        values = {k: v for k, v in line.items() if k != "seconds"}
        assert values == pytest.approx({k: expected[k] for k in values}, rel=1e-4, abs=1e-6)
    (snapshot,) = st.training.read_snapshots(str(path))
    check_equal(one.snapshots[0].load(), snapshot.load())


def test_parts_of_two_sizes_a_falling_k_and_a_frozen_parameter(found, pair_folder, tmp_path):
    one = st.train(odd(), planted(800), out=tmp_path / "one", **RUN).dictionary
    two = st.load(pair_folder / "runs" / "odd")
    check_equal(one, two)
    assert two.encoder.bias.eq(0).all() and two.encoder.weight.shape == (63, 16)


def test_every_process_ends_with_the_whole_dictionary(found, alone):
    for part in found:
        for name, tensor in alone["topk"].dictionary.state_dict().items():
            weights = part["runs"][f"again/{name}"]
            torch.testing.assert_close(weights, tensor, rtol=0, atol=TOLERANCE, msg=name)


def test_a_checkpoint_of_two_is_read_by_one_and_by_three(found, pair_folder, alone, tmp_path):
    cut = pair_folder / "runs" / "cut"
    assert len(list(cut.glob("checkpoint-*"))) == 2
    latents = frozenset({"dictionary.encoder.weight", "rows_since_fired"})
    whole = Checkpoints(Folder(str(cut))).read(latents)
    assert int(whole["next_step"]) == 20
    assert whole["dictionary.encoder.weight"].shape == (64, 16)
    for number in range(3):
        part = Checkpoints(Folder(str(cut)), number, 3).read(latents)
        assert part.keys() == whole.keys()
        for name, tensor in part.items():
            expected = whole[name]
            if name in latents or expected.shape[:1] == (64,):
                expected = expected[number::3]
            assert torch.equal(tensor, expected), name
    resumed = st.train(small("topk"), planted(800), out=cut, **RUN)
    check_equal(alone["topk"].dictionary, resumed.dictionary)
    assert not list(cut.glob("checkpoint*"))


def test_three_shards_are_joined_and_replace_what_was_there(tmp_path):
    folder, latents = Folder(str(tmp_path)), frozenset({"weight"})
    weight = torch.arange(14.0).reshape(7, 2)
    Checkpoints(folder).write({"weight": weight + 1, "steps": torch.tensor(1)}, 5, latents)
    names = {}

    def write(number):
        def gather(own):
            names[number] = own
            return [names.get(i, own) for i in range(3)]

        part = {"weight": weight[number::3].clone(), "steps": torch.tensor(9)}
        Checkpoints(folder, number, 3, gather=gather).write(part, 9, latents)

    for number in (1, 2, 0):
        write(number)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint-00000009-001-of-003.safetensors",
        "checkpoint-00000009-002-of-003.safetensors",
        "checkpoint-00000009-003-of-003.safetensors",
        "checkpoint.json",
    ]
    found = Checkpoints(folder).read(latents)
    assert torch.equal(found["weight"], weight)
    assert (int(found["steps"]), int(found["next_step"])) == (9, 9)
    damaged = tmp_path / "checkpoint-00000009-002-of-003.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-3] + b"abc")
    with pytest.raises(st.errors.DamagedError, match=r"002-of-003.* (checksum|damaged)"):
        Checkpoints(folder).read(latents)


def test_a_killed_process_stops_all_in_words_and_the_run_resumes(pair_folder, found, tmp_path):
    config = {
        "store": str(pair_folder / "runs" / "store"),
        "held_out": 0,
        "dictionary": {"recipe": "topk", "width": 64, "k": 4},
        **{key: value for key, value in RUN.items() if key != "show"},
    }
    run = tmp_path / "run.yaml"
    run.write_text(yaml.safe_dump({"train": {**config, "out": str(tmp_path / "cut")}}))
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": "2"}
    codes, printed = run_together("killed", tmp_path, environment=meeting)
    assert codes == [2, 9], printed
    assert re.search(r"process 0 of 2 stops: process 1\s+ended, or did not answer", printed[0]), (
        printed
    )
    assert "resumes from its last checkpoint" in " ".join(printed[0].split())
    assert (tmp_path / "cut" / "checkpoint.json").exists()
    torchrun(run)
    cut, whole = st.load(tmp_path / "cut"), st.load(pair_folder / "runs" / "of a store")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, cut.state_dict()[name]), name


def test_a_process_that_hangs_stops_the_others_in_words(found):
    error = found[0]["hanging"]["error"]
    assert re.match(r"process 0 of 2 stops: process 1 ended, or did not answer within", error)


def torchrun(config):
    started = f"torch.distributed.run --nproc-per-node 2 --master-port {free_port()}"
    command = f"{started} -m sparsetime train"
    process = subprocess.run(
        [sys.executable, "-m", *command.split(), "--config", config],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("fvu") == 1  # one process reports
