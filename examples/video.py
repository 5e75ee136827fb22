"""Video: features of a tracker of moving shapes, as detectors of place and motion.

    python examples/video.py

Each frame is read by a vision transformer of 16 patches; a recurrent layer over frames predicts
where the shape will be four frames later. Features of its state are scored as detectors of place,
motion, shape and colour, on clips that chose nothing, beside the best dimension of the transformer
alone, which sees one frame at a time.
"""

from __future__ import annotations

from pathlib import Path

import torch
from example import run, say, show_detectors
from torch import Tensor, nn

import sparsetime as st
from sparsetime.testbeds import Clip, clips

SIZE, PATCH, WIDTH = 32, 8, 64  # pixels of a frame and of a patch, width of a token
AHEAD = 4  # frames
LABELS = ("x", "y", "motion", "shape", "colour")


class Tracker(nn.Module):
    """Centres four frames ahead of clips [batch, frames, 32, 32, 3]; sites `frame` and `memory`."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.places = nn.Parameter(torch.zeros(17, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, 4, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.frame = nn.Identity()
        self.memory = nn.GRU(WIDTH, 2 * WIDTH, batch_first=True)
        self.head = nn.Linear(2 * WIDTH, 2)

    def forward(self, clip: Tensor) -> Tensor:
        images = clip.flatten(0, 1).movedim(-1, 1)
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = nn.functional.pad(tokens, (0, 0, 1, 0)) + self.places  # [CLS] goes first
        seen = self.frame(self.layers(tokens)[:, 0].unflatten(0, clip.shape[:2]))
        predicted: Tensor = self.head(self.memory(seen)[0])
        return predicted


def trained(data: list[Clip], steps: int) -> Tracker:
    torch.manual_seed(0)
    model = Tracker()
    x = torch.stack([one.document.values for one in data])
    centres = torch.stack([torch.from_numpy(one.paths[0]) for one in data]) / SIZE - 0.5
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        some = torch.randint(len(x), (16,), generator=generator)
        # The first two frames do not show where a shape moves.
        loss = (model(x[some])[:, 2:-AHEAD] - centres[some, 2 + AHEAD :]).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    still = (centres[:, 2:-AHEAD] - centres[:, 2 + AHEAD :]).abs().mean()
    say(f"Tracker: off by {SIZE * loss:.2f} pixels; without a move {SIZE * still:.2f}.")
    return model.eval()


def main(out: Path, small: bool) -> None:
    data = clips(count=48 if small else 400, frames=16)
    half = len(data) // 2
    model = trained(data[:half], steps=40 if small else 800)
    recordings = [one.document for one in data]
    store, frame = st.capture(model, recordings, ["memory", "frame"], out / "activations")
    train, held_out = st.split(store, by="sequence", held_out=0.5)
    sae = st.dictionary("topk", d_in=store.d, width=128, k=4)
    st.train(sae, train, out=out / "dictionary", rows=20_000 if small else 200_000)
    index = st.index(sae, held_out, out=out / "dictionary" / "features")
    scores = st.label_features(index, held_out, LABELS, baselines={"one_frame": frame})
    columns = {"one_frame": "one_frame_precision:.2f", "_": "one_frame_recall:.2f"}
    show_detectors(scores, LABELS, 5, **columns)


if __name__ == "__main__":
    run(main, __doc__)
