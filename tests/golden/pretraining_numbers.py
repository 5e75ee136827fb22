"""Golden numbers of pretraining: every recipe after a few steps, and what its claims read with."""

from __future__ import annotations

import torch
from golden import record

from sparsetime import seeds

SMALL = {"patch": 4, "layers": 1, "frames": 2, "pixels": 4, "length": 4, "share": 0.5}


def pretraining() -> dict[str, dict[str, float]]:
    """The squares of trained vectors by recipe, probes of random rows, windows of the counts."""
    from sparsetime.claims.lab.clip_probe import clip_tensors
    from sparsetime.claims.lab.frozen_probes import probe_accuracy, ridge_error
    from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
    from sparsetime.testbeds.series.street_windows import city_windows, street_windows

    random = seeds.torch_generator(0, "random inputs")
    series = torch.randn(8, 48, 2, generator=random).cumsum(1) / 4
    clips = clip_tensors(8, 8, seed=0, size=16)[0].frames
    by_recipe = {}
    for card in record.st.recipes(kind="pretraining"):
        taken = {key: value for key, value in SMALL.items() if key in card.defaults}
        objective = record.st.pretraining_objective(card.name, **taken)
        is_clips = "tubes" in str(objective.model["view"])
        sizes = {"height": 16, "width": 16} if is_clips else {"d_in": 2}
        data = clips if is_clips else series
        model = objective.encoder(d=8, **sizes)
        pretrain_briefly(model, data, objective, steps=4, batch=4)
        vectors = vectors_of(model, data) * torch.arange(8)
        by_recipe[card.name] = vectors.double().square().mean().item()
    x = record.planted(200)
    halves = (x[:100], (x[:100, 0] > 0.3).long(), x[100:], (x[100:, 0] > 0.3).long())
    values = (x[:100, 1:], x[:100, :1], x[100:, 1:], x[100:, :1])
    return {
        "pretraining.recipes.card": by_recipe,
        "claims.lab.short_pretraining": by_recipe,
        "claims.lab.frozen_probes": {
            "accuracy": probe_accuracy(*halves),
            "ridge": ridge_error(*values),
        },
        "claims.lab.clip_probe": {"frames": clips.double().square().mean().item()},
        "testbeds.series.street_windows": {
            "one": street_windows(48, 20, seed=0).double().square().mean().item(),
            "all": city_windows(24, 20, seed=0).double().square().mean().item(),
        },
    }
