"""Music: features of CREPE, a network of pitch, that name notes; found without a person.

    python examples/music_pitch.py

Melodies of made instruments are captured at CREPE's last layer before the pitch. A dictionary is
trained on half of the recordings. On the others, every feature is scored as a detector of every
note, beside the best single dimension of the layer and of an untrained copy of the network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from example import run, show

import sparsetime as st
from sparsetime.testbeds import crepe, melodies
from sparsetime.testbeds.networks.crepe import Crepe

SURE = 0.95


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
    # Those that a label names: notes of the table of events, false-discovery rate 0.05.
    rows = [r for r in scores.table.to_pylist() if r["value"] == "True" and (r["q"] or 1) <= 0.05]
    sure = [row for row in rows if (row["precision"] or 0) > SURE and (row["recall"] or 0) > SURE]
    print(scores.about["halves"])
    show(
        sorted(sure, key=lambda row: row["name"]),
        feature="feature",
        note="name",
        precision="precision:.3f",
        recall="recall:.3f",
        best_dimension="raw_precision:.3f",
        _="raw_recall:.3f",
        untrained="untrained_precision:.3f",
        __="untrained_recall:.3f",
    )
    named = {row["name"] for row in sure}
    print(f"{len(sure)} features name {len(named)} notes, precision and recall above {SURE}")


if __name__ == "__main__":
    run(main, __doc__)
