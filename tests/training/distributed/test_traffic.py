"""A step exchanges the bytes of the formula, and no more of them in a wider dictionary."""

import pytest
from process_checks import TRAFFIC

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
            per_batch="batch" in name,
        )
        expected = sum(sent_bytes(shape).values())
        assert float(measured[f"{name}/sent"]) == expected
        # What the sockets carried, with the headers of their messages.
        assert expected <= float(measured[f"{name}/written"]) <= 1.02 * expected + 4096


def test_the_bytes_do_not_depend_on_the_width(found):
    for part in found:
        assert part["traffic"]["topk/sent"] == part["traffic"]["wide/sent"]
