"""Sensors: features of a forecaster of a smart watch that differ between activities.

    python examples/sensors.py

A small recurrent network learns to predict the next tenth of a second of six channels. Its state is
decomposed into features. On recordings that neither saw, features are compared between activities,
with recordings as replicates.
"""

from __future__ import annotations

from pathlib import Path

import torch
from example import discovered, run, say, show
from torch import nn

import sparsetime as st
from sparsetime.testbeds import basic_motions


class Forecaster(nn.Module):
    """Predicts the next step of six channels from all steps so far."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 64, batch_first=True)
        self.head = nn.Linear(64, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        predicted: torch.Tensor = self.head(self.gru(x)[0])
        return predicted


def trained(recordings: list[st.Document], steps: int) -> Forecaster:
    torch.manual_seed(0)
    model = Forecaster()
    x = torch.stack([one.values for one in recordings])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        loss = (model(x[:, :-1]) - x[:, 1:]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    say(f"Forecaster: squared error {loss:.2f}, variance of the data {x.var():.2f}.")
    return model.eval()


def main(out: Path, small: bool) -> None:
    recordings = basic_motions()
    part = {name: [d for d in recordings if d.labels["part"] == name] for name in ("train", "test")}
    model = trained(part["train"], steps=30 if small else 300)
    train = st.capture(model, part["train"], "gru", out / "train", keep_input=True)
    test = st.capture(model, part["test"], "gru", out / "test", keep_input=True)

    sae = st.dictionary("topk", d_in=64, width=64 if small else 256, k=8)
    st.train(sae, train, out=out / "dictionary", rows=20_000 if small else 200_000)
    index = st.index(sae, test, out=out / "dictionary" / "features")

    st.label_features(index, test, ["activity"])
    for a, b in (("Running", "Badminton"), ("Walking", "Standing")):
        table = st.compare_conditions(index, test, "activity", a, b).to_pylist()
        name = f"activity {a} vs {b}"
        differing = [row for row in table if discovered(row, f"{name} q")]
        count = f"{len(differing)} of {sae.width} features differ"
        say(f"{a} against {b}: {count}, false-discovery rate 0.05.")
        largest = sorted(differing, key=lambda row: -abs(row[f"{name} difference"]))[:4]
        rates = {a: f"{name} rate a:.0%", b: f"{name} rate b:.0%"}
        show(largest, feature="feature", **rates, q=f"{name} q:.3f")


if __name__ == "__main__":
    run(main, __doc__)
