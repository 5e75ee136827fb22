"""EEG: features of a forecaster that respond to blinks, spindles and tones, and their latency.

    pip install ".[eeg]" edfio
    python examples/eeg.py

Recordings with planted events are written as EDF files with annotations and read as a user's files
are. A recurrent network learns to predict a sixteenth of a second ahead. On subjects that neither
it nor the dictionary saw, features are averaged around events.
"""

from __future__ import annotations

from pathlib import Path

import edfio
import torch
from example import discovered, run, say, show
from torch import nn

import sparsetime as st
from sparsetime.testbeds import EEGRecording, eeg_recordings
from sparsetime.testbeds.eeg.recordings import CHANNELS, RATE

AHEAD = 16  # samples
MICROVOLTS = 1e6


class Forecaster(nn.Module):
    """Predicts the sample a sixteenth of a second ahead of eight channels, given in volts."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(len(CHANNELS), 96, batch_first=True)
        self.head = nn.Linear(96, len(CHANNELS))

    def forward(self, volts: torch.Tensor) -> torch.Tensor:
        predicted: torch.Tensor = self.head(self.gru(volts * (MICROVOLTS / 20))[0])
        return predicted


def write_edf(recording: EEGRecording, folder: Path) -> Path:
    """An EDF+ file of a recording, with its events as annotations."""
    signals = [
        edfio.EdfSignal(
            values.astype(float),
            sampling_frequency=RATE,
            label=name,
            physical_dimension="uV",
            physical_range=(-400, 400),
        )
        for name, values in zip(CHANNELS, recording.values.clip(-400, 400).T, strict=True)
    ]
    notes = [
        edfio.EdfAnnotation(e["onset"], e["duration"], e["trial_type"]) for e in recording.events
    ]
    path = folder / f"{recording.id.replace(' ', '-')}.edf"
    folder.mkdir(parents=True, exist_ok=True)
    edfio.Edf(signals, annotations=notes).write(path)
    return path


def trained(paths: list[Path], steps: int) -> Forecaster:
    torch.manual_seed(0)
    model = Forecaster()
    x = torch.stack([one.values for one in st.read([str(path) for path in paths])])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        begin = int(torch.randint(x.shape[1] - 2 * RATE, (1,), generator=generator))
        piece = x[:, begin : begin + 2 * RATE]
        target = piece[:, AHEAD:] * (MICROVOLTS / 20)
        loss = (model(piece[:, :-AHEAD]) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    say(f"Forecaster: squared error {loss:.3f}, variance of the data {target.var():.3f}.")
    return model.eval()


def main(out: Path, small: bool) -> None:
    subjects = eeg_recordings(6 if small else 16, seconds=20.0 if small else 60.0)
    paths = [write_edf(one, out / "edf") for one in subjects]
    half = len(paths) // 2
    model = trained(paths[:half], steps=15 if small else 150)
    stores = {}
    for part, some in (("train", slice(None, half)), ("test", slice(half, None))):
        groups = [
            {"id": path.stem, "group": one.group}
            for path, one in zip(paths[some], subjects[some], strict=True)
        ]
        data = st.read([str(path) for path in paths[some]])
        stores[part] = st.capture(model, data, "gru", out / part, labels=groups, keep_input=True)

    sae = st.dictionary("topk", d_in=96, width=96 if small else 512, k=8)
    st.train(sae, stores["train"], out=out / "dictionary", rows=30_000 if small else 300_000)
    index = st.index(sae, stores["test"], out=out / "dictionary" / "features")

    averages = st.peri_event(index, stores["test"].events, before=RATE // 4, after=RATE // 2)
    rows = averages.table.to_pylist()
    for kind in sorted({row["type"] for row in rows}):
        found = [row for row in rows if row["type"] == kind and discovered(row)]
        count = f"{len(found)} of {sae.width} features respond"
        say(f"{kind.capitalize()}: {count}, false-discovery rate 0.05.")
        found.sort(key=lambda row: -abs(row["peak"] - row["baseline"]))
        if not found:
            continue
        timed = [row | {"ms": 1000 * row["latency"] / RATE} for row in found[:3]]
        show(timed, feature="feature", before="baseline:.0%", peak="peak:.0%", ms="ms:.0f")


if __name__ == "__main__":
    run(main, __doc__)
