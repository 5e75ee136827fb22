"""Before the first step: processes that differ, dictionaries that cannot be divided, folders."""

import pytest

EXPECTED = {
    "settings": r"ProcessError: got processes that differ: "
    r".*config.learning_rate is 0.001 on process 0 and 0.002 on process 1",
    "data": r"ProcessError: got processes that differ: .*source.fingerprint is ",
    "batches": r"ProcessError: got processes that differ: .*batch 0 of this session is ",
    "a later batch": r"ProcessError: got processes that differ: .*batch 5 of this session is ",
    "a shorter batch": r"ProcessError: got processes that differ: .*batch 5 of this session is ",
    "weights": r"ProcessError: got processes that differ: .*start is ",
    "code": r"ProcessError: .*code of sparsetime is 0 on process 0 and 1 on process 1",
    "width": r"ProcessError: got processes that differ: .*width is 128 on process 0 and 64",
    "kron_sae": r"ConfigError: got latents of the dictionary 'kron_sae' to divide among 2 "
    r"processes, but its encoder 'kronecker' cannot be divided: a latent's weights are products",
    "mp_sae": r"its encoder 'matching_pursuit' cannot be divided: it selects the latents of a row "
    r"one after another",
    "top_afa": r"its sparsifier 'top_afa' cannot be divided: the length of a whole code decides",
    "feature_choice by rows": r"its sparsifier 'feature_choice' needs all rows of a batch at once",
    "small groups": r"got 2 processes for a nested group of 1 latents",
    "large k": r"got 2 processes for the 64 latents .* with k=40, expected at least 40 latents",
    "rename": r"StoreError: got .*whose file system does not replace a file at once: while one was",
    "another folder": r"ProcessError: got .*in which process 1 does not see what process 0 writes",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_all_processes_stop_before_the_first_step_and_say_why(name, found):
    import re

    for part in found:
        text = part["refusals"][name]
        assert re.search(EXPECTED[name], text, re.DOTALL), text


def test_an_error_of_one_process_is_an_error_of_all(found):
    first, second = (part["refusals"]["one process"] for part in found)
    assert first.startswith("MismatchError: ")
    assert second.startswith("ProcessError: process 1 stops before training, because process 0 did")
    assert first in second


def test_nothing_was_written(found, pair_folder):
    """Other batches are seen when the first of them comes, after the settings were written."""
    assert (pair_folder / "refused").is_dir()
    left = [path for path in (pair_folder / "refused").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {"batches", "a later batch", "a shorter batch"}
    assert {path.name for path in left} <= {"training.json", "metrics.jsonl"}
