"""DistributedDataParallel in two processes: one mask, and the weights of one process."""

import forked
import torch
from computation.small_nets import data, net, sparsified
from torch import nn

STEPS = 6
RUN = """
import sys
folder, number, path = given
sys.path[:0] = path
from computation.test_two_processes import train_in_two
train_in_two(folder, number)
"""


def trained(wrap, rows):
    """The weights after some steps of RigL, and the masks; `rows`: of a process."""
    model = net()
    sparse = sparsified("rigl", model)
    optimiser = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    sparse.attach(optimiser)
    wrapped = wrap(model)
    x, y = data()
    for _ in range(STEPS):
        optimiser.zero_grad()
        nn.functional.cross_entropy(wrapped(x[rows]), y[rows]).backward()
        optimiser.step()
    return [p.detach() for p in model.parameters()], [m.mask for m in sparse.plans[0].matrices]


def train_in_two(folder, number):
    import torch.distributed as dist
    from process_pair import joined
    from torch.nn.parallel import DistributedDataParallel

    joined(folder, number, 2)
    torch.save(trained(DistributedDataParallel, slice(number, None, 2)), f"{folder}/{number}.pt")
    dist.destroy_process_group()


def test_processes_choose_the_masks_of_one(tmp_path):
    import sys

    running = [forked.start(RUN, str(tmp_path), number, sys.path) for number in (0, 1)]
    for process in running:
        process.join(120)
    assert [process.exitcode for process in running] == [0, 0]
    first, second = (torch.load(tmp_path / f"{number}.pt") for number in (0, 1))
    assert all(map(torch.equal, first[1], second[1]))
    assert all(map(torch.equal, first[0], second[0]))
    weights, masks = trained(lambda model: model, slice(None))
    assert all(map(torch.equal, masks, first[1]))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(weights, first[0], strict=True))
