"""Music: features of CREPE, a network of pitch, as detectors of single notes.

    python examples/music_pitch.py

Melodies of made instruments are captured at CREPE's last layer before the pitch. A dictionary is
trained on half of the recordings. On the others, every feature is scored as a detector of every
note, beside the best single dimension of the layer and of an untrained copy of the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from example import discovered, run, say, say_halves, show

import sparsetime as st
from sparsetime.features.labels.stored_label import NO_EVENT
from sparsetime.testbeds import crepe, melodies
from sparsetime.testbeds.networks.crepe import Crepe

SURE = 0.95


def both(row: dict[str, Any], of: str = "") -> float:
    """The smaller one of precision and recall; 0 where they are not defined."""
    return min(row[f"{of}precision"] or 0.0, row[f"{of}recall"] or 0.0)


def main(out: Path, small: bool) -> None:
    made = melodies(count=6 if small else 32, seconds=8.0)
    recordings, notes = [one.document for one in made], [e for one in made for e in one.events]
    store = st.capture(
        crepe("tiny"),
        recordings,
        "latent",
        out / "activations",
        events=notes,
        keep_input=True,
        batch=2,
    )
    torch.manual_seed(0)
    untrained = st.capture(Crepe("tiny").eval(), recordings, "latent", out / "untrained", batch=2)

    train, held_out = st.split(store, by="sequence", held_out=0.5)
    sae = st.dictionary("batch_topk", d_in=store.d, width=256 if small else 1024, k=8)
    st.train(sae, train, out=out / "dictionary", rows=40_000 if small else 400_000, batch=1024)
    index = st.index(sae, held_out, out=out / "dictionary" / "features")

    scores = st.label_features(index, held_out, baselines={"untrained": untrained})
    rows = [row for row in scores.table.to_pylist() if row["value"] != NO_EVENT]
    sure = [row for row in rows if discovered(row) and both(row) > SURE]
    best = {row["name"]: row for row in sorted(sure, key=lambda row: row["phi"])}
    say_halves(scores)
    show(
        sorted(best.values(), key=lambda row: row["name"]),
        feature="feature",
        note="name",
        precision="precision:.3f",
        recall="recall:.3f",
        best_dimension="raw_precision:.3f",
        _="raw_recall:.3f",
        untrained="untrained_precision:.3f",
        __="untrained_recall:.3f",
    )
    say(f"{len(sure)} features name {len(best)} notes, precision and recall above {SURE}.")
    for prefix, network in (("raw_", "the network"), ("untrained_", "an untrained copy")):
        most = max(both(row, prefix) for row in rows)
        say(f"The best single dimension of {network} has {most:.2f} of both.")


if __name__ == "__main__":
    run(main, __doc__)
