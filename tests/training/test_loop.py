"""The loop over any trainable: logs, snapshots, checkpoints, and resuming to the same bits."""

import edited
import pytest
import torch
from torch import nn

from sparsetime.errors import DataError, StoreError
from sparsetime.training.job import Job
from sparsetime.training.loop import first_step, run_jobs
from sparsetime.training.module_trainable import ModuleTrainable
from sparsetime.training.plan import RunPlan
from sparsetime.training.run_folder import RunFolder, read_metrics
from sparsetime.training.snapshots import snapshot_folders

PLAN = RunPlan(20, rows_per_step=8, log_every=4, checkpoint_every=5, snapshot_steps=(1, 6))


class InterruptedRunError(Exception):
    pass


class NoisyRegression(ModuleTrainable[tuple[torch.Tensor, torch.Tensor]]):
    """A linear map learnt from noisy inputs, whose generator of noise is part of its state."""

    def __init__(self, stop_before=None, name="toy"):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
        module[2].weight = module[0].weight  # tied
        optimisers = [
            torch.optim.AdamW([module[0].weight], 1e-2),
            torch.optim.SGD([p for n, p in module.named_parameters() if n != "0.weight"], 1e-2),
        ]
        super().__init__(name, module, optimisers, lambda step: 1e-2 / (step + 1), 1.0)
        self.noise = torch.Generator().manual_seed(1)
        self.stop_before = stop_before
        self.first_batch = None

    def initialise(self, batch):
        self.first_batch = batch

    def loss(self, batch, number):
        if number == self.stop_before:
            raise InterruptedRunError
        x, y = batch
        noisy = x + 0.1 * torch.randn(x.shape, generator=self.noise)
        return (self.module(noisy) - y).square().mean()

    def state(self):
        return {**super().state(), "noise": self.noise.get_state()}

    def restore(self, tensors):
        self.noise.set_state(tensors.pop("noise"))
        super().restore(tensors)


def batches(skip, count=20):
    for number in range(skip, count):
        generator = torch.Generator().manual_seed(number)
        x = torch.randn(8, 4, generator=generator)
        yield x, x.flip(1)


def job(path, trainable, plan=PLAN, settings=None):
    return Job(trainable, RunFolder(str(path), trainable.files), settings or {"seed": 0}, plan)


def run(*jobs, show=False):
    for one in jobs:
        one.acquire()
    run_jobs(jobs, batches(first_step(jobs)), show)


def same_weights(a, b):
    return all(torch.equal(tensor, b.weights()[name]) for name, tensor in a.weights().items())


@pytest.fixture
def whole(tmp_path):
    trainable = NoisyRegression()
    run(job(tmp_path / "whole", trainable))
    return trainable


@pytest.mark.parametrize("stop", [3, 5, 13, 19])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, whole, stop):
    cut = tmp_path / "cut"
    with pytest.raises(InterruptedRunError):
        run(job(cut, NoisyRegression(stop_before=stop)))
    again = NoisyRegression()
    resumed = job(cut, again)
    assert resumed.next_step == stop // 5 * 5
    run(resumed)
    assert same_weights(again, whole)
    assert (again.first_batch is None) == (stop >= 5), "initialised before the first step only"
    lines = [{k: v for k, v in one.items() if k != "seconds"} for one in read_metrics(str(cut))]
    assert [line["step"] for line in lines] == [4, 8, 12, 16, 20]
    kept = list(read_metrics(str(tmp_path / "whole")))
    assert lines == [{k: v for k, v in one.items() if k != "seconds"} for one in kept]
    seconds = [line["seconds"] for line in read_metrics(str(cut))]
    assert seconds == sorted(seconds), "the seconds of all sessions are added up"
    assert list(snapshot_folders(str(cut), "model.safetensors")) == [1, 6]
    assert not (cut / "checkpoint.safetensors").exists()


def test_a_finished_run_is_loaded_not_trained(tmp_path, whole):
    again = NoisyRegression(stop_before=0)
    run(job(tmp_path / "whole", again))
    assert same_weights(again, whole)
    head, embedding = again.module[2].weight, again.module[0].weight
    assert head is embedding, "tied weights stay tied"


def test_jobs_that_stand_at_different_steps_end_as_if_alone(tmp_path, whole):
    ahead = tmp_path / "ahead"
    with pytest.raises(InterruptedRunError):
        run(job(ahead, NoisyRegression(stop_before=13)))
    one, other = NoisyRegression(), NoisyRegression(name="other")
    jobs = [job(ahead, one), job(tmp_path / "fresh", other)]
    assert [each.next_step for each in jobs] == [10, 0]
    run(*jobs)
    assert same_weights(one, whole) and same_weights(other, whole)
    assert one.first_batch is None and other.first_batch is not None


def test_snapshots_hold_the_weights_of_their_step(tmp_path, whole):
    early = NoisyRegression()
    short = RunPlan(6, rows_per_step=8, log_every=1, checkpoint_every=9)
    run(job(tmp_path / "short", early, short))
    at_six = NoisyRegression()
    at_six.load(snapshot_folders(str(tmp_path / "whole"), "model.safetensors")[6].url)
    assert same_weights(early, at_six)


def test_other_settings_and_batches_that_end_are_errors(tmp_path, whole):
    with pytest.raises(StoreError, match="its seed differ"):
        job(tmp_path / "whole", NoisyRegression(), settings={"seed": 1})
    short = job(tmp_path / "short", NoisyRegression())
    short.acquire()
    with pytest.raises(
        DataError, match=r"ended after step 3 of 20; give more of them.* rows=24 and force=True"
    ):
        run_jobs([short], batches(0, 3), False)
    empty = job(tmp_path / "empty", NoisyRegression())
    with pytest.raises(DataError, match="gave no batches"):
        run_jobs([empty], batches(0, 0), False)


def test_a_loss_that_is_not_finite_stops_before_the_update(tmp_path):
    trainable = NoisyRegression()
    before = {name: tensor.clone() for name, tensor in trainable.module.named_parameters()}
    with pytest.raises(DataError, match="loss of 'toy' at step 0 that is not finite"):
        trainable.step((torch.full((8, 4), torch.inf), torch.zeros(8, 4)), 0)
    for name, tensor in trainable.module.named_parameters():
        assert torch.equal(tensor, before[name])


def test_the_progress_bar_shows_the_loss(tmp_path, capsys):
    run(job(tmp_path / "shown", NoisyRegression()), show=True)
    shown = capsys.readouterr().err
    assert "train toy" in shown and "160" in shown and "loss " in shown
    saved = edited.read_json(tmp_path / "shown/training.json")
    assert saved == {"seed": 0, "random_streams": 1}
