"""What two processes found, for all tests of this folder: they run once."""

import pytest
import torch
from process_pair import run_together


@pytest.fixture(scope="session")
def pair_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pair")


@pytest.fixture(scope="session")
def found(pair_folder):
    """By number of the process, what each check returned."""
    codes, printed = run_together("everything", pair_folder)
    assert codes == [0, 0], "\n".join(printed)
    return [torch.load(pair_folder / f"found-{n}.pt", weights_only=True) for n in range(2)]
