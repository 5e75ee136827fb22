"""A step exchanges the bytes of the formula, and no more of them in a wider dictionary."""

import pytest
from process_checks import TRAFFIC

from sparsetime.training.distributed.row_selection import (
    first_proposals,
    share_of_second_rounds,
)
from sparsetime.training.distributed.traffic import StepShape, sent_bytes


@pytest.mark.parametrize("name", TRAFFIC)
def test_the_measured_bytes_of_a_step_are_those_of_the_formula(name, found):
    for part in found:
        measured = part["traffic"]
        shape = StepShape(
            rows=512,
            d=64,
            k=16,
            processes=2,
            groups=int(measured[f"{name}/groups"]),
            second_round=int(measured[f"{name}/second round"]),
            per_batch="batch" in name,
        )
        expected = sum(sent_bytes(shape).values())
        assert float(measured[f"{name}/sent"]) == expected
        # What the sockets carried, with the headers of their messages.
        assert expected <= float(measured[f"{name}/written"]) <= 1.02 * expected + 4096


def test_the_bytes_do_not_depend_on_the_width(found):
    """But for the rows of a second round, of which there are as few as expected."""
    expected = 512 * share_of_second_rounds(16, 2, first_proposals(16, 2))
    for part in found:
        measured = {key: float(value) for key, value in part["traffic"].items()}
        rows = {name: measured[f"{name}/second round"] for name in ("topk", "wide")}
        sent = {name: measured[f"{name}/sent"] - 4 * 16 * rows[name] for name in rows}
        assert sent["topk"] == sent["wide"]
        assert max(rows.values()) < 2 * expected
