"""Made trajectories have the speeds and turns that are recorded; their model is reproducible."""

import pytest
import torch

from sparsetime.errors import ConfigError
from sparsetime.testbeds.trained.trajectories import trajectories
from sparsetime.testbeds.trained.trajectory_model import trajectory_model


def test_trajectories_have_their_speed_and_turn():
    made = trajectories(400, 24, seed=1)
    assert made.displacements.shape == (400, 24, 2)
    heading = torch.atan2(made.displacements[..., 1], made.displacements[..., 0])
    turned = torch.remainder(heading.diff(dim=1) + torch.pi, 2 * torch.pi) - torch.pi
    fast = made.speed > 1
    assert torch.allclose(turned[fast].mean(1), made.turn[fast], atol=0.06)
    lengths = made.displacements.norm(dim=-1).mean(1)
    assert torch.allclose(lengths[fast], made.speed[fast], atol=0.1)
    again, other = trajectories(400, 24, 1), trajectories(400, 24, 1, part="other")
    assert torch.equal(again.displacements, made.displacements)
    assert not torch.equal(other.displacements, made.displacements)
    with pytest.raises(ConfigError, match="got agents=0 and steps=24"):
        trajectories(0)


def test_a_model_forecasts_from_the_past_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = trajectory_model(steps=4)
    x = trajectories(8, 12, seed=2).displacements
    with torch.no_grad():
        whole, part = model(x), model(x[:, :7])
    assert torch.allclose(whole[:, :7], part, atol=1e-5)
    again = trajectory_model(steps=4)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
