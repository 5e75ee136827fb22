"""Each line of a run's metrics is also given to a function, as TensorBoard and others need it."""

import torch

import sparsetime as st

ROWS = torch.randn(400, 6, generator=torch.Generator().manual_seed(0)) + 1
SETTINGS = {"rows": 1000, "batch": 50, "log_every": 5, "show": False}


def dictionary():
    return st.dictionary("topk", d_in=6, width=16, k=2)


def test_lines_are_those_of_the_file(tmp_path):
    lines = []
    run = st.train(
        dictionary(),
        ROWS,
        out=tmp_path / "run",
        on_log=lambda *line: lines.append(line),
        **SETTINGS,
    )
    assert [folder for folder, _ in lines] == [str(tmp_path / "run")] * 4
    assert [line for _, line in lines] == run.metrics
    assert {"step", "rows", "fvu", "l0", "loss_mse"} <= set(lines[0][1])


def test_each_run_has_its_folder_and_a_finished_one_gives_no_lines(tmp_path):
    lines = []
    members = [dictionary(), st.dictionary("relu_l1", d_in=6, width=16)]
    again = {"out": tmp_path / "runs", "on_log": lambda *line: lines.append(line), **SETTINGS}
    st.train(members, ROWS, **again)
    assert len({folder for folder, _ in lines}) == 2
    count = len(lines)
    st.train(members, ROWS, **again)
    assert len(lines) == count
